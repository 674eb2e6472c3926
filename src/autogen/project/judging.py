"""What the gate needs to know of a candidate: outcomes on rows that neither model has learnt from, latency, size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autogen.agents.agent import load_skills
from autogen.config.project import GateSettings
from autogen.config.settings import RESERVED_LABEL
from autogen.data.fingerprints import row_fingerprint
from autogen.data.problems import Problem
from autogen.errors import VersionDamaged
from autogen.runtime.encoding import TOKENIZER_FILE
from autogen.runtime.latency import latency_ratio
from autogen.storage.files import sha256_of
from autogen.tasks.text_classification.model import TASK_FILE, TunedModel
from autogen.tasks.text_classification.rows import Example, read_labelled
from autogen.versions.gate import Measured, Outcome, Verdict, judge
from autogen.versions.manifest import Manifest, SkillRecord
from autogen.versions.registry import Versions

TRAINED_FILE = "trained_rows.txt"
HELD_OUT_FILE = "held_out_rows.txt"


@dataclass(frozen=True)
class Contender:
    """One tuned model of a version, with what it has learnt from."""

    model: TunedModel
    trained: frozenset[str]
    bytes: int
    folder: Path

    @classmethod
    def load(cls, version: Path, manifest: Manifest, skill: str, need: str) -> Contender:
        folder = version / manifest.skills[skill].models[need].folder
        return cls(
            model=load_skills(version, manifest)[skill].models[need],
            trained=read_fingerprints(folder / TRAINED_FILE),
            bytes=sum(p.stat().st_size for p in folder.iterdir() if p.is_file()),
            folder=folder,
        )

    def same_as(self, other: Contender) -> bool:
        """Whether both answer alike whatever they are asked: the same weights, tokenizer and task, exported in the same
        form, and the skill's own settings applied. Not the graphs: an exporter numbers nodes as it goes."""
        return self.model.task == other.model.task and self._learnt() == other._learnt()

    def _learnt(self) -> dict[str, str]:
        files = (self.folder / TASK_FILE, self.folder / TOKENIZER_FILE, *(self.folder / "weights").rglob("*"))
        return {str(path.relative_to(self.folder)): sha256_of(path) for path in files if path.is_file()}


def held_before(versions: Versions, champion: Manifest) -> frozenset[str]:
    """Fingerprints of all rows that the champion and those it comes from were measured on. Not those of candidates that
    were turned down: their batch would vote for itself when it is tried again."""
    line, step = [champion.version], champion.parent
    while step is not None and (parent := versions.readable(step)) is not None:
        line.append(step)
        step = parent.parent
    files = [path for name in line for path in versions.folder.glob(f"{name}/models/*/*/{HELD_OUT_FILE}")]
    return frozenset().union(*(read_fingerprints(path) for path in files))


def read_fingerprints(path: Path) -> frozenset[str]:
    try:
        return frozenset(path.read_text("ascii").split())
    except (OSError, UnicodeDecodeError) as error:
        raise VersionDamaged(f"{path} cannot be read: {error}") from error


def write_fingerprints(path: Path, examples: Sequence[Example], before: frozenset[str] = frozenset()) -> None:
    path.write_text("\n".join(sorted(before | {row_fingerprint(example.text) for example in examples})), "ascii")


@dataclass(frozen=True)
class Evidence:
    """The rows to judge by. `set_aside` came from feedback: those in `held_before` (fingerprints of what any earlier
    version was measured on) were held out before this batch, the others are the batch's own."""

    held_out: Sequence[Example]
    set_aside: Sequence[Example]
    held_before: frozenset[str]
    protected: Sequence[Example]


def judge_candidate(
    champion: Contender,
    candidate: Contender,
    evidence: Evidence,
    parity: float,
    settings: GateSettings,
    answers_changed: Sequence[str] = (),
) -> Verdict:
    """The gate's verdict, on rows that neither has learnt from. `answers_changed`: see `changed_answers`."""
    learnt = champion.trained | candidate.trained
    old = [e for e in evidence.held_out if row_fingerprint(e.text) not in learnt]
    new = [e for e in evidence.set_aside if row_fingerprint(e.text) not in learnt]
    rows = [*old, *new]
    before = [True] * len(old) + [row_fingerprint(e.text) in evidence.held_before for e in new]
    protected = evidence.protected
    outcomes = [
        *_outcomes(champion, candidate, rows, before, protected=False),
        *_outcomes(champion, candidate, protected, [True] * len(protected), protected=True),
    ]
    measured = Measured(
        latency_ratio=latency_ratio(candidate.model, champion.model, [e.text for e in rows]),
        size_ratio=candidate.bytes / max(champion.bytes, 1),
        parity=parity,
        same_model=candidate.same_as(champion),
        answers_changed=tuple(answers_changed),
    )
    return judge(outcomes, measured, settings)


def changed_answers(champion: SkillRecord, candidate: SkillRecord) -> tuple[str, ...]:
    """What the skill says, and is not as it was: responses and texts; by name. Numbers (a threshold, a margin) are no
    such thing: what they do is measured."""
    before, now = champion.answering, candidate.answering
    # what a champion's record does not know of yet is as it was, and where an index lies is no answer
    differing = [name for name in {*before} - {"index"} if before[name] != now.get(name)]
    return tuple(sorted(n for n in differing if isinstance(now.get(n, before.get(n)), str | list | dict)))


def _outcomes(
    champion: Contender,
    candidate: Contender,
    rows: Sequence[Example],
    held_before: Sequence[bool],
    protected: bool,
) -> list[Outcome]:
    before, after = _right(champion.model, rows), _right(candidate.model, rows)
    known = {*champion.model.task.labels, RESERVED_LABEL}
    return [
        Outcome(
            label=row.label,
            champion=was,
            candidate=now,
            held_before=held,
            new_label=row.label not in known,
            protected=protected,
        )
        for row, was, now, held in zip(rows, before, after, held_before, strict=True)
    ]


def _right(model: TunedModel, rows: Sequence[Example]) -> list[bool]:
    pairs = [row.text_pair or "" for row in rows]
    found = model.predict([row.text for row in rows], pairs if any(pairs) else None)
    return model.task.outcomes(found, [row.label for row in rows])


def protected_rows(
    project: Path, settings: GateSettings, columns: Mapping[str, str]
) -> tuple[tuple[Example, ...], list[Problem]]:
    """The rows that every candidate must answer rightly, and what is wrong with their file."""
    if settings.protected is None:
        return (), []
    rows, problems = read_labelled(project, [settings.protected], columns)
    return rows.examples, problems
