"""Labelled rows for the benchmarks: read, divided by seed, and made into projects."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from measuring import AUTOGEN, say

OUT_OF_SCOPE = "oos"
EXTENSIONS = (".jsonl.gz", ".jsonl", ".csv", ".csv.gz")


class Row(NamedTuple):
    text: str
    label: str


def read_rows(path: Path, label: str = "label") -> list[Row]:
    """The text and label of every row of a file that the product can read. Raises DataError."""
    from autogen.data.problems import raise_for
    from autogen.data.readers.files import read_rows as read

    rows, problems = read(path)
    raise_for(problems)
    return [Row(str(row.values["text"]), str(row.values[label])) for row in rows]


def file_of(folder: Path, *names: str) -> Path:
    """The first of these that the folder holds, as .jsonl.gz, .jsonl or .csv; a file is taken as it is."""
    if folder.is_file():
        return folder
    places = [folder / f"{name}{extension}" for name in names for extension in EXTENSIONS]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        sys.exit(f"{folder}: expected one of {', '.join(place.name for place in places)}; found none.")
    return found


def limited(train: Sequence[Row], test: Sequence[Row], limit: int | None) -> tuple[list[Row], list[Row]]:
    """For a quick trial: whole labels in order of name until `limit` training rows are reached (two labels at least,
    and out-of-scope rows if there are any), and as many test rows of the same labels."""
    if limit is None:
        return list(train), list(test)
    kept, rows = {OUT_OF_SCOPE}, 0
    for label, of_label in sorted(by_label(train).items()):
        if label != OUT_OF_SCOPE and (rows < limit or len(kept) < 3):
            kept.add(label)
            rows += len(of_label)
    return [row for row in train if row.label in kept], [row for row in test if row.label in kept][:limit]


def by_label(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.label].append(row)
    return found


def first_of_each(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """`count` rows of each label, the first after a seeded shuffle of all."""
    shuffled = random.Random(seed).sample(rows, len(rows))
    return [row for of_label in by_label(shuffled).values() for row in of_label[:count]]


def divided(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """All rows in two, at random, with `share` of each label in the first."""
    chance = random.Random(seed)
    first: list[Row] = []
    second: list[Row] = []
    for _, of_label in sorted(by_label(rows).items()):
        shuffled = chance.sample(of_label, len(of_label))
        cut = round(share * len(shuffled))
        first += shuffled[:cut]
        second += shuffled[cut:]
    return first, second


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([Row._fields, *rows])
    return path


def write_project(
    folder: Path,
    base_model: str,
    train: Path,
    held_out: Path | None = None,
    responses: Path | None = None,
    training: Mapping[str, object] | None = None,
    unlabelled: Path | None = None,
) -> Path:
    """A customer-service project that learns from `train`; without `held_out` it holds rows out itself."""
    data = {"train": train, "eval": held_out, "responses": responses, "unlabelled": unlabelled}
    lines = [
        "[agent]",
        'name = "benchmark"',
        f"base_model = {json.dumps(_as_given(base_model))}",
        "[skills.support]",
        'type = "customer-service"',
        *(f"{key} = {json.dumps(str(path.resolve()))}" for key, path in data.items() if path),
        "[skills.support.training]",
        *(f"{key} = {json.dumps(value)}" for key, value in (training or {}).items()),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def _as_given(base_model: str) -> str:
    """A folder by its whole path, for the project is elsewhere; a name as it is."""
    return str(Path(base_model).resolve()) if Path(base_model).is_dir() else base_model


def template_rows(name: str) -> list[Row]:
    """`train`, `eval` or `customers`: a file of the packaged customer-service template."""
    return read_rows(_template() / f"{name}.csv")


def trained_project(folder: Path, base_model: str, limit: int | None) -> Path:
    """A project on the template's data, trained for one epoch: how fast it answers does not depend on how well."""
    train, held_out = limited(template_rows("train"), template_rows("eval"), limit)
    folder.mkdir(parents=True)
    project = write_project(
        folder,
        base_model,
        write_rows(folder / "train.csv", train),
        write_rows(folder / "eval.csv", held_out),
        _template() / "responses.toml",
        {"epochs": 1},
    )
    say("training a project for one epoch")
    subprocess.run([AUTOGEN, "train", "-p", str(project), "--json"], check=True, stdout=subprocess.DEVNULL)
    return project


def _template() -> Path:
    return Path(str(files("autogen.templates"))) / "customer-service/data"
