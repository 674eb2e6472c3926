"""Which part of a batch is left out when the gate says no: of batches with one colleague's poison, and of honest ones.

Intents of a data set with a few older rows each are drawn by the seed, and a batch of corrections that a person has
accepted: honest ones by four colleagues, and POISON rows by a fifth. The product's curation sorts them, nearest
neighbours in the embeddings of the frozen base model tell which part harms (as `autogen improve` asks it after a
rejection), and a light head (logistic regression on the same embeddings) is learnt from the rest. Nothing is tuned, so
many batches can be tried.

    one       rows of any intent, all with one target label       named    each colleague's rows name him
    random    rows of any intent with a label at random           unnamed  no row names anybody
    half      one colleague's rows, every other with a label at random
    none      nothing is wrong: honest rows alone
    skewed    the same, but each colleague knows only a few intents, one of them two new ones

REFUSED are the batches that the gate's cross-fitting alone turns down. CAUGHT is the share of the poison that is
left out (and the least of any batch), LOST that of the honest rows (and the most). Then the accuracy on unseen rows
of a head that learnt the older rows, the whole batch, the REST of it, and the HONEST rows alone; WORST is the rest's
least difference to the honest.

    python benchmarks/partial_batch.py --data ../shared/data/banking77 ../shared/data/clinc150 --seeds 8
    python benchmarks/partial_batch.py --data ../shared/data/banking77 --train      # whole trainings, for minutes
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from autogen.config.project import GateSettings
from autogen.data.fingerprints import row_fingerprint
from autogen.data.rows import Row as DataRow
from autogen.data.text import normalise
from autogen.feedback.curated import Assessment, Curation, CurationPolicy
from autogen.feedback.curation import curate
from autogen.feedback.events import Decision, Feedback
from autogen.feedback.groups import Choice
from autogen.feedback.left_out import LeftOut
from autogen.feedback.parts import Part, groups_of, split_batch
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.project.harm import Harm, find_harm
from autogen.tasks.text_classification.feedback import with_curated
from autogen.tasks.text_classification.learning.cross_fit import CrossFit
from autogen.tasks.text_classification.learning.leave_out import LeaveOut, trusted_set_aside
from autogen.tasks.text_classification.rows import LabelledRows, LabelledText, LearningData
from autogen.training.embedding import frozen_embeddings
from autogen.versions.comparison import PairedScores
from autogen.versions.gate import Batch, CandidateFigures, judge
from measuring import options, report, say
from rows import OUT_OF_SCOPE, Row, by_label, file_of, read_rows, write_project, write_rows

START = datetime(2026, 11, 28, tzinfo=UTC)
COLLEAGUES = ("ann", "bea", "cem", "dan")
BAD = "eve"
INTENTS, NEW_INTENTS = 20, 2
TEST_ROWS = 30  # of an intent, at most
ALIKE = CandidateFigures(latency_ratio=1.0, size_ratio=1.0, parity=0.0)
Vectors = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """Older rows, corrections (who says it, what, and whether it is right), and rows that nobody sees."""

    older: Sequence[Row]
    batch: Sequence[tuple[str, Row, bool]]
    test: Sequence[Row]

    @property
    def honest(self) -> list[Row]:
        return [row for _, row, right in self.batch if right]


def draw(every: Mapping[str, list[Row]], kind: str, share: float, given: argparse.Namespace, seed: int) -> Trial:
    chance = random.Random(seed)
    names = chance.sample(sorted(every), INTENTS + NEW_INTENTS)
    older, pool, test = [], list[Row](), list[Row]()
    for at, name in enumerate(names):
        shuffled = chance.sample(every[name], len(every[name]))
        cut = given.rows if at < INTENTS else 0
        is_learnt = at < INTENTS or kind == "skewed"
        older += shuffled[:cut]
        test += shuffled[cut : cut + TEST_ROWS] if is_learnt else []
        pool += shuffled[cut + TEST_ROWS :] if is_learnt else []
    chance.shuffle(pool)
    wrong = round(share / (1 - share) * given.honest)
    honest, poisoned = pool[: given.honest], pool[given.honest :][:wrong]
    batch = [(_colleague(row, names, kind, chance), row, True) for row in honest]
    batch += _poison(poisoned, names[:INTENTS], kind, chance)
    chance.shuffle(batch)
    return Trial(older, batch, test)


def _colleague(row: Row, names: Sequence[str], kind: str, chance: random.Random) -> str:
    return COLLEAGUES[names.index(row.label) % len(COLLEAGUES)] if kind == "skewed" else chance.choice(COLLEAGUES)


def _poison(
    rows: Sequence[Row], labels: Sequence[str], kind: str, chance: random.Random
) -> list[tuple[str, Row, bool]]:
    target, poison = chance.choice(labels), []
    for at, row in enumerate(rows):
        label = target if kind == "one" else chance.choice(labels)
        if kind == "half" and at % 2:
            label = row.label
        poison.append((BAD, Row(row.text, label), label == row.label))
    return poison


class World:
    """One trial, as the product sees it."""

    def __init__(self, trial: Trial, named: bool, vectors: Vectors) -> None:
        from sklearn.linear_model import LogisticRegression

        self.trial, self.vectors = trial, vectors
        self.champion = LogisticRegression(C=30, max_iter=300).fit(*self._matrix(trial.older))
        self.feedback = {
            item.id: item
            for item in (
                _feedback(at, user if named else None, row) for at, (user, row, _) in enumerate(trial.batch, 1)
            )
        }
        self.right = {item.id: right for item, (_, _, right) in zip(self.feedback.values(), trial.batch, strict=True)}
        decisions = [
            Decision("accept", None, START, None, at, len(trial.batch)) for at in range(1, len(trial.batch) + 1)
        ]
        self.decisions = dict(zip(self.feedback, decisions, strict=True))

    def curate(self, left_out: Mapping[str, LeftOut]) -> Curation:
        return curate(
            list(self.feedback.values()),
            self.decisions,
            train={normalise(row.text): row.label for row in self.trial.older},
            eval_texts=frozenset(),
            known_labels={row.label for row in self.trial.older},
            assess=self._assess,
            policy=CurationPolicy(),
            left_out=left_out,
        )

    def find(self) -> tuple[list[Harm], Curation, bool]:
        """What harms, the batch as it was learnt, and whether the gate's cross-fitting refuses it."""
        curation, older = self.curate({}), learning_data(self.trial.older)
        data = with_curated(older, curation)
        fit = CrossFit.of_batch(data, older, frozenset(row_fingerprint(row.text) for row in self.trial.older))
        assert fit is not None
        aside = trusted_set_aside(fit, data.eval_feedback.examples)
        leave_out = LeaveOut(fit, aside, self._stack([example.text for example in (*fit.examples, *aside)]))
        scores = fit.scores(leave_out.vectors[: len(fit.examples)])
        paired = PairedScores(*scores, np.ones(len(scores[0]), bool))
        checks = judge([paired], (), ALIKE, GateSettings(), Batch(cross_fitted=paired)).checks
        refused = any(not check.passed and "cross-fitted" in check.name for check in checks)
        return find_harm(self.parts(curation), leave_out.scores), curation, refused

    def parts(self, curation: Curation) -> list[Part]:
        examples = (*curation.train, *curation.evaluation)
        ids = {name for example in examples for name in example.feedback_ids}
        waiting = self.curate(dict.fromkeys(ids, LeftOut("", "", "")))
        return split_batch(examples, self.feedback, groups_of(waiting, ids))

    def accuracy(self, learnt: Sequence[Row]) -> float:
        from sklearn.linear_model import LogisticRegression

        rows = {normalise(row.text): row for row in (*self.trial.older, *learnt)}
        head = LogisticRegression(C=30, max_iter=300).fit(*self._matrix(list(rows.values())))
        inputs, labels = self._matrix(self.trial.test)
        return float(head.score(inputs, labels))

    def _assess(self, texts: Sequence[str]) -> list[Assessment]:
        shares = self.champion.predict_proba(self._stack(texts))
        order = np.argsort(-shares, axis=1)[:, :5]
        return [
            Assessment(names[0], float(row[best[0]]), True, alternatives=tuple(names[1:]))
            for names, row, best in zip(self.champion.classes_[order].tolist(), shares, order, strict=True)
        ]

    def _matrix(self, rows: Sequence[Row]) -> tuple[Any, list[str]]:
        return self._stack([row.text for row in rows]), [row.label for row in rows]

    def _stack(self, texts: Sequence[str]) -> Any:
        return np.stack([self.vectors[text] for text in texts])


