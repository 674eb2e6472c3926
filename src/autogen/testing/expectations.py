"""What both contract tests expect: sentences, names, JSON, metrics, and imports in a process of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autogen.markup import DataTable
from autogen.tasks.task import Fields

Rows = Sequence[Mapping[str, object]]

HEAVY = ("torch", "transformers", "matplotlib")  # never imported when answering
NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
METRIC = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
PICKLED = re.compile(rb"\x80[\x02-\x05]")  # how a pickle of protocol 2 to 5 begins


def expect(holds: object, sentence: str, contract: str) -> None:
    """Raise an AssertionError with this sentence unless it holds. `contract`: what says that it must."""
    if not holds:
        raise AssertionError(f"{sentence} (see {contract})")


def check_fields(fields: Fields, contract: str) -> None:
    """Some required fields, and none twice."""
    names = (*fields.required, *fields.optional)
    valid = fields.required and len({*names}) == len(names) and all(isinstance(name, str) for name in names)
    expect(valid, f"expected a required field, and none named twice; found {fields}", contract)


def place_of(thing: object) -> str:
    """Where a task or a kind of skill lies, "package.module:NAME". Raises AssertionError where it is no module's."""
    package = type(thing).__module__.partition(".")[0]
    places = [
        f"{module}:{name}"
        for module, loaded in list(sys.modules.items())
        if module.partition(".")[0] == package
        for name, value in list(vars(loaded).items())
        if value is thing
    ]
    expect(places, f"expected {thing!r} under a name in a module of {package}, found it in none", "autogen.plugins")
    return min(places, key=len)


def check_import(place: str) -> None:
    """Importing it imports nothing of the learning side."""
    loaded = run_alone("from autogen.plugins import load; load(sys.argv[1])", place)
    expect(
        not loaded, f"expected {place} to be free of {', '.join(HEAVY)}; importing it imports {loaded}", "Task.learner"
    )


def as_json(value: object, what: str, contract: str) -> Any:
    """The value as it comes back from JSON; an AssertionError where it is none."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"expected {what} as JSON, found {value!r}: {error} (see {contract})") from error


def run_alone(code: str, *arguments: str) -> list[str]:
    """Run code in a process of its own: which modules of the learning side it imported."""
    epilogue = f"\nprint(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", f"import json, sys\n{code}{epilogue}", *arguments]
    process = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    expect(
        process.returncode == 0,
        f"expected it to run in a process of its own, found:\n{process.stderr}",
        "autogen.testing",
    )
    loaded: list[str] = json.loads(process.stdout.splitlines()[-1])
    return loaded


def check_metrics(metrics: Mapping[str, float], contract: str) -> None:
    invalid = {name: value for name, value in metrics.items() if not (re.fullmatch(METRIC, name) and _is_share(value))}
    expect(not invalid, f"expected flat metrics, each in 0–1, found {invalid}", contract)


def _is_share(value: object) -> bool:
    return isinstance(value, float | int | np.floating) and not isinstance(value, bool) and bool(0 <= value <= 1)


def check_tables(tables: Sequence[DataTable], contract: str) -> None:
    invalid = [table.title for table in tables if any(len(row) != len(table.columns) for row in table.rows)]
    expect(not invalid, f"expected a cell for each column, found other rows in {invalid}", contract)


def is_pickled(path: Path) -> bool:
    """A pickle, a zip with one in it (as torch.save makes), or an array of Python objects."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(PICKLED.match(archive.open(name).read(2)) for name in archive.namelist())
    with path.open("rb") as file:
        head = file.read(128)
    return bool(PICKLED.match(head)) or (head.startswith(b"\x93NUMPY") and b"'|O'" in head)
