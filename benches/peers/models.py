"""The peers: the packages' own model classes, built with the settings their own example scripts have as defaults.

Every model is seen through `Peer`: a torch module, a loss on a batch, and the probabilities for positions 1.. of a batch.
"""

import os
from dataclasses import dataclass
from typing import Callable

import numpy as np
import torch
from torch import nn

os.environ.setdefault("WANDB_MODE", "disabled")  # pykt-toolkit imports wandb; nothing here reports to it


@dataclass
class Peer:
    module: nn.Module
    loss: Callable
    predict: Callable  # batch -> [batch, length - 1]
    batch: int
    package: str
    settings: dict
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip: float | None = None
    accumulate: int = 1
    unbounded: bool = False  # can read a learner's whole history, however long


def masked_loss(probability, batch):
    mask = batch["mask_seq"][:, 1:].bool()
    return nn.functional.binary_cross_entropy(probability[mask], batch["correctness_seq"][:, 1:][mask].float())


class ItemLstm(nn.Module):
    """An item vector, placed in one half of the input when the answer was right and in the other when it was wrong,
    through an LSTM; the state, projected, against the next item's vector."""

    def __init__(self, items, width, dropout):
        super().__init__()
        self.item = nn.Embedding(items, width)
        nn.init.normal_(self.item.weight, std=0.1)
        self.bias = nn.Embedding(items, 1)
        nn.init.zeros_(self.bias.weight)
        self.lstm = nn.LSTM(2 * width, width, batch_first=True)
        self.out = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, items, correct):
        vector = self.item(items)  # [batch, length, width]
        right = correct[:, :-1, None].float()
        before = torch.cat([vector[:, :-1] * right, vector[:, :-1] * (1 - right)], dim=-1)
        state, _ = self.lstm(before)
        logit = self.out(torch.cat([state, vector[:, 1:]], dim=-1)) + self.bias(items[:, 1:])
        return torch.sigmoid(logit.squeeze(-1))


def item_lstm(split, learning_rate=1e-3):
    settings = {"width": 64, "dropout": 0.2}
    module = ItemLstm(split.items, **settings)
    predict = lambda batch: module(batch["question_seq"], batch["correctness_seq"])
    return Peer(
        module=module,
        loss=lambda batch: masked_loss(predict(batch), batch),
        predict=predict,
        batch=32,
        learning_rate=learning_rate,
        weight_decay=1e-5,
        package="torch",
        settings=settings,
        unbounded=True,
    )


def pykt_dkt(split):
    """Sees items as its concepts: its output layer has one unit an item, so it is for sets with few."""
    from pykt.models.dkt import DKT

    settings = {"emb_size": 200, "dropout": 0.2}
    module = DKT(split.items, **settings)

    def predict(batch):
        every = module(batch["question_seq"][:, :-1], batch["correctness_seq"][:, :-1])
        return every.gather(2, batch["question_seq"][:, 1:, None]).squeeze(-1)

    return Peer(
        module=module,
        loss=lambda batch: masked_loss(predict(batch), batch),
        predict=predict,
        batch=256,
        package="pykt-toolkit",
        settings=settings,
        unbounded=True,
    )


def edmine(name, split, config, training, loss_config=None, unbounded=False):
    from importlib import import_module

    from edmine.utils.use_torch import parse_q_table

    q_table = np.zeros((split.items, split.skills), dtype=int)
    for item, skills in enumerate(split.item_skills):
        q_table[item, skills] = 1
    q_table = q_table[:, q_table.any(axis=0)]
    transfer, mask = parse_q_table(q_table, "cpu")
    fill = {"ITEMS": split.items, "SKILLS": q_table.shape[1], "COMBOS": max(split.combos) + 1}
    filled = lambda value: {key: filled(inner) for key, inner in value.items()} if isinstance(value, dict) else fill.get(value, value)
    settings = filled(config)
    params = {"device": "cpu", "models_config": {name: settings}, "loss_config": loss_config or {}}
    objects = {"dataset": {
        "q_table": q_table, "q_table_tensor": torch.from_numpy(q_table), "q2c_transfer_table": transfer, "q2c_mask_table": mask,
    }}
    module = getattr(import_module(f"edmine.model.sequential_kt_model.{name}"), name)(params, objects)
    return Peer(
        module=module,
        loss=lambda batch: module.get_predict_loss(batch)["total_loss"],
        predict=lambda batch: module.get_predict_score(batch)["predict_score_batch"],
        package="edmine",
        settings=settings,
        unbounded=unbounded,
        **training,
    )


