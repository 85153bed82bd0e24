"""The splits: public logs read as they lie in the data folder, learners told apart into train, validation and test.

Validation is a tenth of the training learners, by a hash of their id, so that it never moves. Ids become dense numbers;
one item and one skill are added behind the real ones: the *start*, put before a learner's first answer, so that a model
which predicts "the next answer" predicts the first one too.
"""

import csv
import gzip
import hashlib
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Learner:
    id: str
    items: np.ndarray
    correct: np.ndarray


@dataclass
class Split:
    name: str
    train: list[Learner]
    valid: list[Learner]
    test: list[Learner]
    item_skills: list[list[int]]  # item -> its skills; the last item is the start
    combos: list[int] = field(default_factory=list)  # item -> the id of its combination of skills
    skills: int = 0  # with the start's

    @property
    def items(self):
        return len(self.item_skills)

    @property
    def start(self):
        return self.items - 1


def rows(path):
    with gzip.open(path, "rt") as file:
        yield from csv.DictReader(file, delimiter="\t" if ".tsv" in path.name else ",")


def from_tsv(path):
    """user_id, item_id, ..., correct: one row an answer, in order."""
    answers = {}
    for row in rows(path):
        answers.setdefault(row["user_id"], []).append((row["item_id"], int(row["correct"])))
    return list(answers.items())


def from_three_lines(path, prefix, head_is_id):
    """A head (length, or index and user id), the items, 0-1: three lines a learner."""
    lines = gzip.open(path, "rt").read().splitlines()
    answers = []
    for at in range(0, len(lines) - 2, 3):
        items = [item for item in lines[at + 1].split(",") if item]
        correct = [int(float(value)) for value in lines[at + 2].split(",") if value]
        assert len(items) == len(correct), f"{path.name}, line {at + 1}"
        name = lines[at].split(",")[1] if head_is_id else f"{prefix}{at // 3}"
        answers.append((name, list(zip(items, correct))))
    return answers


def item_skill_pairs(path, item, skill):
    pairs = {}
    for row in rows(path):
        pairs.setdefault(row[item], []).append(row[skill])
    return pairs


def gervet(root, folder):
    base = root / folder / "gervet"
    return from_tsv(base / "train.tsv.gz"), from_tsv(base / "test.tsv.gz"), item_skill_pairs(base / "item_skill.tsv.gz", "item_id", "skill")


def mikt(root):
    base = root / "assist2009" / "mikt"
    parts = [from_three_lines(base / f"assistment2009_{part}_question.txt.gz", part, False) for part in ("train", "test")]
    return *parts, item_skill_pairs(base / "assistment2009_ques_skill.csv.gz", "ques", "skill")


def assist2015(root):
    """Fold 1: its train file trains, its test file tests; its validation file is left aside, ours is a tenth of train."""
    base = root / "assist2015" / "akt5fold"
    parts = [from_three_lines(base / f"assist2015_{part}1.csv.gz", part, True) for part in ("train", "test")]
    return *parts, {item: [item] for part in parts for _, answers in part for item, _ in answers}


def algebra(root):
    base = root / "algebra2005_timed"
    learners = sorted(from_tsv(base / "interactions.tsv.gz"), key=lambda learner: int(learner[0]))
    train = [learner for at, learner in enumerate(learners) if at % 5 != 0]
    return train, learners[::5], item_skill_pairs(base / "item_skill.tsv.gz", "item_id", "skill")


SETS = {
    "gervet": ("assist2009/gervet", lambda root: gervet(root, "assist2009")),
    "mikt": ("assist2009/mikt", mikt),
    "statics": ("statics2011/gervet", lambda root: gervet(root, "statics2011")),
    "assist2015": ("assist2015 fold 1", assist2015),
    "algebra": ("algebra2005_timed", algebra),
}


def held_back(learner):
    return int(hashlib.sha256(learner.encode()).hexdigest(), 16) % 10 == 0


def load(name, root, learners=None):
    title, read = SETS[name]
    train, test, pairs = read(root)
    assert not {id for id, _ in train} & {id for id, _ in test}, "a learner is in train and in test"
    known = sorted({item for part in (train, test) for _, answers in part for item, _ in answers})
    number = {item: at for at, item in enumerate(known)}
    names = sorted({skill for item in known for skill in pairs.get(item, [])})
    skill_number = {skill: at for at, skill in enumerate(names)}
    bare = len(names)  # items without a skill share this one
    item_skills = [sorted({skill_number[skill] for skill in pairs.get(item, [])}) or [bare] for item in known]
    item_skills.append([bare + 1])
    combos = {}
    combo = [combos.setdefault(tuple(skills), len(combos)) for skills in item_skills]

    def learners_of(part):
        return [
            Learner(id, np.array([number[item] for item, _ in answers]), np.array([right for _, right in answers]))
            for id, answers in part
            if answers
        ]

    kept = learners_of(train)[:learners]
    return Split(
        name=title,
        train=[learner for learner in kept if not held_back(learner.id)],
        valid=[learner for learner in kept if held_back(learner.id)],
        test=learners_of(test)[:learners],
        item_skills=item_skills,
        combos=combo,
        skills=bare + 2,
    )
