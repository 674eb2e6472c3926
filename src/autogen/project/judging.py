"""What the gate needs to know of a candidate: outcomes on rows that neither model has learnt from, latency, size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autogen.agents.agent import load_skills
from autogen.config import RESERVED_LABEL, GateSettings
from autogen.data.problems import raise_for
from autogen.data.quality import normalise
from autogen.runtime.latency import latency_ratio
from autogen.runtime.tuned_model import TunedModel
from autogen.tasks.text_classification import Example
from autogen.training.learning_data import read_labelled, row_fingerprint
from autogen.versions.gate import Measured, Outcome, Verdict, judge
from autogen.versions.manifest import Manifest

TRAINED_FILE = "trained_rows.txt"
HELD_OUT_FILE = "held_out_rows.txt"


@dataclass(frozen=True)
class Contender:
    """One tuned model of a version, with what it has learnt from and what was held out when it was made."""

    model: TunedModel
    trained: frozenset[str]
    held_out: frozenset[str]
    bytes: int

    @classmethod
    def load(cls, version: Path, manifest: Manifest, skill: str, need: str) -> Contender:
        folder = version / manifest.skills[skill].models[need].folder
        return cls(
            model=load_skills(version, manifest)[skill].models[need],
            trained=read_fingerprints(folder / TRAINED_FILE),
            held_out=read_fingerprints(folder / HELD_OUT_FILE),
            bytes=sum(p.stat().st_size for p in folder.iterdir() if p.is_file()),
        )


def read_fingerprints(path: Path) -> frozenset[str]:
    return frozenset(path.read_text("ascii").split())


def write_fingerprints(path: Path, examples: Sequence[Example]) -> None:
    path.write_text("\n".join(sorted({row_fingerprint(example.text) for example in examples})), "ascii")


def judge_candidate(
    champion: Contender,
    candidate: Contender,
    held_out: Sequence[Example],
    set_aside: frozenset[str],
    parity: float,
    settings: GateSettings,
    project: Path,
) -> Verdict:
    """The gate's verdict. `set_aside` holds the normalised texts of held-out rows that came from feedback: those that
    the champion did not hold out too are this batch's own."""
    rows = [e for e in held_out if row_fingerprint(e.text) not in champion.trained | candidate.trained]
    protected = _protected(project, settings)
    outcomes = [
        *_outcomes(champion, candidate, rows, set_aside, protected=False),
        *_outcomes(champion, candidate, protected, frozenset(), protected=True),
    ]
    measured = Measured(
        latency_ratio=latency_ratio(candidate.model, champion.model, [e.text for e in rows]),
        size_ratio=candidate.bytes / max(champion.bytes, 1),
        parity=parity,
    )
    return judge(outcomes, measured, settings)


def _outcomes(
    champion: Contender,
    candidate: Contender,
    rows: Sequence[Example],
    set_aside: frozenset[str],
    protected: bool,
) -> list[Outcome]:
    before, after = _right(champion.model, rows), _right(candidate.model, rows)
    known = {*champion.model.task.labels, RESERVED_LABEL}
    return [
        Outcome(
            label=row.label,
            champion=was,
            candidate=now,
            held_before=normalise(row.text) not in set_aside or row_fingerprint(row.text) in champion.held_out,
            new_label=row.label not in known,
            protected=protected,
        )
        for row, was, now in zip(rows, before, after, strict=True)
    ]


def _right(model: TunedModel, rows: Sequence[Example]) -> list[bool]:
    pairs = [row.text_pair or "" for row in rows]
    found = model.predict([row.text for row in rows], pairs if any(pairs) else None)
    return model.task.outcomes(found, [row.label for row in rows])


def _protected(project: Path, settings: GateSettings) -> tuple[Example, ...]:
    if settings.protected is None:
        return ()
    rows, problems = read_labelled(project, "text-classification", [settings.protected], {})
    raise_for(problems)
    return rows.examples