def predictor(inputs, layers, middle, activation, dropout):
    return {
        "type": "direct", "dropout": dropout, "num_predict_layer": layers, "dim_predict_in": inputs, "dim_predict_mid": middle,
        "dim_predict_out": 1, "activate_type": activation, "last_layer_max_value": 1,
    }


def table(count, width, **more):
    return {"num_item": count, "dim_item": width, **more}


def dkt(split):
    config = {
        "embed_config": {"concept": table("SKILLS", 128), "correctness": {"init_method": "init_correctness_1", "dim_item": 128}},
        "dim_latent": 256, "rnn_type": "gru", "num_rnn_layer": 1, "dropout": 0.1,
        "predictor_config": predictor(256 + 128, 1, 64, "sigmoid", 0.1),
    }
    return edmine("DKT", split, config, {"batch": 64, "weight_decay": 1e-4}, unbounded=True)


def qdkt(split):
    config = {
        "embed_config": {
            "question": table("ITEMS", 64), "concept": table("SKILLS", 64),
            "correctness": {"init_method": "init_correctness_1", "dim_item": 64},
        },
        "dim_latent": 64, "rnn_type": "gru", "num_rnn_layer": 1, "dropout": 0.3,
        "predictor_config": predictor(3 * 64, 3, 128, "relu", 0.3),
    }
    return edmine("qDKT", split, config, {"batch": 64, "weight_decay": 1e-4}, unbounded=True)


def attention(split, width):
    return {
        "concept": table("SKILLS", width), "concept_var": table("SKILLS", width), "interaction_var": table(2, width),
    }


def simplekt(split):
    width = 256
    config = {
        "embed_config": {
            **attention(split, width), "interaction": table("SKILLS", width),
            "question_diff": table("ITEMS", width, init_method="init_zero"),
        },
        "dim_model": width, "num_block": 4, "num_head": 4, "dim_ff": 64, "seq_len": 200, "dropout": 0.2,
        "key_query_same": True, "separate_qa": False, "difficulty_scalar": False,
        "predictor_config": predictor(2 * width, 2, 64, "relu", 0.2),
    }
    return edmine("SimpleKT", split, config, {"batch": 24, "learning_rate": 1e-4})


def akt(split):
    width = 256
    config = {
        "embed_config": {
            **attention(split, width), "interaction": table(2, width), "question_diff": table("ITEMS", 1, init_method="init_zero"),
        },
        "dim_model": width, "num_block": 2, "num_head": 8, "dim_ff": 256, "seq_len": 200, "dropout": 0.1,
        "key_query_same": True, "separate_qa": False, "predictor_config": predictor(2 * width, 2, 64, "relu", 0.1),
    }
    training = {"batch": 24, "learning_rate": 1e-4, "clip": 10.0}
    return edmine("AKT", split, config, training, loss_config={"rasch loss": 1e-5})


def rekt(split):
    """Its skill is the item's combination of skills, as in its authors' own files. It never reads the position before the
    first it predicts, so the start costs it nothing and tells it nothing."""
    config = {"num_question": "ITEMS", "num_concept": "COMBOS", "dim_emb": 128, "dropout": 0.4}
    return edmine("ReKT", split, config, {"batch": 80, "learning_rate": 2e-3, "weight_decay": 1e-5, "clip": 15.0})


def mikt(split):
    config = {"num_question": "ITEMS", "num_concept": "SKILLS", "dim_emb": 64, "dim_state": 64, "dropout": 0.2, "seq_len": 200}
    return edmine("MIKT", split, config, {"batch": 40, "weight_decay": 1e-5, "clip": 15.0, "accumulate": 2})


MODELS = {
    "lstm": ("item LSTM (PyTorch)", item_lstm),
    "lstm-quick": ("item LSTM, Adam 3e-3", lambda split: item_lstm(split, learning_rate=3e-3)),
    "qdkt": ("qDKT (edmine)", qdkt),
    "simplekt": ("simpleKT (edmine)", simplekt),
    "akt": ("AKT (edmine)", akt),
    "rekt": ("ReKT (edmine)", rekt),
    "mikt": ("MIKT (edmine)", mikt),
    "dkt": ("DKT (edmine)", dkt),
    "pykt-dkt": ("DKT (pyKT)", pykt_dkt),
    "pybkt": ("BKT (pyBKT)", None),  # no torch module: see bkt.py
}