def learning_data(rows: Sequence[Row]) -> LearningData:
    examples = tuple(LabelledText(*row) for row in rows)
    read = tuple(DataRow(row._asdict(), "older", at) for at, row in enumerate(rows, 1))
    return LearningData(LabelledRows(examples, read), LabelledRows(), "")


def _feedback(number: int, user: str | None, row: Row) -> Feedback:
    blank = dict.fromkeys(("response_id", "skill", "version", "intent", "confidence", "rating", "answer", "comment"))
    return Feedback(
        **blank,  # type: ignore[arg-type]
        id=f"fb-{number:05}",
        message=row.text,
        label=row.label,
        user=user,
        trusted=False,
        source="import",
        created_at=START + timedelta(minutes=number),
        number=number,
    )


def measure(world: World) -> dict[str, Any]:
    began = time.perf_counter()
    harms, curation, refused = world.find()
    seconds = time.perf_counter() - began
    learnt = {name for example in (*curation.train, *curation.evaluation) for name in example.feedback_ids}
    left_out = {name for harm in harms for name in harm.part.feedback}
    wrong = {name for name in learnt if not world.right[name]}
    honest = learnt - wrong
    rows = {name: Row(item.message, str(item.label)) for name, item in world.feedback.items()}
    champion, oracle = world.accuracy([]), world.accuracy([rows[name] for name in honest])
    after = world.accuracy([rows[name] for name in learnt - left_out])
    whole = world.accuracy([rows[name] for name in learnt])
    return {
        "refused": refused,
        "parts": [f"{harm.part.title} [{len(harm.part.texts)} rows, {harm.net} net]" for harm in harms],
        "caught": len(wrong & left_out) / len(wrong) if wrong else None,
        "lost": len(honest & left_out) / len(honest),
        "champion": champion,
        "oracle": oracle,
        "after": after,
        "whole": whole,
        "seconds": seconds,
    }


