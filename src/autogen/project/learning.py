"""Making a version: all skills' needs are learnt, the candidate is judged against the champion, the version sealed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError

from autogen.agents.agent import Memory
from autogen.config import ProjectConfig, SkillSettings
from autogen.data.problems import raise_for
from autogen.errors import ConfigError, Interrupted, Refused, StorageError, UnknownVersion, UsageError, VersionDamaged
from autogen.models.base_models import find_base_model
from autogen.models.sources import FromBaseModel, FromVersion, ModelSource
from autogen.project.data import WithFeedback, curate_feedback, read_need, unlearnt, with_feedback
from autogen.project.evaluation import evaluate_model
from autogen.project.judging import (
    HELD_OUT_FILE,
    TRAINED_FILE,
    Contender,
    Evidence,
    held_before,
    judge_candidate,
    protected_rows,
    write_fingerprints,
)
from autogen.runtime.tuned_model import TunedModel
from autogen.skills import SKILLS
from autogen.skills.skill import Need
from autogen.storage.files import explained, make_folder, write_json
from autogen.tasks.text_classification import Example
from autogen.training.checkpoints import forget_broken
from autogen.training.fine_tune import FineTuned, FineTuning
from autogen.training.learning_data import LabelledRows, LearningData, fingerprint, in_order
from autogen.training.progress import TrainingProgress
from autogen.versions.gate import Verdict, incomparable, together
from autogen.versions.manifest import Manifest, ModelRecord, SkillRecord, check_files
from autogen.versions.registry import Versions

Origin = Literal["train", "improve"]
Work = tuple[str, SkillSettings, Need, WithFeedback]  # one need of the skill of that name, with its data

RUN_FILE = "run.json"
MAY_CHANGE = {
    "learning_rate",
    "head_learning_rate",
    "precision",
    "gradient_checkpointing",
    "checkpoint_minutes",
    "time_limit",
}
INTERRUPTED = {
    "train": "Interrupted. What was learnt so far is kept: `autogen train --resume` goes on from here.",
    "improve": "Interrupted. Nothing was changed, and all feedback is kept: `autogen improve` starts anew.",
}
PROBE_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Champion:
    """The version to be bettered, opened."""

    folder: Path
    manifest: Manifest

    def knows(self, skill: str, need: str) -> bool:
        record = self.manifest.skills.get(skill)
        return record is not None and need in record.models

    def contender(self, skill: str, need: str) -> Contender | None:
        return Contender.load(self.folder, self.manifest, skill, need) if self.knows(skill, need) else None

    def model_folder(self, skill: str, need: str) -> Path:
        return self.folder / self.manifest.skills[skill].models[need].folder


@dataclass(frozen=True)
class Learnt:
    """One need, learnt."""

    need: Need
    data: WithFeedback
    report: FineTuned
    folder: str


class Learning:
    """One run of `train` or `improve`. The caller holds the learning lock."""

    def __init__(
        self, folder: Path, config: ProjectConfig, origin: Origin, memory: Memory, progress: TrainingProgress
    ) -> None:
        self.folder, self.config, self.origin, self.memory = folder, config, origin, memory
        self.progress = progress
        self.versions = Versions(folder)
        self.state = self.versions.state.resolve() / "training" / origin
        self.protected: tuple[Example, ...] = ()
        self.damage = ""  # what is wrong with the champion; training anew is a way out of it
        self.feedback_until = datetime.now(UTC).isoformat()
        self.champion = self._champion()

    def run(self, resume: bool) -> Manifest:
        """Raises DataError, TrainingFailed, ParityError, Refused (nothing to improve with), Interrupted."""
        for settings in self.config.skills.values():
            raise_for(SKILLS[settings.type].check(settings, self.folder, []))
        columns = next(iter(self.config.skills.values())).columns
        self.protected, problems = protected_rows(self.folder, self.config.gate, columns)
        raise_for(problems)
        work = [
            (name, settings, need, self._data(name, settings, need))
            for name, settings in self.config.skills.items()
            for need in SKILLS[settings.type].needs(settings)
        ]
        if self.origin == "improve":
            self._something_new([data for *_, data in work])
        self._claim_state({f"{name}/{need.name}": data.data for name, _, need, data in work}, resume)
        try:
            published = self._publish(work)
        except StorageError:  # a full disk is given back what was taken in vain, or the champion could not answer
            forget_broken(self.state)
            raise
        shutil.rmtree(self.state, ignore_errors=True)
        if self.champion is None and not self.damage:
            self.versions.promote(published.version)
        return published

    def _publish(self, work: Sequence[Work]) -> Manifest:
        with self.versions.draft() as draft, _disk_explained(self.versions.state):
            learnt: dict[str, list[Learnt]] = {}
            for name, settings, need, data in work:
                learnt.setdefault(name, []).append(self._learn(draft, name, settings, need, data))
            return self.versions.publish(draft, self._manifest(draft, learnt))

    def _champion(self) -> Champion | None:
        name = self.versions.alias().champion
        if name is None:
            return None
        try:
            folder, manifest = self.versions.folder / name, self.versions.manifest(name)
            check_files(folder, manifest)
        except (VersionDamaged, UnknownVersion) as error:
            if self.origin == "improve":
                raise
            self.damage = f"the champion, version {name}, is damaged"
            self.progress.say(f"warning: {error} What is trained now cannot be compared with it.")
            return None
        return Champion(folder, manifest)

    def _data(self, name: str, settings: SkillSettings, need: Need) -> WithFeedback:
        """The need's rows with feedback: `improve` takes all there is, `train` what the champion has learnt already."""
        data = read_need(self.folder, settings, need)
        raise_for(data.problems)
        contender = self.champion.contender(name, need.name) if self.champion else None
        if contender is None or self.champion is None:
            return WithFeedback(unlearnt(data), LabelledRows(), ())
        only = frozenset(self.champion.manifest.feedback) if self.origin == "train" else None
        joined = with_feedback(data, curate_feedback(self.memory.feedback, data, contender.model, name, only))
        learnt = contender.trained if self.origin == "improve" else frozenset()
        return replace(joined, data=unlearnt(joined.data, learnt))

    def _something_new(self, data: list[WithFeedback]) -> None:
        if self.champion is None:
            raise UsageError("Expected a champion to improve, found none: run `autogen train` first.")
        used = {one for item in data for one in item.feedback}
        manifest = self.champion.manifest
        made_at = datetime.fromisoformat(manifest.feedback_until or manifest.created_at)
        reviewed = any(one.decided_at > made_at for one in self.memory.feedback.decisions().values())
        if used == set(self.champion.manifest.feedback) and not reviewed:
            raise Refused(
                "No feedback to learn from that the champion has not learnt already. Collect some (`autogen chat`, "
                "`autogen serve`, `autogen feedback import`), or see what waits for you with `autogen review`."
            )

    def _claim_state(self, data: Mapping[str, LearningData], resume: bool) -> None:
        """A run may go on from an earlier one's checkpoints only with the same data and settings."""
        this = {
            "config": self.config.model_dump(),
            "champion": self.champion.manifest.version if self.champion else None,
            "data": {name: [in_order(d.train.examples), in_order(d.held_out.examples)] for name, d in data.items()},
        }
        record = self.state / RUN_FILE
        if resume:
            if not record.is_file():
                raise UsageError("Expected an interrupted training to resume, found none: run `autogen train`.")
            if _same_run(json.loads(record.read_text("utf-8"))) != _same_run(json.loads(json.dumps(this))):
                raise ConfigError(
                    "The data or the settings have changed since the interrupted training began, so it cannot go on. "
                    "Put them back, or start anew with `autogen train`."
                )
            return
        with explained(self.state):
            shutil.rmtree(self.state, ignore_errors=True)
            make_folder(self.state)
        write_json(record, this)

    def _learn(
        self,
        draft: Path,
        name: str,
        settings: SkillSettings,
        need: Need,
        data: WithFeedback,
    ) -> Learnt:
        place = f"models/{name}/{need.name}"
        train, held_out = data.data.train.examples, data.data.held_out.examples
        job = FineTuning(
            train=train,
            held_out=held_out,
            settings=settings.training,
            source=self._source(name, need),
            folder=draft / place,
            state=self.state / name / need.name,
            max_loss=getattr(settings, "rejection_loss", 0.01),
        )
        try:
            report = job.run(self.progress)
        except Interrupted:
            raise Interrupted(INTERRUPTED[self.origin]) from None
        before = self._learnt_before(name, need)
        write_fingerprints(draft / place / TRAINED_FILE, train, before)
        write_fingerprints(draft / place / HELD_OUT_FILE, data.measured.examples)
        return Learnt(need, data, report, place)

    def _learnt_before(self, name: str, need: Need) -> frozenset[str]:
        """What the weights that training goes on from have learnt: it stays learnt, whatever this run's rows are."""
        contender = self.champion.contender(name, need.name) if self.champion and self.origin == "improve" else None
        return contender.trained if contender else frozenset()

    def _source(self, name: str, need: Need) -> ModelSource:
        """`improve` starts from the champion, `train` from the base model."""
        if self.origin == "train" or self.champion is None or not self.champion.knows(name, need.name):
            return FromBaseModel(find_base_model(self.config.agent.base_model, self.folder))
        folder = self.champion.model_folder(name, need.name)
        model = TunedModel.load(folder)
        card = model.card
        return FromVersion(
            folder, card.base_model, model.task, card.max_length, card.pad_id, card.precision, self.folder
        )

    def _manifest(self, draft: Path, learnt: Mapping[str, list[Learnt]]) -> Manifest:
        skills = {
            name: SkillRecord(
                type=self.config.skills[name].type,
                answering=SKILLS[self.config.skills[name].type].answering(self.config.skills[name], self.folder),
                models={one.need.name: _record(one) for one in items},
            )
            for name, items in learnt.items()
        }
        manifest = Manifest(
            version=self.versions.next_name(),
            agent=self.config.agent.name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            made_by=self.origin,
            feedback_until=self.feedback_until,
            parent=self.champion.manifest.version if self.champion else None,
            config=self.config.model_dump(),
            feedback=sorted({one for items in learnt.values() for item in items for one in item.data.feedback}),
            skills=skills,
        )
        self._measure(draft, manifest, learnt)
        verdict = self._judge(draft, manifest, learnt)
        return manifest.model_copy(update={"verdict": verdict.to_json() if verdict else None})

    def _measure(self, draft: Path, manifest: Manifest, learnt: Mapping[str, list[Learnt]]) -> None:
        """The metrics of the version as it will answer, the skill's own settings applied. Out-of-fold ones stay."""
        for name, items in learnt.items():
            for one in items:
                record = manifest.skills[name].models[one.need.name]
                if one.data.measured.rows and not record.cross_validated:
                    model = Contender.load(draft, manifest, name, one.need.name).model
                    record.metrics = evaluate_model(model, one.data.measured, "held-out rows").metrics

    def _judge(self, draft: Path, manifest: Manifest, learnt: Mapping[str, list[Learnt]]) -> Verdict | None:
        """One verdict for the whole version, over all of its models."""
        if self.champion is None:
            return incomparable(self.damage) if self.damage else None
        self.progress.say(f"Judging the candidate against {self.champion.manifest.version} …")
        before = held_before(self.versions, self.champion.manifest)
        labels = {label for items in learnt.values() for one in items for label in one.report.labels}
        verdicts = {}
        for name, items in learnt.items():
            for one in items:
                champion = self.champion.contender(name, one.need.name)
                if champion is not None:
                    candidate = Contender.load(draft, manifest, name, one.need.name)
                    measured = one.data.data.held_out.examples, one.data.set_aside.examples
                    evidence = Evidence(*measured, before, self._protected_for(one.report.labels, labels))
                    found = judge_candidate(champion, candidate, evidence, one.report.parity, self.config.gate)
                    verdicts[name if len(items) == 1 else f"{name}/{one.need.name}"] = found
        if not verdicts:
            return incomparable(f"no skill of version {self.champion.manifest.version} to compare with")
        lost = sorted(self.champion.manifest.skills.keys() - learnt.keys())
        if lost:
            return incomparable(f"it has lost what the champion can do ({', '.join(lost)})")
        return together(verdicts, sorted(learnt.keys() - self.champion.manifest.skills.keys()))

    def _protected_for(self, labels: Sequence[str], all_labels: Collection[str]) -> Sequence[Example]:
        """With several skills, each is asked the protected rows whose label it knows, and those that none knows."""
        return [row for row in self.protected if row.label in labels or row.label not in all_labels]


