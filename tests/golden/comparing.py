"""What is compared of an answer: everything but ids and times made by chance, figures to a tolerance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ABSOLUTE, RELATIVE = 1e-3, 1e-2  # another processor rounds a tiny model's figures this differently at most

# Keys that later code adds to what it answered: what else there is to tell of a reply, corrected spans (`EntityField`
# is their type over HTTP), settings of one skill or one need, what declining rests on, who vouches for feedback, and
# how it is reviewed, whose was learnt and what was left out of a batch, which names are one, what `check` notes, and
# what a chat request may not ask for.
ADDED = frozenset(
    {
        *("details", "entities", "EntityField", "base_model", "need_training"),
        *("vouched", "groups", "learn_from", "learnt_from", "feedback", "server"),
        *("detector", "outliers", "rejection", "declining"),
        *("batch_users", "instead_of", "left_out"),
        *("join_names", "oos_labels", "notes"),
        *("n", "tools", "tool_choice", "functions", "response_format", "TextFormat"),
    }
)

IDS = re.compile(r"\b(?:(resp|fb|conv)-[0-9a-f]{16,}|(chat)[0-9a-f]{40,})\b")
TIMES = frozenset({"created", "created_at", "decided_at", "feedback_until", "seconds"})
FIGURE = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")


def masked(value: Any) -> Any:
    """The value without ids and times that are others in each run."""
    if isinstance(value, Mapping):
        return {key: "TIME" if key in TIMES and one is not None else masked(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked(one) for one in value]
    return IDS.sub(lambda found: f"{found[1] or found[2]}-ID", value) if isinstance(value, str) else value


def without_path(value: Any, folder: Path) -> Any:
    """The value, in whose texts this folder of the run is called PLACE."""
    if isinstance(value, Mapping):
        return {key: without_path(one, folder) for key, one in value.items()}
    if isinstance(value, list):
        return [without_path(one, folder) for one in value]
    return value.replace(str(folder), "PLACE") if isinstance(value, str) else value


def rounded(value: Any) -> Any:
    """The value with figures of six decimals, so that what is recorded twice is the same text."""
    if isinstance(value, Mapping):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value


def words_of(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """A gate's verdict without its figures: they follow the processor that trained the candidate."""
    return {
        "passed": verdict["passed"],
        "summary": FIGURE.sub("#", verdict["summary"]),
        "checks": [
            {
                "name": check["name"],
                "passed": check["passed"],
                "finding": FIGURE.sub("#", check["finding"]),
                "figures": sorted(check["figures"]),
            }
            for check in verdict["checks"]
        ],
        "keys": sorted(verdict),
    }


def keys_of(value: Any) -> Any:
    """The keys of a value, and of the values in it; None for what has none."""
    if isinstance(value, Mapping):
        return {key: keys_of(one) for key, one in value.items()}
    return None


def without_added(values: list[Any], expected: list[Any]) -> list[Any]:
    """A list of names, say of fields, without those that were added."""
    return [value for value in values if not (isinstance(value, str) and value in ADDED and value not in expected)]


def differences(expected: Any, answer: Any, at: str = "") -> Iterator[str]:
    """Where the answer is not as expected, a line for each place."""
    if isinstance(expected, Mapping) and isinstance(answer, Mapping):
        for key in [*expected, *(key for key in answer if key not in expected and key not in ADDED)]:
            if key not in answer or key not in expected:
                yield f"{at}/{key}: {'is gone' if key in expected else 'is new'}"
            else:
                yield from differences(expected[key], answer[key], f"{at}/{key}")
    elif (
        isinstance(expected, list)
        and isinstance(answer, list)
        and len(expected) != len(without_added(answer, expected))
    ):
        yield f"{at}: expected {expected!r}, found {answer!r}"
    elif isinstance(expected, list) and isinstance(answer, list):
        answer = without_added(answer, expected)
        for number, (one, other) in enumerate(zip(expected, answer, strict=True)):
            yield from differences(one, other, f"{at}/{number}")
    elif not _same(expected, answer):
        yield f"{at}: expected {expected!r}, found {answer!r}"


def _same(expected: Any, answer: Any) -> bool:
    if isinstance(expected, float) and isinstance(answer, int | float) and not isinstance(answer, bool):
        return math.isclose(expected, answer, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(expected) is type(answer) and bool(expected == answer)
