"""The task `text-classification` in a project: from labelled rows and feedback to a judged model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from autogen.config.project import SkillSettings
from autogen.config.settings import RESERVED_LABEL
from autogen.data.columns import select
from autogen.data.fingerprints import row_fingerprint
from autogen.data.problems import Problem, raise_for, shown
from autogen.data.readers.files import locate, read_rows
from autogen.errors import Interrupted
from autogen.models.base_models import find_base_model
from autogen.models.sources import FromBaseModel, FromVersion, ModelSource
from autogen.progress import RunPlace
from autogen.project.course import INTERRUPTED, Run
from autogen.project.judging import (
    HELD_OUT_FILE,
    TRAINED_FILE,
    Contender,
    Evidence,
    changed_answers,
    judge_candidate,
    write_fingerprints,
)
from autogen.storage.row_files import check_output, write_rows
from autogen.tasks.evaluation import SkillEvaluation
from autogen.tasks.task import Need
from autogen.tasks.text_classification.answers import Answers, wilson
from autogen.tasks.text_classification.feedback import WithFeedback, curate_feedback, read_need, unlearnt, with_feedback
from autogen.tasks.text_classification.learning.fine_tune import FineTuned, FineTuning
from autogen.tasks.text_classification.metrics import per_label
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import Example, LabelledRows, fingerprint, in_order
from autogen.versions.gate import Verdict
from autogen.versions.manifest import Manifest, ModelRecord


class Classifying:
    """A need for a classifier, from its rows to its verdict."""

    def __init__(self, run: Run, skill: str, settings: SkillSettings, need: Need) -> None:
        """Raises DataError."""
        self.run, self.skill, self.settings, self.need = run, skill, settings, need
        self._champion = self._contender()
        self.data = self._data()
        self._report: FineTuned | None = None

    @property
    def feedback(self) -> tuple[str, ...]:
        return self.data.feedback

    @property
    def on_held_out(self) -> int:
        return self.data.on_held_out

    @property
    def labels(self) -> Collection[str]:
        return self._report.labels if self._report else ()

    @property
    def texts(self) -> list[str]:
        return self.data.data.train.texts

    def record(self) -> Mapping[str, Any]:
        data = self.data.data
        unlabelled = [Example(text, "") for text in data.unlabelled.texts]
        return {
            "data": [in_order(part) for part in (data.train.examples, data.held_out.examples, unlabelled)],
            "learnt": sorted({row_fingerprint(text) for text in data.train.texts}),
            "labels": sorted({*data.train.labels} - {RESERVED_LABEL}),
        }

    def learn(self, draft: Path, place: str) -> ModelRecord:
        job = self.job(draft / place)
        try:
            report = job.run(self.run.progress)
        except Interrupted:
            raise Interrupted(INTERRUPTED[self.run.origin]) from None
        # what the weights that training goes on from have learnt stays learnt, whatever this run's rows are
        before = self._champion.trained if self._champion and self.run.origin == "improve" else frozenset()
        taught = [Example(text, "") for text in report.taught]
        write_fingerprints(draft / place / TRAINED_FILE, [*job.train, *taught], before)
        write_fingerprints(draft / place / HELD_OUT_FILE, self.data.measured.examples)
        self._report = report
        return _record(self.need, self.data, report, place)

    def measure(self, draft: Path, manifest: Manifest) -> dict[str, float] | None:
        """Out-of-fold metrics stay."""
        if not self.data.measured.rows or manifest.skills[self.skill].models[self.need.name].cross_validated:
            return None
        model = Contender.load(draft, manifest, self.skill, self.need.name).model
        return evaluate_model(model, self.data.measured, "held-out rows").metrics

    def judge(
        self, draft: Path, manifest: Manifest, before: frozenset[str], all_labels: Collection[str]
    ) -> Verdict | None:
        if self._champion is None or self.run.champion is None or self._report is None:
            return None
        candidate = Contender.load(draft, manifest, self.skill, self.need.name)
        measured = self.data.data.held_out.examples, self.data.set_aside.examples
        evidence = Evidence(*measured, before, self._protected(self._report.labels, all_labels))
        changed = changed_answers(self.run.champion.manifest.skills[self.skill], manifest.skills[self.skill])
        gate = self.run.config.gate
        return judge_candidate(self._champion, candidate, evidence, self._report.parity, gate, changed)

    def job(self, folder: Path) -> FineTuning:
        """What fine-tuning is given, its result to lie in `folder`."""
        run = self.run
        return FineTuning(
            train=self.data.data.train.examples,
            held_out=self.data.data.held_out.examples,
            settings=self.settings.training,
            source=self._source(),
            folder=folder,
            state=run.state / self.skill / self.need.name,
            max_loss=getattr(self.settings, "rejection_loss", 0.01),
            unlabelled=self._unlabelled(),
            log=RunPlace(run.logs / self.skill / self.need.name, run.logs.parent, run.config.agent.name),
        )

    def _contender(self) -> Contender | None:
        champion = self.run.champion
        if champion is None or not champion.knows(self.skill, self.need.name):
            return None
        return Contender.load(champion.folder, champion.manifest, self.skill, self.need.name)

    def _data(self) -> WithFeedback:
        """The need's rows with feedback: `improve` takes all there is, `train` what the champion has learnt already."""
        run = self.run
        data = read_need(run.folder, self.settings, self.need)
        raise_for(data.problems)
        if self._champion is None or run.champion is None:
            return WithFeedback(unlearnt(data), LabelledRows(), ())
        only = frozenset(run.champion.manifest.feedback) if run.origin == "train" else None
        curation = curate_feedback(run.memory.feedback, data, self._champion.model, self.skill, run.owners, only)
        joined = with_feedback(data, curation)
        learnt = self._champion.trained if run.origin == "improve" else frozenset()
        return replace(joined, data=unlearnt(joined.data, learnt))

    def _unlabelled(self) -> tuple[str, ...]:
        """Texts to learn from without labels: none that anything is measured on, feedback set aside included."""
        measured = [*self.data.measured.texts, *(row.text for row in self.run.protected)]
        return self.data.data.unlabelled.without(self.data.data.train.texts, measured).texts

    def _source(self) -> ModelSource:
        """`improve` starts from the champion, `train` from the base model."""
        run = self.run
        if run.origin == "train" or run.champion is None or not run.champion.knows(self.skill, self.need.name):
            return FromBaseModel(find_base_model(run.config.agent.base_model, run.folder))
        folder = run.champion.model_folder(self.skill, self.need.name)
        model = TunedModel.load(folder)
        card = model.card
        return FromVersion(
            folder, card.base_model, model.task, card.max_length, card.pad_id, card.precision, run.folder
        )

    def _protected(self, labels: Sequence[str], all_labels: Collection[str]) -> Sequence[Example]:
        """With several skills, each is asked the protected rows whose label it knows, and those that none knows."""
        return [row for row in self.run.protected if row.label in labels or row.label not in all_labels]


