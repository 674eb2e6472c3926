"""What cross-fitting older rows says of batches that are right, and of batches that are not.

Intents of a data set with a few rows each, and a batch for them, are drawn by the seed. What the gate is shown of the
older rows (nearest neighbours in the embeddings of the frozen base model, with the batch and without it) is judged as
the gate judges it. Nothing is trained, so many batches can be tried.

    right     40 rows of each intent          flipN     N % of these have one target label instead
    three     60 rows of three intents        intent    all rows of one intent have another's label
    new       60 rows of two new intents      random    all have a label at random

    python benchmarks/cross_fit.py --data ../shared/data/banking77 ../shared/data/clinc150 --seeds 12
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autogen.config.project import GateSettings
from autogen.data.fingerprints import row_fingerprint
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.learning.cross_fit import CrossFit
from autogen.tasks.text_classification.rows import LabelledRows, LabelledText, LearningData
from autogen.training.embedding import frozen_embeddings
from autogen.versions.comparison import PairedScores
from autogen.versions.gate import Batch, CandidateFigures, judge
from improve_batch import spoil
from measuring import options, report, say
from rows import OUT_OF_SCOPE, Row, by_label, file_of, read_rows

SHAPES = ((20, 20), (15, 12), (8, 40))  # rows of an intent, intents
KINDS = ("right", "three", "new", "flip20", "flip40", "intent", "random")
CHECKS = ("not inferior", "no label worse")
ALIKE = CandidateFigures(latency_ratio=1.0, size_ratio=1.0, parity=0.0)


def draw(every: dict[str, list[Row]], rows: int, intents: int, kind: str, seed: int) -> tuple[list[Row], list[Row]]:
    """Older rows, and a batch."""
    chance = random.Random(seed)
    names = chance.sample(sorted(every), intents + 2)
    of_batch = {"three": names[:3], "new": names[intents:]}.get(kind, names[:intents])
    each = 60 if len(of_batch) < 4 else 40
    older, batch = [], list[Row]()
    for at, name in enumerate(names):
        shuffled = chance.sample(every[name], len(every[name]))
        older += shuffled[:rows] if at < intents else []
        batch += shuffled[rows : rows + each] if name in of_batch else []
    return older, batch if kind in ("three", "new") else spoil(batch, kind, seed)


def learning_data(rows: Sequence[Row]) -> LearningData:
    return LearningData(LabelledRows(tuple(LabelledText(*row) for row in rows), ()), LabelledRows(), "")


def is_refused(older: Sequence[Row], batch: Sequence[Row], vectors: dict[str, Any]) -> tuple[bool, ...]:
    """By all older rows together, and by those of a label or wrongly taken for it."""
    learnt = frozenset(row_fingerprint(row.text) for row in older)
    fit = CrossFit.of_batch(learning_data([*older, *batch]), learning_data(older), learnt)
    assert fit is not None
    scores = fit.scores(np.stack([vectors[example.text] for example in fit.examples]))
    paired = PairedScores(*scores, np.ones(len(scores[0]), bool))
    checks = judge([paired], (), ALIKE, GateSettings(), Batch(cross_fitted=paired)).checks
    passed = {check.name: check.passed for check in checks}
    return tuple(not passed[f"{name}, cross-fitted"] for name in CHECKS)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--cache", type=Path, default=Path(".embeddings"), help="where embeddings are kept")
    given = parser.parse_args()
    lines = []
    for data in given.data:
        rows = [*read_rows(file_of(data, "train")), *read_rows(file_of(data, "dev"))]
        every = by_label(dict.fromkeys(row for row in rows if row.label != OUT_OF_SCOPE))
        texts = [LabelledText(*row) for of_label in every.values() for row in of_label]
        say(f"{data.name}: embedding {len(texts):,} texts")
        base, progress = find_base_model(given.base_model, None), TrainingProgress(quiet=True)
        embeddings = frozen_embeddings(base, texts, 64, "auto", given.cache / data.name, progress)
        vectors = {example.text: vector for example, vector in zip(texts, embeddings, strict=True)}
        for count, intents in SHAPES:
            for kind in KINDS:
                refused = np.array(
                    [is_refused(*draw(every, count, intents, kind, seed), vectors) for seed in range(given.seeds)]
                )
                numbers = [*refused.sum(axis=0).tolist(), int(refused.any(axis=1).sum())]
                lines.append([f"{data.name}, {intents} × {count} rows, {kind}", *numbers])
    header = (f"refused, of {given.seeds} batches", "all rows", "a label", "either")
    report("Cross-fitted older rows", given, header, lines)


if __name__ == "__main__":
    main()
