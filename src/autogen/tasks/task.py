"""The contract of a task: what can be learnt, measured and answered with. A new task is one package that offers a
`Task`, and one line in the table of built-ins (`plugins`) or an entry point "autogen.tasks".

Nothing here imports torch, and of a task only what `Task.learner` names may.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from autogen.config.settings import Settings
from autogen.config.training import TrainingSettings
from autogen.data.problems import Problem
from autogen.data.rows import Row
from autogen.feedback.curated import CAREFUL, Curation, CurationPolicy
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Decision, Feedback
from autogen.feedback.left_out import LeftOut
from autogen.feedback.memory import Memory
from autogen.markup import DataTable
from autogen.progress import RunPlace, TrainingProgress
from autogen.tasks.evaluation import Evaluation
from autogen.versions.scores import Scores

if TYPE_CHECKING:
    from autogen.reports.drawing import Drawing

Reads = Literal["text", "images", "audio", "events", "graph", "nothing"]


@dataclass(frozen=True)
class Need:
    """A task that a skill needs learnt, and from what."""

    name: str  # the model's folder in a version, such as "intent"
    task: str
    base_model: str  # packaged name, path or hub id: the skill's own, else the agent's
    sources: Mapping[str, tuple[str, ...]]  # by role: train, eval, unlabelled, items, documents, images
    columns: Mapping[str, str]  # field -> column
    training: TrainingSettings  # of the task's own type
    options: Settings  # of the task's own type: what the skill decides of how it is learnt
    join_names: bool = False  # whether names that differ in case or width alone are one
    in_project: bool = True  # whether there is an agent.toml that advice may speak of

    def source(self, role: str) -> tuple[str, ...]:
        """The files of a role; none where it is not given."""
        return tuple(self.sources.get(role, ()))


@dataclass(frozen=True)
class Fields:
    """The fields that rows must have, and those that they may have."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identity:
    """What data is, in digests of sixteen hexadecimal digits: for the manifest, for leakage, for resumption."""

    train: str  # of all train rows, whatever their order
    eval: str
    train_rows: int
    eval_rows: int
    learnt: frozenset[str]  # one for each train row; empty where train and eval rows cannot be the same
    measured: frozenset[str]  # one for each eval row, feedback set aside included
    order: tuple[str, ...] = ()  # digests that change with the order of rows: a resumed fit must find the same
    outputs: tuple[str, ...] = ()  # what the outputs are (labels): a checkpoint fits no others


@dataclass(frozen=True)
class Summary:
    """What `autogen check` says of the data: tables and lines for people, and the same for machines."""

    lines: tuple[str, ...] = ()
    tables: tuple[DataTable, ...] = ()
    json: Mapping[str, Any] = field(default_factory=dict)


class TaskData(Protocol):
    """A need's data, read, checked and split; feedback may have joined it. Immutable."""

    @property
    def problems(self) -> Sequence[Problem]: ...

    @property
    def feedback(self) -> tuple[str, ...]:
        """Ids of the feedback that has joined it."""

    @property
    def corrections_of_eval(self) -> int:
        """Corrections of eval rows: left out, since what measures may not teach."""

    @property
    def texts(self) -> Sequence[str]:
        """What a base model will have to read; empty where it reads none."""

    def identity(self) -> Identity: ...

    def summary(self) -> Summary: ...


@runtime_checkable
class CutRows(Protocol):
    """Data of a task that reads a text up to `max_length` and cuts what is longer."""

    def cut_rows(self) -> Sequence[tuple[str, str | None, str, Row]]:
        """Of each train row the text, its second text, its label, and where it stands."""


@dataclass(frozen=True)
class FeedbackOn:
    """The feedback that is for one skill. `labels`: by skill, what it may answer with, where there are several skills;
    `only`: ids that may join (what a champion has learnt); None: all; `policy`: how careful to be; `left_out`: by id,
    what waits for a person because it does harm."""

    memory: Memory
    skill: str
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    only: frozenset[str] | None = None
    policy: CurationPolicy = CAREFUL
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)

    def rows(self) -> list[Feedback]:
        """Feedback in order of arrival: on this skill's answers, on none in particular, or with a label that this skill
        alone knows."""
        decisions = self.memory.feedback.decisions()
        return [entry for entry in self.memory.feedback.all() if self._is_for_it(entry, decisions.get(entry.id))]

    def _is_for_it(self, feedback: Feedback, decision: Decision | None) -> bool:
        label = (decision.label if decision else None) or feedback.label
        skills = [name for name, labels in self.labels.items() if label in labels]
        return skills == [self.skill] if len(skills) == 1 else feedback.skill in (None, self.skill)


