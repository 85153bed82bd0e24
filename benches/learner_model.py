"""The learner model's tables: each line of them is one run of `parcours`, kept as one line of JSON, and rendered as Markdown.

    python3 benches/learner_model.py --data ../shared/data --seeds 3
    python3 benches/learner_model.py --only sets --sets gervet,statics
    python3 benches/learner_model.py --table            # renders docs/learner-model-tables.md again, runs nothing

Runs that are already in benches/learner_model.jsonl (same command line) are not repeated; delete the file to begin anew.
"""

import argparse
import datetime
import json
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "learner_model.jsonl"
TABLES = HERE.parent / "docs" / "learner-model-tables.md"

SETS = {
    "gervet": ("assist2009/gervet", "--format gervet --train {d}/assist2009/gervet/train.tsv.gz --test {d}/assist2009/gervet/test.tsv.gz --item-skill {d}/assist2009/gervet/item_skill.tsv.gz"),
    "mikt": ("assist2009/mikt", "--format mikt --train {d}/assist2009/mikt/assistment2009_train_question.txt.gz --test {d}/assist2009/mikt/assistment2009_test_question.txt.gz"),
    "statics": ("statics2011/gervet", "--format gervet --train {d}/statics2011/gervet/train.tsv.gz --test {d}/statics2011/gervet/test.tsv.gz --item-skill {d}/statics2011/gervet/item_skill.tsv.gz"),
    "assist2015": ("assist2015 fold 1", "--format skills3 --train {d}/assist2015/akt5fold/assist2015_train1.csv.gz --test {d}/assist2015/akt5fold/assist2015_test1.csv.gz"),
    "algebra": ("algebra2005_timed", "--format gervet --train {d}/algebra2005_timed/interactions.tsv.gz --hold-out-every 5 --item-skill {d}/algebra2005_timed/item_skill.tsv.gz"),
}


def known():
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def run(options, kind, name, arguments, **about):
    """One run of parcours, unless its result is there."""
    key = {"kind": kind, "set": name, **about}
    if any(all(line.get(k) == v for k, v in key.items()) for line in known()):
        return
    command = [options.parcours, *arguments, "--json"]
    print("+", " ".join(command), flush=True)
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    for bulky in ("reliability", "groupings"):
        result.pop(bulky, None)
    line = {**key, "date": datetime.date.today().isoformat(), "result": result}
    with RESULTS.open("a") as file:
        file.write(json.dumps(line) + "\n")


def evaluate(name, data):
    return ["evaluate", *SETS[name][1].format(d=data).split(), "--draws", "500"]


def measure(options):
    for name in options.sets:
        for seed in range(options.seeds):
            for shards in (8, 1):
                if "sets" in options.only:
                    run(options, "sets", name, [*evaluate(name, options.data), "--shards", str(shards), "--seed", str(2026 + seed)], shards=shards, seed=2026 + seed)
        for shards in (1, 2, 4, 8, 16):
            if "shards" in options.only and name in ("gervet", "assist2015"):
                run(options, "sets", name, [*evaluate(name, options.data), "--shards", str(shards), "--seed", "2026"], shards=shards, seed=2026)
        if "ablation" in options.only and name in ("gervet", "statics", "algebra"):
            run(options, "ablation", name, [*evaluate(name, options.data), "--ablate", "--seeds", "2"])
        if "baselines" in options.only:
            models = "mean,item-mean,irt,pfa,bkt,best-lr,best-lr-one-hot,counts"
            run(options, "baselines", name, [*evaluate(name, options.data), "--model", models])


def mean(values):
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{spread}"


def render():
    lines = known()
    text = ["# The learner model's tables", "", "Written by `python3 benches/learner_model.py`; what they mean: [learner-model.md](learner-model.md). Mean and standard deviation over seeds where there are several.", ""]

    def of(kind, **key):
        return [line for line in lines if line["kind"] == kind and all(line.get(k) == v for k, v in key.items())]

    text += ["## Held-out learners", "", "| data | members | AUC | 95 % (first seed) | accuracy | log loss | ECE | AUC cold items | AUC first answer | epochs | train s | answers/s | seeds |", "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for name, (title, _) in SETS.items():
        for shards in (8, 1):
            found = of("sets", set=name, shards=shards)
            if not found:
                continue
            results = [line["result"] for line in found]
            pick = lambda key: mean([r[key] for r in results])
            slices = lambda r, at: (r.get("slices") or [{}] * 4)[at].get("auc")
            first = results[0]
            cold = [slices(r, 0) for r in results if slices(r, 0) is not None]
            opening = [slices(r, 2) for r in results if slices(r, 2) is not None]
            text.append(f"| {title} | {shards} | {pick('auc')} | {first.get('auc_low') or 0:.4f} to {first.get('auc_high') or 0:.4f} | {pick('accuracy')} | {pick('log_loss')} | {pick('ece')} | {mean(cold) if cold else '-'} | {mean(opening) if opening else '-'} | {first['epochs']} | {statistics.mean(r['train_seconds'] for r in results):.0f} | {statistics.mean(r['events_per_second'] for r in results):,.0f} | {len(results)} |")
    text += ["", "## More, smaller shards", "", "AUC, seed 2026.", "", "| data | 1 | 2 | 4 | 8 | 16 |", "|---|---|---|---|---|---|"]
    for name, (title, _) in SETS.items():
        cells = [of("sets", set=name, shards=shards, seed=2026) for shards in (1, 2, 4, 8, 16)]
        if sum(bool(cell) for cell in cells) > 2:
            text.append(f"| {title} | " + " | ".join(f"{cell[0]['result']['auc']:.4f}" if cell else "-" for cell in cells) + " |")
    text += ["", "## What each part is worth", "", "One member on all training learners; AUC on held-out learners, and the difference where a part is taken out."]
    ablations = [(SETS[line["set"]][0], line["result"]) for line in of("ablation")]
    if ablations:
        text += ["", "| without | " + " | ".join(title for title, _ in ablations) + " |", "|---|" + "---|" * len(ablations)]
        for place, row in enumerate(ablations[0][1]["rows"]):
            cells = [result["rows"][place] for _, result in ablations]
            name = (row["part"] or "(the whole model)").replace("_", " ")
            text.append(f"| {name} | " + " | ".join(f"{cell['auc']:.4f} ± {cell['auc_sd']:.4f} ({cell['difference']:+.4f})" for cell in cells) + " |")
    baselines = [(SETS[line["set"]][0], {r["model"]: r for r in line["result"]["models"]}) for line in of("baselines")]
    if baselines:
        text += ["", "## Baselines", "", "AUC, same protocol.", ""]
        models = list(baselines[0][1])
        text += ["| data | " + " | ".join(models) + " |", "|---|" + "---|" * len(models)]
        for title, results in baselines:
            text.append(f"| {title} | " + " | ".join(f"{results[m]['auc']:.4f}" if results.get(m, {}).get("auc") is not None else "-" for m in models) + " |")
    TABLES.write_text("\n".join(text) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parcours", default="target/release/parcours")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sets", type=lambda text: text.split(","), default=list(SETS))
    parser.add_argument("--only", type=lambda text: text.split(","), default=["sets", "shards", "ablation", "baselines"])
    parser.add_argument("--table", action="store_true", help="render only")
    options = parser.parse_args()
    if not options.table:
        measure(options)
    render()


if __name__ == "__main__":
    main()