def embed(every: Mapping[str, list[Row]], name: str, given: argparse.Namespace) -> Vectors:
    texts = [LabelledText(*row) for of_label in every.values() for row in of_label]
    say(f"{name}: embedding {len(texts):,} texts")
    base, progress = find_base_model(given.base_model, None), TrainingProgress(quiet=True)
    embeddings = frozen_embeddings(base, texts, 64, "auto", given.cache / name, progress)
    return {example.text: vector for example, vector in zip(texts, embeddings, strict=True)}


def rows_of(data: Path, intents: int) -> dict[str, list[Row]]:
    """Of some intents, always the same."""
    rows = [*read_rows(file_of(data, "train")), *read_rows(file_of(data, "dev"))]
    first = {normalise(row.text): row for row in reversed(rows) if row.label != OUT_OF_SCOPE}
    every = by_label(first.values())
    names = random.Random(0).sample(sorted(every), min(intents, len(every)))
    return {name: every[name] for name in names}


def train(trial: Trial, named: bool, given: argparse.Namespace) -> list[list[str]]:
    """The same by whole trainings: of each version of the project its part in the matter, its verdict, and how it
    answers rows that nobody saw."""
    from autogen.project import Project
    from improve_batch import answered_rightly

    with tempfile.TemporaryDirectory() as place, TrainingProgress(quiet=True) as progress:
        folder = Path(place)
        test = write_rows(folder / "test.csv", trial.test)
        project = Project.open(
            write_project(folder / "p", given.base_model, write_rows(folder / "older.csv", trial.older))
        )
        project.train(progress=progress)
        with (folder / "batch.csv").open("w", encoding="utf-8", newline="") as file:
            rows = [(row.text, row.label, user if named else "") for user, row, _ in trial.batch]
            csv.writer(file).writerows([("text", "label", "user"), *rows])
        project.import_feedback(folder / "batch.csv")
        project.decide_all([Choice(group.id, "accept") for group in project.to_review().groups])
        began = time.process_time()
        project.improve(progress)
        say(f"improved in {time.process_time() - began:.0f} CPU-seconds")
        table = []
        for manifest in project.versions.all():
            report_of_batch = project.batch_report(manifest)
            left_out = "; ".join(f"{part.part} ({part.rows})" for part in report_of_batch.left_out)
            right = answered_rightly(project, manifest.version, test)
            verdict = "" if manifest.verdict is None else ("accepted" if manifest.passed else "refused")
            say(f"{manifest.version}: {(manifest.verdict or {}).get('summary', '')}")
            table.append([manifest.version, str(len(manifest.feedback)), verdict, left_out, f"{right:.1%}"])
    return table


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--intents", type=int, default=40, help="that are drawn from")
    parser.add_argument("--rows", type=int, default=10, help="older rows of an intent")
    parser.add_argument("--honest", type=int, default=300)
    parser.add_argument("--kinds", nargs="+", default=["one", "random", "half", "none", "skewed"])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.2, 0.4], help="of poison, of the batch")
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--cache", type=Path, default=Path(".embeddings"), help="where embeddings are kept")
    parser.add_argument("--train", action="store_true", help="whole trainings, of the first seed alone")
    return parser.parse_args()


