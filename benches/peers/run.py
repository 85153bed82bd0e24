"""Run the peers on our splits, or write the table of what was run.

    python benches/peers/run.py --data ../shared/data --models rekt,mikt --sets gervet --minutes 20
    python benches/peers/run.py --table

Each run adds one JSON line to results.jsonl; --table writes RESULTS.md from it.
"""

import argparse
import contextlib
import datetime
import importlib.metadata as metadata
import json
import os
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results.jsonl"
PACKAGES = ("torch", "edmine", "pykt-toolkit", "pyBKT", "scikit-learn", "numpy")
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # one thread, whoever does the sums


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    return {"cpu": cpu, "cores": os.cpu_count(), "nice": os.nice(0)}


def versions():
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def one_run(options, model, name, seed):
    import numpy as np

    import splits

    say = lambda line: print(line, file=sys.stderr, flush=True)
    split = splits.load(name, options.data, options.learners)
    random.seed(seed), np.random.seed(seed)
    say(f"{model} on {split.name}, seed {seed}: {len(split.train)} / {len(split.valid)} / {len(split.test)} learners")
    load_before = os.getloadavg()[0]
    if model == "pybkt":
        import bkt

        title, settings, found = "BKT (pyBKT)", {"package": "pyBKT", "num_fits": 1}, bkt.run(split, seed)
    else:
        import torch

        import models
        import training

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        title, build = models.MODELS[model]
        peer = build(split)
        peer.learning_rate = options.learning_rate or peer.learning_rate
        settings = {
            "package": peer.package, "model": peer.settings, "batch": peer.batch, "learning_rate": peer.learning_rate,
            "weight_decay": peer.weight_decay, "clip": peer.clip, "accumulate": peer.accumulate, "patience": options.patience,
        }
        found = training.train(peer, split, seed, options.minutes, options.patience, options.epochs, say)
    return {
        "model": model, "title": title, "set": name, "dataset": split.name, "seed": seed, **found, "cap_minutes": options.minutes,
        "settings": settings, "learners": [len(split.train), len(split.valid), len(split.test)], "cut_to_learners": options.learners,
        "date": datetime.date.today().isoformat(), "threads": 1, "machine": machine(),
        "load_before_after": [round(load_before, 1), round(os.getloadavg()[0], 1)],
        "versions": versions(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    parser.add_argument("--models", default="lstm", help="lstm, lstm-quick, qdkt, simplekt, akt, rekt, mikt, dkt, pykt-dkt, pybkt")
    parser.add_argument("--sets", default="gervet", help="gervet, mikt, statics, assist2015, algebra")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--minutes", type=float, default=20, help="CPU minutes of a run, validation included; the best epoch so far is scored")
    parser.add_argument("--patience", type=int, default=10, help="epochs without a better validation AUC")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, help="instead of the peer's own")
    parser.add_argument("--learners", type=int, help="only so many of each part: a smoke test, kept out of results.jsonl")
    parser.add_argument("--table", action="store_true", help="write RESULTS.md and do nothing else")
    options = parser.parse_args()
    if options.table:
        import table

        table.write(RESULTS, HERE / "RESULTS.md")
        return

    for name in options.sets.split(","):
        for model in options.models.split(","):
            for seed in map(int, options.seeds.split(",")):
                result = json.dumps(one_run(options, model, name, seed))
                if options.learners:
                    print(result)
                else:
                    with open(RESULTS, "a") as file:
                        file.write(result + "\n")


if __name__ == "__main__":
    main()