def _record(need: Need, data: WithFeedback, report: FineTuned, place: str) -> ModelRecord:
    training = {name: value for name, value in asdict(report).items() if name not in ("metrics", "labels", "taught")}
    training["unlabelled"] = (
        None if report.unlabelled is None else training["unlabelled"] | {"said": str(report.unlabelled)}
    )
    measured = data.data.held_out if report.cross_validated else data.measured  # what the metrics are of
    return ModelRecord(
        folder=place,
        task=need.task,
        train_rows=len(data.data.train.examples),
        train_fingerprint=fingerprint(data.data.train.examples),
        held_out_rows=len(measured.examples),
        held_out_fingerprint=fingerprint(measured.examples),
        cross_validated=report.cross_validated,
        metrics=report.metrics,
        training=training,
    )


def evaluate_model(model: TunedModel, data: LabelledRows, source: str) -> SkillEvaluation:
    """Labels that the model does not know count as wrong, with a warning."""
    pairs = [example.text_pair or "" for example in data.examples]
    predictions = model.predict(data.texts, pairs if any(pairs) else None)
    metrics = model.task.metrics(predictions, data.labels)
    unknown = sorted({*data.labels} - {*model.task.labels, RESERVED_LABEL})
    rows = sum(label in unknown for label in data.labels)
    inside = sum(label != RESERVED_LABEL for label in data.labels)
    counts = {"accuracy": inside, "in_scope_accuracy": inside, "oos_recall": len(data.labels) - inside}
    return SkillEvaluation(
        metrics=metrics,
        rows=len(data.rows),
        source=source,
        intervals={name: wilson(metrics[name], n) for name, n in counts.items() if name in metrics},
        per_label=per_label([p.decided for p in predictions], data.labels),
        warnings=(_unknown_labels(unknown, rows, len(data.rows)),) if unknown else (),
        answers=Answers(data.texts, data.labels, predictions, model.task.threshold),
    )


def _unknown_labels(labels: Sequence[str], rows: int, of: int) -> str:
    names = ", ".join(shown(label) for label in labels[:10]) + (", …" if len(labels) > 10 else "")
    return f"{rows} of {of} rows have a label that the model does not know ({names}); they count as wrong."


def predict_file(model: TunedModel, source: str, target: Path, columns: dict[str, str]) -> int:
    """Write the rows of `source` with `prediction` (after rejection) and `confidence`. Returns how many.

    Raises DataError for rows that cannot be read, UsageError for a target of unknown format. The target appears whole.
    """
    check_output(target)
    rows, problems = read_rows(locate(source, Path()))
    selected, found = select(rows, ("text",), ("text_pair",), columns)
    raise_for([*problems, *found, *_empty(selected)])
    pairs = [str(row.values.get("text_pair") or "") for row in selected]
    predictions = model.predict([str(row.values["text"]) for row in selected], pairs if any(pairs) else None)
    answered = [
        {**row.values, "prediction": found.decided, "confidence": round(found.confidence, 6)}
        for row, found in zip(rows, predictions, strict=True)
    ]
    write_rows(answered, target)
    return len(answered)


def _empty(rows: Sequence[Any]) -> list[Problem]:
    from autogen.data.rows import require_text
    from autogen.tasks.text_classification.rows import MAX_TEXT

    return [found for row in rows if isinstance(found := require_text(row, "text", MAX_TEXT), Problem)]
