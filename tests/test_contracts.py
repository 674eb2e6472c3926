"""Every task and every skill keeps its contract: one line for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from autogen.plugins import SKILLS, TASKS, skills, tasks
from autogen.testing import check_skill, check_task
from tests.shop import NEW, catalogue, events
from tests.tasks.token_classification.annotated import annotated
from tests.tiny import rows as tiny_rows

TINY: dict[str, Any] = {"epochs": 2, "learning_rate": 5e-3, "freeze_embeddings": False, "precision": "fp32"}
OUT_OF_SCOPE = ("oos_recall", "oos_precision", "oos_auroc")  # metrics


def sentences() -> dict[str, Any]:
    """Labelled sentences, none of them out of scope; and corrections, one of an eval row."""
    train, held_out, corrected = (_labelled(tiny_rows(8, seed=seed)) for seed in (1, 2, 3))
    return {
        "rows": {"train": train, "eval": held_out},
        "training": TINY,
        "feedback": [*corrected, {**held_out[0], "label": held_out[-1]["label"]}],
        "unmeasured": OUT_OF_SCOPE,
    }


def films() -> dict[str, Any]:
    """What people chose from a catalogue, the last choice of some to measure on, and clicks."""
    names = ("user", "item", "timestamp", "rating")
    chosen = [dict(zip(names, event, strict=True)) for event in events()]
    last = [one for one in {one["user"]: one for one in chosen}.values() if str(one["user"]).endswith("5")]
    train = [one for one in chosen if one not in last]
    last.append({**chosen[-1], "user": "u0", "item": NEW})  # an item that nobody has chosen before
    clicked = [{"text": "a comedy", "label": f"c{number}", "user": f"u{number}", "rating": 1} for number in range(8)]
    return {
        "rows": {"train": train, "eval": last, "items": catalogue()},
        "training": {"precision": "fp32"},
        "feedback": clicked,
        "unmeasured": ["cold_only_hit_rate_at_10"],  # more than ten new items are needed
    }


def cities() -> dict[str, Any]:
    """Sentences that name a topic, some of them twice; and corrections, one of an eval row."""
    train, held_out, corrected = (annotated(8, seed) for seed in (1, 2, 3))
    return {
        "rows": {"train": train, "eval": held_out},
        "training": TINY,
        "feedback": [*corrected, {**held_out[0], "entities": []}],
    }


def _labelled(pairs: Sequence[tuple[str, str]]) -> list[Mapping[str, object]]:
    return [{"text": text, "label": label} for text, label in pairs]


SAMPLES = {
    "recommendation": films,
    "text-classification": sentences,
    "token-classification": cities,
}
# by kind of skill: the fixture of a trained project, messages, rows for `autogen predict`
PROJECTS: Mapping[str, tuple[str, Sequence[str], Sequence[Mapping[str, object]]]] = {
    "customer-service": (
        "trained",
        ("my card was stolen", "please add money to the balance", "what is the weather on the moon"),
        [{"text": "the exchange rate of the euro"}, {"text": "guitar opera"}],
    ),
    "prediction": (
        "trained_finder",
        ("where is the thief", "tell me about it"),
        [{"text": "please find the thief"}, {"text": "guitar opera"}],
    ),
    "recommendation": (
        "trained_shop",
        ("a comedy", "a horror film from the eighties", "something with euro", "zxq"),
        [{"user": "u1"}, {"user": "nobody"}],
    ),
}


def test_every_task_and_every_skill_is_checked() -> None:
    assert {*SAMPLES} == {*TASKS} and {*PROJECTS} == {*SKILLS}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_task_keeps_its_contract(name: str, tiny_base_model: Path) -> None:
    check_task(tasks()[name], **SAMPLES[name](), base_model=str(tiny_base_model))


@pytest.mark.parametrize("name", PROJECTS)
def test_a_skill_keeps_its_contract(name: str, request: pytest.FixtureRequest) -> None:
    project, messages, rows = PROJECTS[name]
    check_skill(skills()[name], request.getfixturevalue(project), messages, rows)
