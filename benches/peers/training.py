"""Train a peer, keep the epoch that validates best, score the test learners once."""

import copy
import signal
import time

import numpy as np
import torch

from scoring import area, metrics

LENGTH = 200  # positions of a sequence, the start among them


def pieces(learners, start, length=LENGTH):
    """A learner's answers in pieces, each behind a start: (items, correct, is the first answer the learner's first?)."""
    room = length - 1
    for learner in learners:
        for at in range(0, len(learner.items), room):
            items = np.concatenate([[start], learner.items[at : at + room]])
            correct = np.concatenate([[0], learner.correct[at : at + room]])
            yield items, correct, at == 0


def batches(sequences, size, combos, order=None):
    """Batches of similar length, cut to the longest in each."""
    lengths = np.array([len(items) for items, _, _ in sequences])
    keys = np.arange(len(sequences)) if order is None else torch.randperm(len(sequences), generator=order).numpy()
    keys = keys[np.argsort(lengths[keys] // 20, kind="stable")]
    groups = [keys[at : at + size] for at in range(0, len(keys), size)]
    shuffled = range(len(groups)) if order is None else torch.randperm(len(groups), generator=order).tolist()
    for group in (groups[at] for at in shuffled):
        longest = int(lengths[group].max())
        items, correct, mask = (np.zeros((len(group), longest), dtype=np.int64) for _ in range(3))
        for row, at in enumerate(group):
            items[row, : lengths[at]], correct[row, : lengths[at]], mask[row, : lengths[at]] = sequences[at][0], sequences[at][1], 1
        yield group, {
            "question_seq": torch.from_numpy(items),
            "concept_seq": torch.from_numpy(combos[items]),
            "correctness_seq": torch.from_numpy(correct),
            "mask_seq": torch.from_numpy(mask),
            "seq_len": torch.from_numpy(lengths[group]),
        }


@torch.no_grad()
def score(peer, sequences, combos, size=64):
    """Every answer's probability, truth, whether it is a learner's first, and whether it is a piece's first."""
    peer.module.eval()
    columns = [[], [], [], [], []]
    for group, batch in batches(sequences, size, combos):
        probability = peer.predict(batch).double().numpy()
        for row, at in enumerate(group):
            items, correct, opens = sequences[at]
            many = len(items) - 1
            first = np.arange(many) == 0
            for column, values in zip(columns, (probability[row, :many], correct[1:], first & opens, first, items[1:])):
                column.append(values)
    return [np.concatenate(column) for column in columns]


def report(peer, split, combos):
    """The test learners, scored once: all answers, and the two narrower sets that others score."""
    probability, truth, first, opens, item = score(peer, list(pieces(split.test, split.start)), combos)
    seen = np.zeros(split.items, dtype=bool)
    for learner in split.train:
        seen[learner.items] = True
    cold = ~seen[item]
    found = {"test": metrics(probability, truth), "test_without_first_of_learner": metrics(probability[~first], truth[~first])}
    found["test_without_first_of_piece"] = metrics(probability[~opens], truth[~opens])
    if cold.sum() >= 100:
        found["test_unseen_items"] = metrics(probability[cold], truth[cold])
    if peer.unbounded:
        longest = max(len(learner.items) for learner in split.test) + 1
        whole = score(peer, list(pieces(split.test, split.start, longest)), combos, size=16)
        found["test_whole_histories"] = metrics(whole[0], whole[1])
    return found


class Stop:
    """Asked for by SIGTERM: the run ends after this batch and scores its best epoch so far."""

    def __init__(self):
        self.asked = False
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "asked", True))


def train(peer, split, seed, minutes, patience, max_epochs, say):
    combos = np.array(split.combos)
    training, validation = list(pieces(split.train, split.start)), list(pieces(split.valid, split.start))
    answers = sum(len(items) - 1 for items, _, _ in training)
    order, stop = torch.Generator().manual_seed(seed), Stop()
    optimizer = torch.optim.Adam(peer.module.parameters(), lr=peer.learning_rate, weight_decay=peer.weight_decay)
    epochs, best, kept, capped = [], None, None, False
    began, began_cpu = time.perf_counter(), time.process_time()
    learnt, learnt_wall, learnt_cpu = 0, 0.0, 0.0
    while len(epochs) < max_epochs and not capped:
        peer.module.train()
        wall, cpu = time.perf_counter(), time.process_time()
        losses = []
        for step, (_, batch) in enumerate(batches(training, peer.batch, combos, order), 1):
            loss = peer.loss(batch)
            (loss / peer.accumulate).backward()
            losses.append(loss.item())
            if step % peer.accumulate == 0:
                if peer.clip:
                    torch.nn.utils.clip_grad_norm_(peer.module.parameters(), peer.clip)
                optimizer.step()
                optimizer.zero_grad()
            learnt += int(batch["mask_seq"][:, 1:].sum())
            if stop.asked or time.process_time() - began_cpu > minutes * 60:
                capped = True
                break
        learnt_wall += time.perf_counter() - wall
        learnt_cpu += time.process_time() - cpu
        probability, truth, *_ = score(peer, validation, combos)
        auc = area(probability, truth)
        epochs.append({
            "passes": round(learnt / answers, 3), "valid_auc": auc, "loss": round(float(np.mean(losses)), 5),
            "wall_seconds": round(time.perf_counter() - began, 2), "cpu_seconds": round(time.process_time() - began_cpu, 2),
        })
        say(f"  epoch {len(epochs)}: {epochs[-1]}")
        if best is None or auc > epochs[best]["valid_auc"]:
            best, kept = len(epochs) - 1, copy.deepcopy(peer.module.state_dict())
        if len(epochs) - 1 - best >= patience:
            break
    peer.module.load_state_dict(kept)
    return {
        "best_epoch": best + 1, "epochs": epochs, "capped": capped, "valid_auc": epochs[best]["valid_auc"],
        "wall_seconds_to_best": epochs[best]["wall_seconds"], "cpu_seconds_to_best": epochs[best]["cpu_seconds"],
        "answers_per_wall_second": round(learnt / learnt_wall), "answers_per_cpu_second": round(learnt / learnt_cpu),
        "train_answers": answers, "parameters": sum(p.numel() for p in peer.module.parameters() if p.requires_grad),
        **report(peer, split, combos),
    }
