"""RESULTS.md from results.jsonl."""

import json

from splits import SETS

# What was meant to run, in order of weight; what has no result is listed as not run.
MEANT = {
    "gervet": {"lstm": "item LSTM", "qdkt": "qDKT", "simplekt": "simpleKT", "rekt": "ReKT"},
    "mikt": {"mikt": "MIKT", "rekt": "ReKT"},
    "statics": {"lstm": "item LSTM", "simplekt": "simpleKT"},
    "assist2015": {"dkt": "DKT (edmine)", "pykt-dkt": "DKT (pyKT)"},
    "algebra": {"lstm": "item LSTM", "qdkt": "qDKT"},
}


def shown(value, digits=4):
    return "-" if value is None else f"{value:,.{digits}f}"


def best_of(run):
    if not run["epochs"]:
        return "-"
    return f"{run['best_epoch']} of {len(run['epochs'])}" + (f", stopped at {run['epochs'][-1]['cpu_seconds'] / 60:.0f} CPU min" if run["capped"] else "")


def auc(run, part):
    return shown(run[part]["auc"]) if part in run else "-"


def first_reaching(run, target):
    return next((epoch for epoch in run["epochs"] if epoch["valid_auc"] >= target), None)


def write(source, target):
    runs = [json.loads(line) for line in source.read_text().splitlines()]
    lines = ["# The peers on our splits", "", "Written by `python benches/peers/run.py --table` from `results.jsonl`; protocol and limits: [README](README.md).", ""]
    dates = sorted({run["date"] for run in runs})
    machines = sorted({f"{run['machine']['cpu']}, {run['machine']['cores']} cores" for run in runs})
    versions = sorted({", ".join(f"{name} {version}" for name, version in run["versions"].items()) for run in runs})
    lines += [f"Run {dates[0]} to {dates[-1]} on one thread each (`nice -n 19`, beside other work) of: {'; '.join(machines)}. {'; '.join(versions)}.", ""]
    for name, (title, _) in SETS.items():
        here = [run for run in runs if run["set"] == name]
        if not here:
            continue
        train, valid, test = here[0]["learners"]
        lines += [
            f"## {title}", "", f"{train:,} / {valid:,} / {test:,} learners to train, validate and test; {here[0]['test']['answers']:,} test answers, every one scored.", "",
            "| model | seed | AUC | without each learner's first answer | without each piece's first | whole histories | unseen items | accuracy | log loss | ECE |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        here.sort(key=lambda run: -run["test"]["auc"])
        for run in here:
            parts = ("test", "test_without_first_of_learner", "test_without_first_of_piece", "test_whole_histories", "test_unseen_items")
            cells = [run["title"], run["seed"], *[auc(run, part) for part in parts]]
            cells += [shown(run["test"]["accuracy"]), shown(run["test"]["log_loss"]), shown(run["test"]["ece"])]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
        lines += [
            "", "| model | seed | best validation AUC | epoch | s to it, wall | s to it, CPU | CPU s to within 0.002 of it | answers/s, wall | answers/s, CPU | parameters | load |",
            "|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for run in here:
            near = first_reaching(run, run["valid_auc"] - 0.002)
            cells = [
                run["title"], run["seed"], shown(run["valid_auc"]), best_of(run), shown(run["wall_seconds_to_best"], 0),
                shown(run["cpu_seconds_to_best"], 0), shown(near and near["cpu_seconds"], 0), shown(run["answers_per_wall_second"], 0),
                shown(run["answers_per_cpu_second"], 0), shown(run["parameters"], 0), " to ".join(map(str, run["load_before_after"])),
            ]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
        lines.append("")
    done = {(run["set"], run["model"]) for run in runs}
    missing = [
        f"{title} on {SETS[name][0]}" for name, models in MEANT.items() for model, title in models.items() if (name, model) not in done
    ]
    lines += ["## Not run", "", "; ".join(missing) + "." if missing else "Nothing of what was meant to run."]
    lines += ["", "LBKT and LPKT need response times, which no log here has."]
    target.write_text("\n".join(lines) + "\n")