class TaskModel(Protocol):
    """A tuned model as it answers. What else it offers is between the task and the skills that need it."""

    @property
    def folder(self) -> Path | None: ...

    @property
    def base_model(self) -> str:
        """The name of what it was tuned from."""

    @property
    def answers(self) -> Collection[str]:
        """The labels, items or entity types that it may answer with; empty for free text."""

    @property
    def digest(self) -> str:
        """Of all that decides its answers, a skill's settings included: equal where two models answer alike."""


@runtime_checkable
class Predicts(Protocol):
    """A model that answers rows by itself, without a skill."""

    @property
    def answer_column(self) -> str:
        """The column of `predict_rows` that is the answer: `prediction`, `entities`, …"""

    def predict_rows(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """What it answers to rows with the task's fields, as columns: `prediction`, `confidence`, and its own."""


@runtime_checkable
class Probabilistic(Protocol):
    """A model that gives a probability to each of its answers."""

    def probabilities(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        """Answer → probability of each row."""


@dataclass(frozen=True)
class Start:
    """Where a fit begins: the base model, the champion's model of this need (`before`), or the user's own objects."""

    base_model: str
    project: Path | None = None  # where a base model's relative path begins
    before: Path | None = None
    own: tuple[Any, Any] | None = None  # transformers model, tokenizer


D = TypeVar("D", bound=TaskData)
M = TypeVar("M", bound=TaskModel)


@dataclass(frozen=True)
class Job:
    """One fit. `data` is the task's own. `folder`: the tuned model, whole when `fit` returns: what answers, and
    `weights/` to go on from. `state`: checkpoints; a fit that finds some goes on from them. `cache`: embeddings, kept
    between fits. `withheld`: fingerprints of eval and protected rows, which no unlabelled text may be among."""

    data: Any
    need: Need
    start: Start
    folder: Path
    state: Path
    cache: Path
    log: RunPlace | None = None
    withheld: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fitted:
    """What a fit reports. `metrics` only where rows were too few to hold out; else what answers is measured.

    `parity`: the largest difference between outputs of the trained and the exported model, in `parity_unit`.
    `record`: for the manifest and the report, as JSON. `also_learnt`: fingerprints of rows beyond `Job.data`, such as
    pseudo-labelled ones."""

    cross_validated: bool
    metrics: Mapping[str, float]
    parity: float
    record: Mapping[str, Any]
    parity_unit: str = "logits"
    also_learnt: frozenset[str] = frozenset()


class Learner(Protocol):
    """The learning side of a task. This, and nothing else of a task, may import torch."""

    @property
    def resumes(self) -> bool:
        """Whether an interrupted fit can go on from its checkpoints."""

    def fit(self, job: Job, progress: TrainingProgress) -> Fitted:
        """Learn from `job.data` into `job.folder`. Raises TrainingFailed, ParityError, MissingDependency, and
        Interrupted (or KeyboardInterrupt) when Ctrl-C ends it."""


@runtime_checkable
class DeepCheckable(Protocol):
    """A learner of whose data `autogen check --deep` has more to say."""

    def deep_check(self, data: Any, need: Need, project: Path, progress: TrainingProgress) -> Any:
        """A report, as a dataclass. Raises DataError, BaseModelError."""


@runtime_checkable
class CrossFitted(Protocol):
    """A learner that can tell quickly, without tuning a network, what learning new rows does to older ones: evidence
    for the gate where eval rows are few."""

    def cross_fit(
        self, job: Job, read: Any, learnt: frozenset[str], progress: TrainingProgress
    ) -> tuple[Scores, Scores] | None:
        """Scores of train rows that are older than the batch, each answered by a quick model that has not learnt it:
        one that has learnt the other older rows, and one that has learnt the batch too. None where nothing is new, or
        too little is old.

        `read`: the data as read, which no feedback has joined; `learnt`: fingerprints of the older rows."""


@runtime_checkable
class LeavesOut(Protocol):
    """A learner that can tell as quickly what a batch does without some of its rows: so is found which part harms."""

    def leave_out(
        self, job: Job, read: Any, learnt: frozenset[str], progress: TrainingProgress
    ) -> Callable[[frozenset[str]], Scores] | None:
        """A function that scores trusted rows (older ones as in `cross_fit`, and feedback set aside), answered by a
        quick model that has learnt the batch without these texts; rows of these texts are not scored. None where
        `cross_fit` is. Arguments as there."""


@runtime_checkable
class Tunable(Protocol):
    """A learner whose settings `autogen tune` can search."""

    def trial(self, job: Job) -> Any:
        """A fit that can be tried with other settings, for `training.search.study`."""


@runtime_checkable
class Curated(Protocol):
    """A task whose corrections are sorted before they are learnt, and wait for review where they are in doubt."""

    def curate(self, data: Any, feedback: FeedbackOn, champion: Any) -> Curation:
        """Which feedback joins the data, and which waits, by `feedback.policy`. `data`: as read, without feedback."""


@runtime_checkable
class Reviewed(Protocol):
    """A task that says, when feedback is accepted or put right in review, whether it could be learnt so."""

    def check_review(self, feedback: Feedback, label: str | None, entities: Sequence[EntitySpan] | None) -> None:
        """Raises UsageError that says what is wrong. `label`, `entities`: what the reviewer gives in place of what the
        feedback says; None: it is taken as it is."""


class Task(Protocol[D, M]):
    """See `testing.check_task`, which tells whether a task is as it should be."""

    @property
    def name(self) -> str:
        """As in the ecosystem: "text-classification"."""

    @property
    def reads(self) -> Reads:
        """What its base model reads: of text, `check` asks whether it covers the language."""

    @property
    def fields(self) -> Fields: ...

    @property
    def roles(self) -> tuple[str, ...]:
        """Of `Need.sources`."""

    @property
    def training(self) -> type[TrainingSettings]: ...

    @property
    def options(self) -> type[Settings]: ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that head tables, by their published names, in order."""

    @property
    def learner(self) -> str:
        """ "package.module:NAME" of its Learner, which only the learning wing imports."""

    def read(self, project: Path, need: Need) -> D:
        """Read, check and split the files of a need. Never raises for bad rows: each is a problem."""

    def from_rows(self, rows: Mapping[str, Sequence[Row]], need: Need) -> D:
        """The same of rows in memory, by role. With `eval` rows alone it is data to measure on."""

    def with_rows(self, project: Path, need: Need, source: str, root: Path) -> D:
        """Data to measure on: the rows of this file, a path relative to `root` (`evaluate --data`, protected rows)."""

    def with_feedback(self, data: D, feedback: FeedbackOn, champion: M | None) -> D:
        """Feedback joins the train rows; a share of it is set aside and joins the eval rows."""

    def unseen(self, data: D, learnt: frozenset[str]) -> D:
        """Without the eval rows that have these fingerprints: they would measure memory."""

    def plan(self, data: D, need: Need) -> str:
        """What a fit would do, every setting chosen, in words and without torch; empty where nothing can be learnt."""

    def load(self, folder: Path, threads: int | None = None) -> M:
        """The tuned model in a folder. Raises VersionDamaged."""

    def evaluate(self, model: M, data: D) -> Evaluation:
        """Measure on the eval rows."""

    def scores(self, model: M, data: D) -> tuple[Scores, ...]:
        """How well each eval row is answered, the main score first. The gate asks that none be inferior and one
        better."""

    def timed(self, model: M, data: D) -> Sequence[Callable[[], object]]:
        """Single questions, for the latency ratio; the same ones whatever the model."""

    def how_trained(self, record: Mapping[str, Any], train_rows: int) -> str:
        """The fit's record (`Fitted.record`) in a sentence for people."""

    def pictures(self, evaluation: Evaluation, record: Mapping[str, Any]) -> Iterator[Drawing]:
        """What a report draws of an evaluation and of the fit's record."""

    def tables(self, evaluation: Evaluation) -> Iterator[DataTable]:
        """What a report lists of an evaluation, such as the hardest labels."""