def main() -> None:
    given = parse()
    if given.train:
        train_some(given)
    else:
        try_many(given)


def cases_of(given: argparse.Namespace) -> list[tuple[str, float]]:
    shares = {kind: given.shares if kind not in ("none", "skewed") else [0.0] for kind in given.kinds}
    return [(kind, share) for kind, own in shares.items() for share in own]


def train_some(given: argparse.Namespace) -> None:
    lines = []
    for data in given.data:
        every = rows_of(data, given.intents)
        for kind, share in cases_of(given):
            trial = draw(every, kind, share, given, 0)
            lines += [[f"{data.name}, {kind} {share:.0%}", *line] for line in train(trial, True, given)]
    report("By whole trainings", given, ("batch", "version", "feedback", "verdict", "left out", "right"), lines)


def try_many(given: argparse.Namespace) -> None:
    lines = []
    for data in given.data:
        every = rows_of(data, given.intents)
        vectors = embed(every, data.name, given)
        for kind, share in cases_of(given):
            for named in (True, False):
                cases = [
                    measure(World(draw(every, kind, share, given, seed), named, vectors)) for seed in range(given.seeds)
                ]
                title = f"{data.name}, {kind}{f' {share:.0%}' if share else ''}, {'named' if named else 'unnamed'}"
                lines.append([title, *_figures(cases)])
                say("  ".join(map(str, lines[-1])))
    header = ("batches", "refused", "left out", "caught", "lost", "champion", "whole", "rest", "honest", "worst", "s")
    report(f"Of {given.seeds} batches", given, header, lines)


def _figures(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    caught = [case["caught"] for case in cases if case["caught"] is not None]
    return [
        str(sum(case["refused"] for case in cases)),
        str(sum(bool(case["parts"]) for case in cases)),
        f"{fmean(caught):.0%} ({min(caught):.0%})" if caught else "",
        f"{fmean(case['lost'] for case in cases):.1%} ({max(case['lost'] for case in cases):.0%})",
        *(f"{fmean(case[name] for case in cases):.1%}" for name in ("champion", "whole", "after", "oracle")),
        f"{min(case['after'] - case['oracle'] for case in cases):+.1%}",
        f"{fmean(case['seconds'] for case in cases):.1f}",
    ]


if __name__ == "__main__":
    main()
