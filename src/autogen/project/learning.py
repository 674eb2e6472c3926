"""Making a version: all skills' needs are learnt, the candidate is judged against the champion, the version sealed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from autogen.config.project import ProjectConfig, SkillSettings
from autogen.data.problems import raise_for
from autogen.errors import Interrupted, Refused, StorageError, UnknownVersion, UsageError, VersionDamaged
from autogen.feedback.memory import Memory
from autogen.feedback.review import said_of_held_out
from autogen.progress import TrainingProgress
from autogen.project.course import INTERRUPTED, Champion, Course, Origin, Run
from autogen.project.judging import held_before, protected_rows
from autogen.project.resuming import begin, go_on, run_record
from autogen.project.suitability import base_model_problems
from autogen.skills import SKILLS
from autogen.storage.files import explained
from autogen.tasks.recommendation.task import Recommending
from autogen.tasks.task import Need
from autogen.tasks.text_classification.task import Classifying
from autogen.training.loop.checkpoints import forget_broken
from autogen.training.tracking import RUNS_FOLDER
from autogen.versions.gate import Verdict, incomparable, together
from autogen.versions.manifest import Manifest, ModelRecord, SkillRecord, check_files
from autogen.versions.registry import Versions

COURSES: dict[str, Callable[[Run, str, Any, Need], Course]] = {
    "text-classification": Classifying,
    "recommendation": Recommending,
}
PROBE_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Work:
    """One need of the skill of that name, on its way."""

    skill: str
    need: Need
    course: Course

    @property
    def place(self) -> str:
        return f"models/{self.skill}/{self.need.name}"


class Learning:
    """One run of `train` or `improve`. The caller holds the learning lock."""

    def __init__(
        self, folder: Path, config: ProjectConfig, origin: Origin, memory: Memory, progress: TrainingProgress
    ) -> None:
        self.folder, self.config, self.origin, self.memory = folder, config, origin, memory
        self.progress = progress
        self.versions = Versions(folder)
        self.damage = ""  # what is wrong with the champion; training anew is a way out of it
        self.feedback_until = datetime.now(UTC).isoformat()
        self.champion = self._champion()
        state = self.versions.state
        self.run_of = Run(
            folder=folder,
            config=config,
            origin=origin,
            memory=memory,
            progress=progress,
            champion=self.champion,
            state=state.resolve() / "training" / origin,
            logs=state / RUNS_FOLDER / self.versions.next_name(),
        )
        self.state = self.run_of.state

    def run(self, resume: bool, force: bool = False) -> Manifest:
        """`force`: resume although data, settings or champion have changed, as far as the checkpoints fit.

        Raises DataError, TrainingFailed, ParityError, Refused (nothing to improve with), Interrupted."""
        for settings in self.config.skills.values():
            raise_for(SKILLS[settings.type].check(settings, self.folder, []))
        columns = next(iter(self.config.skills.values())).columns
        self.run_of.protected, problems = protected_rows(self.folder, self.config.gate, columns)
        raise_for(problems)
        work = [
            Work(name, need, self.course(name, settings, need))
            for name, settings in self.config.skills.items()
            for need in SKILLS[settings.type].needs(settings)
        ]
        if self.origin == "improve":
            self._something_new([item.course for item in work])
        else:
            self._warn_of_language([text for item in work for text in item.course.texts])
        self._claim_state(work, resume, force)
        try:
            published = self._publish(work)
        except KeyboardInterrupt:  # while nothing was fitted: while something is, the fit says so itself
            raise Interrupted(INTERRUPTED[self.origin]) from None
        except StorageError:  # a full disk is given back what was taken in vain, or the champion could not answer
            forget_broken(self.state)
            raise
        shutil.rmtree(self.state, ignore_errors=True)
        if self.champion is None and not self.damage:
            self.versions.promote(published.version)
        return published

    def course(self, skill: str, settings: SkillSettings, need: Need) -> Course:
        """Raises DataError."""
        return COURSES[need.task](self.run_of, skill, settings, need)

    def _publish(self, work: Sequence[Work]) -> Manifest:
        with self.versions.draft() as draft, _disk_explained(self.versions.state):
            records = [item.course.learn(draft, item.place) for item in work]
            return self.versions.publish(draft, self._manifest(draft, work, records))

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

    def _warn_of_language(self, texts: Sequence[str]) -> None:
        """`check` says it too; who trains without having checked would wait in vain."""
        for problem in base_model_problems(self.folder, self.config.agent.base_model, texts):
            if problem.severity == "warning":
                self.progress.say(f"warning: {problem}")

    def _something_new(self, courses: Sequence[Course]) -> None:
        if self.champion is None:
            raise UsageError("Expected a champion to improve, found none: run `autogen train` first.")
        used = {one for course in courses for one in course.feedback}
        manifest = self.champion.manifest
        made_at = datetime.fromisoformat(manifest.feedback_until or manifest.created_at)
        reviewed = any(one.decided_at > made_at for one in self.memory.feedback.decisions().values())
        if used == set(self.champion.manifest.feedback) and not reviewed:
            raise Refused(
                "No feedback to learn from that the champion has not learnt already. Collect some (`autogen chat`, "
                "`autogen serve`, `autogen feedback import`), or see what waits for you with `autogen review`. "
                + said_of_held_out(sum(course.on_held_out for course in courses))
            )

    def _claim_state(self, work: Sequence[Work], resume: bool, force: bool) -> None:
        data = {f"{item.skill}/{item.need.name}": item.course.record() for item in work}
        record = run_record(self.config, self.champion.manifest.version if self.champion else None, data)
        if not resume:
            shutil.rmtree(self.run_of.logs, ignore_errors=True)  # of a run given up before it made this version
            begin(self.state, record)
        elif warning := go_on(self.state, record, force):
            self.progress.say(f"warning: {warning}")

    def _manifest(self, draft: Path, work: Sequence[Work], records: Sequence[ModelRecord]) -> Manifest:
        manifest = Manifest(
            version=self.versions.next_name(),
            agent=self.config.agent.name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            made_by=self.origin,
            feedback_until=self.feedback_until,
            parent=self.champion.manifest.version if self.champion else None,
            config=self.config.model_dump(),
            feedback=sorted({one for item in work for one in item.course.feedback}),
            corrections_of_held_out=sum(item.course.on_held_out for item in work),
            skills=self._skills(work, records),
        )
        for item in work:
            found = item.course.measure(draft, manifest)
            if found is not None:
                manifest.skills[item.skill].models[item.need.name].metrics = found
        verdict = self._judge(draft, manifest, work)
        return manifest.model_copy(update={"verdict": verdict.to_json() if verdict else None})

    def _skills(self, work: Sequence[Work], records: Sequence[ModelRecord]) -> Mapping[str, SkillRecord]:
        models: dict[str, dict[str, ModelRecord]] = {}
        for item, record in zip(work, records, strict=True):
            models.setdefault(item.skill, {})[item.need.name] = record
        return {
            name: SkillRecord(
                type=settings.type,
                answering=SKILLS[settings.type].answering(settings, self.folder),
                models=models[name],
            )
            for name, settings in self.config.skills.items()
        }

    def _judge(self, draft: Path, manifest: Manifest, work: Sequence[Work]) -> Verdict | None:
        """One verdict for the whole version, over all of its models."""
        if self.champion is None:
            return incomparable(self.damage) if self.damage else None
        self.progress.say(f"Judging the candidate against {self.champion.manifest.version} …")
        before = held_before(self.versions, self.champion.manifest)
        labels = {label for item in work for label in item.course.labels}
        verdicts = {}
        for item in work:
            found = item.course.judge(draft, manifest, before, labels)
            if found is not None:
                alone = sum(other.skill == item.skill for other in work) == 1
                verdicts[item.skill if alone else f"{item.skill}/{item.need.name}"] = found
        learnt = {item.skill for item in work}
        if not verdicts:
            return incomparable(f"no skill of version {self.champion.manifest.version} to compare with")
        lost = sorted(self.champion.manifest.skills.keys() - learnt)
        if lost:
            return incomparable(f"it has lost what the champion can do ({', '.join(lost)})")
        return together(verdicts, sorted(learnt - self.champion.manifest.skills.keys()))


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