def _same_run(record: dict[str, Any]) -> dict[str, Any]:
    """The record of a run without what may change when it goes on: a rate that made it diverge, what memory or time
    there is."""
    skills = {
        name: {**skill, "training": {key: v for key, v in skill["training"].items() if key not in MAY_CHANGE}}
        for name, skill in record["config"]["skills"].items()
    }
    return {**record, "config": {**record["config"], "skills": skills}}


@contextmanager
def _disk_explained(folder: Path) -> Iterator[None]:
    """Libraries that write weights have errors of their own for a full disk: where a probe cannot be written either,
    ours is raised, a StorageError that names the folder and says what to do."""
    try:
        with explained(folder):
            yield
    except (RuntimeError, SafetensorError):
        with explained(folder), tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
        raise


def _record(one: Learnt) -> ModelRecord:
    report, data = one.report, one.data.data
    training = {name: value for name, value in asdict(report).items() if name not in ("metrics", "labels")}
    return ModelRecord(
        folder=one.folder,
        task=one.need.task,
        train_rows=len(data.train.examples),
        train_fingerprint=fingerprint(data.train.examples),
        held_out_rows=len(data.held_out.examples),
        held_out_fingerprint=fingerprint(data.held_out.examples),
        cross_validated=report.cross_validated,
        metrics=report.metrics,
        training=training,
    )
