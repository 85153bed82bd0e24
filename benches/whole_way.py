"""The whole way through HTTP, on a real log: catalogue and answers in, train, recommend, erase one learner, check the receipt.

    python3 benches/whole_way.py [--data ../shared/data/assist2009/gervet] [--binary target/release/parcours] [--shards 8]

Needs Python's standard library only. Prints one JSON object; what goes on meanwhile goes to standard error.
"""

import argparse
import csv
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--data", default="../shared/data/assist2009/gervet", type=pathlib.Path)
parser.add_argument("--binary", default="target/release/parcours", type=pathlib.Path)
parser.add_argument("--shards", default=8, type=int)
parser.add_argument("--batch", default=10_000, type=int, help="events in one request")
parser.add_argument("--learners", default=100, type=int, help="learners to recommend for")
parser.add_argument("--database-url", help="default: a new SQLite file")
options = parser.parse_args()

work = pathlib.Path(tempfile.mkdtemp(prefix="parcours-whole-way-"))
environment = os.environ | {
    "PARCOURS_STORAGE__ARTEFACTS": str(work / "models"),
    "PARCOURS_STORAGE__SECRETS": str(work / "secrets"),
    "PARCOURS_STORAGE__LEDGER": str(work / "rights-ledger.jsonl"),
    "PARCOURS_MODEL__SHARDS": str(options.shards),
    "PARCOURS_JOBS__REFRESH_CRON": "",
}
database = ["--database-url", options.database_url or f"sqlite:{work / 'parcours.db'}"]


def say(*words):
    print(f"{time.monotonic() - begun:7.1f} s ", *words, file=sys.stderr, flush=True)


def command(*words):
    done = subprocess.run([options.binary, *words, *database, "--json"], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"parcours {' '.join(map(str, words))}: {done.stderr}")
    return json.loads(done.stdout)


def call(method, path, body=None, content_type="application/json"):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Authorization": f"Bearer {key}", "Content-Type": content_type}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


def rows(name):
    with gzip.open(options.data / f"{name}.tsv.gz", "rt") as file:
        yield from csv.DictReader(file, delimiter="\t")


def wait_for(job):
    while True:
        state = call("GET", f"/v1/jobs/{job}")
        if state["state"] in ("succeeded", "failed", "cancelled"):
            if state["state"] != "succeeded":
                sys.exit(f"job {state}")
            return state
        time.sleep(0.25)


def members():
    """How many members of the served version are in which state."""
    serving = next(version for version in call("GET", "/v1/models")["models"] if version["state"] == "serving")
    return dict(Counter(member["state"] for member in serving["members"]))


begun = time.monotonic()
key = command("keys", "create", "--name", "whole-way", "--scopes", "ingest,recommend,train,privacy,admin")["secret"]
server = subprocess.Popen([options.binary, "serve", "--address", "127.0.0.1:0", *database, "--json"], env=environment, stdout=subprocess.PIPE, text=True)
try:
    address = "http://" + json.loads(server.stdout.readline())["address"]
    figures = {"data": options.data.name, "shards": options.shards}

    # Catalogue and answers, as an LMS would send them. The log has no times: one minute an answer.
    item_skills = defaultdict(list)
    for row in rows("item_skill"):
        item_skills[row["item_id"]].append(f"skill-{row['skill']}")
    items = [{"id": f"item-{item}", "skills": skills} for item, skills in sorted(item_skills.items())]
    skills = sorted({skill for its in item_skills.values() for skill in its})
    call("PUT", "/v1/catalog", {"skills": [{"id": skill} for skill in skills], "items": items})
    figures["items"] = len(items)

    events, place = [], defaultdict(int)
    for part in ("train", "test"):
        for row in rows(part):
            learner = f"{part}-{row['user_id']}"
            minute = place[learner]
            place[learner] += 1
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_600_000_000 + 60 * minute))
            event = {"id": f"{learner}/{minute}", "learner_id": learner, "item_id": f"item-{row['item_id']}", "kind": "attempt",
                     "occurred_at": when, "correct": row["correct"] == "1"}
            events.append(json.dumps(event))
    started, accepted = time.monotonic(), 0
    for at in range(0, len(events), options.batch):
        accepted += call("POST", "/v1/events", "\n".join(events[at:at + options.batch]).encode(), "application/x-ndjson")["accepted"]
    figures["events"], figures["accepted"] = len(events), accepted
    figures["ingest_seconds"] = round(time.monotonic() - started, 2)
    figures["ingest_events_per_second"] = round(len(events) / figures["ingest_seconds"])
    say(f"{accepted} of {len(events)} answers accepted")

    started = time.monotonic()
    refresh = wait_for(call("POST", "/v1/admin/refresh", {})["job_id"])
    figures["train_seconds"] = round(time.monotonic() - started, 1)
    figures["refresh"] = {name: refresh["result"].get(name) for name in ("version", "promoted", "held_out", "baseline")}
    say("trained and promoted", figures["refresh"])

    learners = sorted(place)[:: max(1, len(place) // options.learners)][: options.learners]
    took, personal = [], 0
    for learner in learners:
        started = time.monotonic()
        answer = call("POST", "/v1/recommendations", {"learner_id": learner, "count": 5, "explain": True})
        took.append((time.monotonic() - started) * 1000)
        personal += answer["personalised"] and len(answer["items"]) == 5
    took.sort()
    figures |= {"recommended_for": len(learners), "personalised": personal, "recommend_p50_ms": round(took[len(took) // 2], 2), "recommend_p99_ms": round(took[-2], 2)}
    say(f"recommended for {len(learners)}")

    victim = learners[len(learners) // 2]
    started = time.monotonic()
    erasure = call("POST", "/v1/privacy/erasures", {"learner_id": victim})
    figures["erase_answer_ms"] = round((time.monotonic() - started) * 1000, 1)
    answer = call("POST", "/v1/recommendations", {"learner_id": victim, "count": 5})
    figures["clean_ms"] = round((time.monotonic() - started) * 1000, 1)
    figures["erased_learner_is_served"] = {"personalised": answer["personalised"], "fallback_reason": answer["fallback_reason"]}
    figures["members_right_after"] = members()
    while (state := call("GET", f"/v1/privacy/erasures/{erasure['id']}"))["state"] not in ("completed", "errored"):
        time.sleep(0.25)
    figures["erasure_state"], figures["retrained_seconds"] = state["state"], round(time.monotonic() - started, 1)
    figures["members_in_the_end"] = members()
    (work / "receipt.json").write_text(json.dumps(state["receipt"]))
    say("erased and retrained")
finally:
    server.terminate()
    server.wait(30)

figures["receipt"] = command("verify-receipt", str(work / "receipt.json"))
figures["seconds"] = round(time.monotonic() - begun, 1)
print(json.dumps(figures))
