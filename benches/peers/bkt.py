"""pyBKT: one hidden Markov chain a skill (here: a combination of skills), fitted by EM. No epochs, so nothing to stop early."""

import time

import numpy as np
import pandas as pd

from scoring import metrics


def frame(learners, split):
    return pd.DataFrame({
        "order_id": np.concatenate([np.arange(len(learner.items)) for learner in learners]),
        "user_id": np.concatenate([np.full(len(learner.items), at) for at, learner in enumerate(learners)]),
        "skill_name": np.concatenate([np.array(split.combos)[learner.items] for learner in learners]).astype(str),
        "correct": np.concatenate([learner.correct for learner in learners]),
        "first": np.concatenate([np.arange(len(learner.items)) == 0 for learner in learners]),
    })


def predicted(model, learners, split):
    answers = frame(learners, split)
    found = model.predict(data=answers.copy()).sort_index()
    assert (found["correct"].to_numpy() == answers["correct"].to_numpy()).all(), "pyBKT moved rows"
    return found["correct_predictions"].to_numpy(dtype=float), answers["correct"].to_numpy(), answers["first"].to_numpy()


def run(split, seed):
    from pyBKT.models import Model

    wall, cpu = time.perf_counter(), time.process_time()
    model = Model(seed=seed, num_fits=1, parallel=False)
    training = frame(split.train, split)
    model.fit(data=training)
    wall, cpu = round(time.perf_counter() - wall, 2), round(time.process_time() - cpu, 2)
    valid, valid_truth, _ = predicted(model, split.valid, split)
    probability, truth, first = predicted(model, split.test, split)
    return {
        "best_epoch": None, "epochs": [], "capped": False, "valid_auc": metrics(valid, valid_truth)["auc"],
        "wall_seconds_to_best": wall, "cpu_seconds_to_best": cpu,
        "answers_per_wall_second": None, "answers_per_cpu_second": None, "train_answers": len(training), "parameters": None,
        "test": metrics(probability, truth), "test_without_first_of_learner": metrics(probability[~first], truth[~first]),
    }
