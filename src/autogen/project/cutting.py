"""What a base model cannot see of the rows: the ends of long texts, and what tells apart texts that its tokenizer reads
as the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from autogen.data.problems import Problem, listed, shown
from autogen.data.rows import Row
from autogen.data.text import normalise
from autogen.runtime.coverage import UNKNOWN

MOST_ROWS = 50_000  # as many, spread over all of them, tell enough
BATCH = 1_000
CONFIG_FILE = "config.json"

LabelledRow = tuple[str, str | None, str, Row]  # text, second text, label, where it stands


@dataclass(frozen=True)
class _Reading:
    """What the model is given of a row."""

    ids: tuple[int, ...]
    cut: bool
    unknown: bool


def cutting_problems(
    base_model: str, folder: Path, tokenizer: Tokenizer, rows: Sequence[LabelledRow], max_length: int
) -> list[Problem]:
    """Warnings of texts that are cut, and of rows that are the same to the model though people can tell them apart. The
    tokenizer is changed: it cuts at `max_length`."""
    sample = rows[:: -(-len(rows) // MOST_ROWS) or 1]
    limit = min(max_length, _positions(folder) or max_length)
    readings = _read(tokenizer, sample, limit)
    problems = [_cut(sample, readings, limit)] if any(reading.cut for reading in readings) else []
    groups: dict[tuple[int, ...], list[int]] = {}
    for at, reading in enumerate(readings):
        groups.setdefault(reading.ids, []).append(at)
    several = [group for group in groups.values() if _are_several(sample, group)]
    once_cut = [group for group in several if any(readings[at].cut for at in group) and _labels(sample, group)]
    uncut = [group for group in several if not any(readings[at].cut for at in group)]
    as_same = [group for group in uncut if readings[group[0]].unknown or _labels(sample, group)]
    if once_cut:
        problems.append(_same_once_cut(sample, once_cut))
    if as_same:
        problems.append(_same_tokens(base_model, sample, as_same))
    return problems


def _positions(folder: Path) -> int | None:
    """The tokens that the model can read, by its own word."""
    try:
        positions = json.loads((folder / CONFIG_FILE).read_text("utf-8")).get("max_position_embeddings")
    except (OSError, ValueError, AttributeError):
        return None
    return positions if isinstance(positions, int) and positions > 0 else None


def _read(tokenizer: Tokenizer, rows: Sequence[LabelledRow], limit: int) -> list[_Reading]:
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    unknown_id = next((token_id for name in UNKNOWN if (token_id := tokenizer.token_to_id(name)) is not None), None)
    readings = []
    for start in range(0, len(rows), BATCH):
        batch = [(text, pair) if pair else text for text, pair, *_ in rows[start : start + BATCH]]
        readings += [
            _Reading(tuple(row.ids), bool(row.overflowing), unknown_id in row.ids)
            for row in tokenizer.encode_batch(batch)
        ]
    return readings


def _are_several(rows: Sequence[LabelledRow], group: Sequence[int]) -> bool:
    return len({(normalise(rows[at][0]), normalise(rows[at][1] or "")) for at in group}) > 1


def _labels(rows: Sequence[LabelledRow], group: Sequence[int]) -> list[str]:
    """The labels of a group, where they are several."""
    labels = list(dict.fromkeys(rows[at][2] for at in group))
    return labels if len(labels) > 1 else []


def _cut(rows: Sequence[LabelledRow], readings: Sequence[_Reading], limit: int) -> Problem:
    cut = [at for at, reading in enumerate(readings) if reading.cut]
    message = (
        f"expected texts of at most {limit} tokens (max_length), found {len(cut):,} of {len(rows):,} that are longer"
    )
    fix = "they are cut there: see that what decides stands before, or raise max_length as far as the base model reads"
    return _warning("cut-text", rows[cut[0]][3], message, fix)


def _same_once_cut(rows: Sequence[LabelledRow], groups: Sequence[Sequence[int]]) -> Problem:
    count, first = sum(map(len, groups)), groups[0]
    other = next(at for at in first if rows[at][2] != rows[first[0]][2])
    message = (
        f"expected rows of different labels to differ, found {count:,} of several labels that are the same once cut, "
        f"such as {shown(rows[first[0]][2])} here and {shown(rows[other][2])} in row {rows[other][3].number}"
    )
    fix = "shorten the texts to what decides, or raise max_length as far as the base model reads"
    return _warning("same-once-cut", rows[first[0]][3], message, fix)


def _same_tokens(base_model: str, rows: Sequence[LabelledRow], groups: Sequence[Sequence[int]]) -> Problem:
    largest = max(groups, key=len)
    examples = list(dict.fromkeys(rows[at][0] for at in largest))[:3]
    labels = _labels(rows, largest)
    of_labels = f" (labels {listed(labels)})" if labels else ""
    message = (
        f"expected texts that the base model can tell apart, found {sum(map(len, groups)):,} that {shown(base_model)} "
        f"reads as the same as others, such as {listed(examples)}{of_labels}"
    )
    fix = "write in words what decides, or use a base model whose vocabulary has these characters"
    return _warning("same-tokens", rows[largest[0]][3], message, fix)


def _warning(kind: str, row: Row, message: str, fix: str) -> Problem:
    return Problem("warning", kind, row.source, row.number, message, fix)
