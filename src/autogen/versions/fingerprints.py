"""Which rows a version has learnt from and which it was measured on, as fingerprints beside each of its models."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from autogen.errors import VersionDamaged
from autogen.versions.manifest import Manifest
from autogen.versions.registry import Versions

TRAIN_ROWS_FILE = "trained_rows.txt"
EVAL_ROWS_FILE = "held_out_rows.txt"


def earlier_eval_rows(versions: Versions, champion: Manifest) -> frozenset[str]:
    """Fingerprints of all rows that the champion and those it comes from were measured on. Not those of candidates that
    were turned down: their batch would vote for itself when it is tried again."""
    line, step = [champion.version], champion.parent
    while step is not None and (parent := versions.readable(step)) is not None:
        line.append(step)
        step = parent.parent
    files = [path for name in line for path in versions.folder.glob(f"{name}/models/*/*/{EVAL_ROWS_FILE}")]
    return frozenset().union(*(read_fingerprints(path) for path in files))


def count_looks(versions: Versions, model_folder: str, rows: Collection[str], fewest: int = 1) -> int:
    """Which verdict on these rows (fingerprints) the next one is, from 1 on: earlier ones count that had at least half
    of them among their own, and at least `fewest` rows in all: with fewer nothing can pass. `model_folder`: where the
    model of a need lies in a version."""
    earlier = (manifest for name in versions.names() if (manifest := versions.readable(name)) is not None)
    paths = (
        versions.folder / manifest.version / model_folder / EVAL_ROWS_FILE
        for manifest in earlier
        if (manifest.verdict or {}).get("rows", 0) >= fewest
    )
    shared = [len(read_fingerprints(path).intersection(rows)) for path in paths if path.is_file()]
    return 1 + sum(2 * count >= len(rows) for count in shared if rows)


def read_fingerprints(path: Path) -> frozenset[str]:
    """Raises VersionDamaged."""
    try:
        return frozenset(path.read_text("ascii").split())
    except (OSError, UnicodeDecodeError) as error:
        raise VersionDamaged(f"{path} cannot be read: {error}") from error


def write_fingerprints(path: Path, fingerprints: Collection[str]) -> None:
    path.write_text("\n".join(sorted(fingerprints)), "ascii")
