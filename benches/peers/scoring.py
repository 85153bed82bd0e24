"""What is said of a set of predictions."""

import numpy as np
from sklearn.metrics import roc_auc_score


def area(probability, truth):
    return round(float(roc_auc_score(truth, probability)), 5)


def metrics(probability, truth):
    held = np.clip(probability, 1e-7, 1 - 1e-7)
    bins = np.minimum((probability * 15).astype(int), 14)
    gaps = [abs(probability[bins == bin].mean() - truth[bins == bin].mean()) * (bins == bin).mean() for bin in np.unique(bins)]
    return {
        "answers": len(truth),
        "auc": area(probability, truth),
        "accuracy": round(float(((probability >= 0.5) == truth).mean()), 5),
        "log_loss": round(float(-(truth * np.log(held) + (1 - truth) * np.log(1 - held)).mean()), 5),
        "ece": round(float(sum(gaps)), 5),
    }
