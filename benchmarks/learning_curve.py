"""Does `check --deep` foresee what twice the rows bring? From a part of the rows it says; then the rows are there.

For each share of the training rows (seeded, of each label) the learning curve projects the accuracy at twice as many;
beside it stands the accuracy that was then measured, cross-validated in the same way, with twice the share.

    python benchmarks/learning_curve.py --data DIR
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from autogen.data.quality.heads import accuracy, guesses
from autogen.data.quality.label_errors import FOLDS
from autogen.data.quality.learning_curve import first_of_each, learning_curve
from autogen.data.quality.near_duplicates import centred
from autogen.data.splits import folds
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.rows import LabelledText
from autogen.training.embedding import Vectors, frozen_embeddings
from measuring import options, report, say
from rows import OUT_OF_SCOPE, Row, file_of, limited, read_rows

SHARES = (0.125, 0.25, 0.5)


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train (text, label)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep embeddings here for the next run")
    parser.add_argument("--base-model", default="minilm")
    return parser.parse_args()


def projected_and_now(rows: list[Row], vectors: Vectors) -> tuple[float, float]:
    """Accuracy at twice the rows as projected, and as measured now."""
    names = sorted({row.label for row in rows})
    gold = np.array([names.index(row.label) for row in rows], dtype=np.intp)
    parts = folds([row.text for row in rows], [row.label for row in rows], FOLDS, 0)
    with_all = guesses(vectors, gold, parts, len(names))
    curve = learning_curve(vectors, gold, names, parts, with_all, 0, lambda _: None)
    return curve.projected[1], accuracy(with_all, gold)


def main() -> None:
    given = parse()
    train = limited(read_rows(file_of(given.data, "train")), [], given.limit)[0]
    train = [row for row in train if row.label != OUT_OF_SCOPE]
    say(f"embedding {len(train)} rows")
    with tempfile.TemporaryDirectory() as folder, TrainingProgress() as progress:
        examples = [LabelledText(row.text, row.label) for row in train]
        base = find_base_model(given.base_model)
        vectors = centred(frozen_embeddings(base, examples, 256, "auto", given.keep or Path(folder), progress))
    names = sorted({row.label for row in train})
    gold = np.array([names.index(row.label) for row in train], dtype=np.intp)
    found = {}
    for share in (*SHARES, 1.0):
        kept = first_of_each(range(len(train)), gold, share, 0)
        found[share] = (len(kept), *projected_and_now([train[at] for at in kept], vectors[kept]))
        say(f"{len(kept)} rows: {found[share][2]:.1%}, with twice as many {found[share][1]:.1%}")
    lines: list[list[object]] = [
        [f"{found[share][0]:,}", f"{found[share][2]:.1%}", f"{found[share][1]:.1%}", f"{found[2 * share][2]:.1%}"]
        for share in SHARES
    ]
    title = f"Learning curve of {given.data.name}"
    report(title, given, ("rows", "accuracy", "projected at twice", "measured at twice"), lines, found=found)


if __name__ == "__main__":
    main()
