"""Making a version: all skills' needs are learnt, the candidate is judged against the champion, the version sealed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError

from autogen.agents.agent import Memory, load_skills
from autogen.config import ProjectConfig, SkillSettings
from autogen.data.problems import raise_for
from autogen.errors import Interrupted, Refused, StorageError, UnknownVersion, UsageError, VersionDamaged
from autogen.feedback.review import said_of_held_out
from autogen.models.base_models import find_base_model
from autogen.models.sources import FromBaseModel, FromVersion, ModelSource
from autogen.project.data import Owners, WithFeedback, curate_feedback, label_owners, read_need, unlearnt, with_feedback
from autogen.project.evaluation import evaluate_model
from autogen.project.judging import (
    HELD_OUT_FILE,
    TRAINED_FILE,
    Contender,
    Evidence,
    changed_answers,
    held_before,
    judge_candidate,
    protected_rows,
    write_fingerprints,
)
from autogen.project.resuming import begin, go_on, run_record
from autogen.project.suitability import base_model_problems
from autogen.runtime.tuned_model import TunedModel
from autogen.skills import SKILLS
from autogen.skills.skill import Need
from autogen.storage.files import explained
from autogen.tasks.text_classification import Example
from autogen.training.checkpoints import forget_broken
from autogen.training.fine_tune import FineTuned, FineTuning
from autogen.training.learning_data import LabelledRows, LearningData, fingerprint
from autogen.training.progress import TrainingProgress
from autogen.training.tracking import RUNS_FOLDER, RunPlace
from autogen.versions.gate import Verdict, incomparable, together
from autogen.versions.manifest import Manifest, ModelRecord, SkillRecord, check_files
from autogen.versions.registry import Versions

Origin = Literal["train", "improve"]
Work = tuple[str, SkillSettings, Need, WithFeedback]  # one need of the skill of that name, with its data

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
        self.runs = self.versions.state / RUNS_FOLDER / self.versions.next_name()

    def run(self, resume: bool, force: bool = False) -> Manifest:
        """`force`: resume although data, settings or champion have changed, as far as the checkpoints fit.

        Raises DataError, TrainingFailed, ParityError, Refused (nothing to improve with), Interrupted."""
        for settings in self.config.skills.values():
            raise_for(SKILLS[settings.type].check(settings, self.folder, []))
        columns = next(iter(self.config.skills.values())).columns
        self.protected, problems = protected_rows(self.folder, self.config.gate, columns)
        raise_for(problems)
        work = [
            (name, settings, need, self.data(name, settings, need))
            for name, settings in self.config.skills.items()
            for need in SKILLS[settings.type].needs(settings)
        ]
        if self.origin == "improve":
            self._something_new([data for *_, data in work])
        else:
            self._warn_of_language([text for *_, data in work for text in data.data.train.texts])
        self._claim_state({f"{name}/{need.name}": data.data for name, _, need, data in work}, resume, force)
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

    def data(self, name: str, settings: SkillSettings, need: Need) -> WithFeedback:
        """The need's rows with feedback: `improve` takes all there is, `train` what the champion has learnt already."""
        data = read_need(self.folder, settings, need)
        raise_for(data.problems)
        contender = self.champion.contender(name, need.name) if self.champion else None
        if contender is None or self.champion is None:
            return WithFeedback(unlearnt(data), LabelledRows(), ())
        only = frozenset(self.champion.manifest.feedback) if self.origin == "train" else None
        joined = with_feedback(
            data, curate_feedback(self.memory.feedback, data, contender.model, name, self.owners, only)
        )
        learnt = contender.trained if self.origin == "improve" else frozenset()
        return replace(joined, data=unlearnt(joined.data, learnt))

    @cached_property
    def owners(self) -> Owners:
        """Which skill knows which labels, where there are several."""
        skills = load_skills(self.champion.folder, self.champion.manifest) if self.champion else {}
        return label_owners(self.folder, self.config, skills)

    def _warn_of_language(self, texts: Sequence[str]) -> None:
        """`check` says it too; who trains without having checked would wait in vain."""
        for problem in base_model_problems(self.folder, self.config.agent.base_model, texts):
            if problem.severity == "warning":
                self.progress.say(f"warning: {problem}")

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
                "`autogen serve`, `autogen feedback import`), or see what waits for you with `autogen review`. "
                + said_of_held_out(sum(item.on_held_out for item in data))
            )

    def _claim_state(self, data: Mapping[str, LearningData], resume: bool, force: bool) -> None:
        record = run_record(self.config, self.champion.manifest.version if self.champion else None, data)
        if not resume:
            shutil.rmtree(self.runs, ignore_errors=True)  # of a run given up before it made this version
            begin(self.state, record)
        elif warning := go_on(self.state, record, force):
            self.progress.say(f"warning: {warning}")

    def _learn(
        self,
        draft: Path,
        name: str,
        settings: SkillSettings,
        need: Need,
        data: WithFeedback,
    ) -> Learnt:
        place = f"models/{name}/{need.name}"
        job = self.job(name, settings, need, data, draft / place)
        try:
            report = job.run(self.progress)
        except Interrupted:
            raise Interrupted(INTERRUPTED[self.origin]) from None
        before = self._learnt_before(name, need)
        taught = [Example(text, "") for text in report.taught]
        write_fingerprints(draft / place / TRAINED_FILE, [*job.train, *taught], before)
        write_fingerprints(draft / place / HELD_OUT_FILE, data.measured.examples)
        return Learnt(need, data, report, place)

    def job(self, name: str, settings: SkillSettings, need: Need, data: WithFeedback, folder: Path) -> FineTuning:
        """What fine-tuning is given to learn this need, its result to lie in `folder`."""
        return FineTuning(
            train=data.data.train.examples,
            held_out=data.data.held_out.examples,
            settings=settings.training,
            source=self._source(name, need),
            folder=folder,
            state=self.state / name / need.name,
            max_loss=getattr(settings, "rejection_loss", 0.01),
            unlabelled=self._unlabelled(data),
            log=RunPlace(self.runs / name / need.name, self.runs.parent, self.config.agent.name),
        )

    def _unlabelled(self, data: WithFeedback) -> tuple[str, ...]:
        """Texts to learn from without labels: none that anything is measured on, feedback set aside included."""
        measured = [*data.measured.texts, *(row.text for row in self.protected)]
        return data.data.unlabelled.without(data.data.train.texts, measured).texts

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
            corrections_of_held_out=sum(item.data.on_held_out for items in learnt.values() for item in items),
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
                    changed = changed_answers(self.champion.manifest.skills[name], manifest.skills[name])
                    found = judge_candidate(champion, candidate, evidence, one.report.parity, self.config.gate, changed)
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
    training = {name: value for name, value in asdict(report).items() if name not in ("metrics", "labels", "taught")}
    training["unlabelled"] = (
        None if report.unlabelled is None else training["unlabelled"] | {"said": str(report.unlabelled)}
    )
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
