"""Making a version: all skills' needs are learnt, the candidate is judged against the champion, the version sealed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError

from autogen.agents.loading import OpenVersion
from autogen.config.project import ProjectConfig
from autogen.data.problems import first_warnings, raise_for
from autogen.errors import Interrupted, Refused, StorageError, UnknownVersion, UsageError, VersionDamaged
from autogen.feedback.claims import count_by_trust
from autogen.feedback.memory import Memory
from autogen.feedback.review import describe_eval_corrections
from autogen.plugins import learner_of, skills
from autogen.progress import RunPlace, TrainingProgress
from autogen.project.check import model_problems
from autogen.project.harm import Harm
from autogen.project.judging import Evidence, Protected, Rivals, count_strangers, protected_rows
from autogen.project.leaving_out import find_harmful_parts, needs_harmed
from autogen.project.needs import SkillNeed, curation_policy, labels_by_skill, needs_of, title_of
from autogen.project.resuming import begin_run, resume_run, run_record
from autogen.project.work import Work, model_record
from autogen.skills.kind import OffPolicy
from autogen.storage.files import explain_os_errors
from autogen.tasks.task import CrossFitted, FeedbackOn, Fitted, Job, Start
from autogen.training.loop.checkpoints import forget_broken
from autogen.training.tracking import RUNS_FOLDER
from autogen.versions.fingerprints import EVAL_ROWS_FILE, TRAIN_ROWS_FILE, earlier_eval_rows, write_fingerprints
from autogen.versions.manifest import LeftOutPart, Manifest, ModelRecord, SkillRecord, check_files
from autogen.versions.registry import Versions
from autogen.versions.scores import Scores
from autogen.versions.verdict import Verdict, add_expected_clicks, combine_verdicts, reject_incomparable

Origin = Literal["train", "improve"]

PROBE_BYTES = 64 * 1024**2
EMBEDDINGS_FOLDER = "embeddings"


def interrupted(origin: Origin, resumes: bool = True, rejected: Manifest | None = None) -> Interrupted:
    """What Ctrl-C has left. `resumes`: there are checkpoints to go on from; `rejected`: a version that was made first
    and turned down."""
    if rejected is not None:
        return Interrupted(
            f"Interrupted. Version {rejected.version} was turned down, and what harms in its batch waits in `autogen "
            "review`: `autogen improve` learns the rest."
        )
    if origin == "improve":
        return Interrupted("Interrupted. Nothing was changed, and all feedback is kept: `autogen improve` starts anew.")
    if resumes:
        return Interrupted("Interrupted. What was learnt so far is kept: `autogen train --resume` goes on from here.")
    return Interrupted("Interrupted. Nothing was changed: `autogen train` starts anew.")


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
        self.state = self.versions.state.resolve() / "training" / origin
        self.rejected: Manifest | None = None  # the version whose batch is learnt again, less what harms:
        self.harms: list[Harm] = []
        self.needs = needs_of(config)
        self.protected: Protected = {}

    @property
    def logs(self) -> Path:
        return self.versions.state / RUNS_FOLDER / self.versions.next_name()

    def run(self, resume: bool, force: bool = False) -> Manifest:
        """`force`: resume although data, settings or champion have changed, as far as the checkpoints fit.

        Raises DataError, TrainingFailed, ParityError, Refused (nothing to improve with), Interrupted."""
        for settings in self.config.skills.values():
            raise_for(skills()[settings.type].check(settings, self.folder, {}))
        self.protected, problems = protected_rows(self.folder, self.config, self.needs)
        raise_for(problems)
        work = self.read()
        self._require(work)
        if self.origin == "improve":
            self._check_anything_new(work)
        else:
            self._warn(work)
        self._claim_state(work, resume, force)
        try:
            published = self._publish(work)
            if self.harms:
                published = self._learn_the_rest(published)
        except KeyboardInterrupt:  # while nothing was fitted: while something is, the fit says so itself
            raise interrupted(self.origin, rejected=self.rejected) from None
        except StorageError:  # a full disk is given back what was taken in vain, or the champion could not answer
            forget_broken(self.state)
            raise
        shutil.rmtree(self.state, ignore_errors=True)
        if self.champion is None and not self.damage:
            self.versions.promote(published.version)
        return published

    def read(self) -> list[Work]:
        """All needs' data, with the feedback that is for each: `improve` takes all there is, `train` what the champion
        has learnt already. Raises DataError."""
        data_by_need = {}
        for need in self.needs:
            data = need.task.read(self.folder, need.need)
            raise_for(data.problems)
            data_by_need[need.skill, need.need.name] = data
        labels = labels_by_skill(self.config, data_by_need, self.champion)
        return [self._with_feedback(need, data_by_need[need.skill, need.need.name], labels) for need in self.needs]

    def job(self, work: Work, folder: Path) -> Job:
        """What a fit is given, its result to lie in `folder`."""
        need, protected = work.need, self.protected.get((work.need.skill, work.need.need.name), ())
        return Job(
            data=work.data,
            need=need.need,
            start=Start(need.need.base_model, self.folder, self._before(need)),
            folder=folder,
            state=self.state / need.skill / need.need.name,
            cache=self.versions.state / EMBEDDINGS_FOLDER,
            log=RunPlace(self.logs / need.skill / need.need.name, self.logs.parent, self.config.agent.name),
            withheld=work.identity.measured.union(*(data.identity().measured for data in protected)),
        )

    def _with_feedback(self, need: SkillNeed, read: Any, labels: Mapping[str, frozenset[str]]) -> Work:
        champion = self.champion
        learnt_feedback = frozenset(champion.manifest.feedback) if champion and self.origin == "train" else None
        only, policy = learnt_feedback if champion else frozenset(), curation_policy(self.config)
        left_out = self.memory.undecided_left_out(champion.manifest.feedback if champion else ())
        feedback = FeedbackOn(self.memory, need.skill, labels, only, policy, left_out)
        data = need.task.with_feedback(read, feedback, champion.model(need.skill, need.need.name) if champion else None)
        known = champion is not None and champion.record(need.skill, need.need.name) is not None
        # what the weights that training goes on from have learnt stays learnt, whatever this run's rows are
        continues = champion is not None and known and self.origin == "improve"
        before = champion.trained(need.skill, need.need.name) if champion and continues else frozenset()
        return Work(need, read, need.task.unseen(data, before | data.identity().learnt), before, feedback)

    def _before(self, need: SkillNeed) -> Path | None:
        """`improve` starts from the champion, `train` from the base model."""
        champion = self.champion
        if self.origin == "train" or champion is None or champion.record(need.skill, need.need.name) is None:
            return None
        return champion.model_folder(need.skill, need.need.name)

    def _require(self, work: Sequence[Work]) -> None:
        for name, settings in self.config.skills.items():
            data = {item.need.need.name: item.data for item in work if item.need.skill == name}
            skills()[settings.type].require(settings, data)

    def _publish(self, work: Sequence[Work]) -> Manifest:
        with self.versions.draft() as draft, _disk_explained(self.versions.state):
            fitted = [self._fit(item, draft / item.need.place) for item in work]
            built = self._build(work, draft)
            return self.versions.publish(draft, self._manifest(draft, work, fitted, built))

    def _learn_the_rest(self, rejected: Manifest) -> Manifest:
        """A candidate of the same batch without the parts that harm, which wait for review from now on. Where nothing
        else is in the batch, the version that was turned down stays the last word."""
        self.rejected = rejected
        for harm in self.harms:
            self.memory.left_out.add(harm.part.feedback, harm.part.title, harm.evidence, rejected.version)
            self.progress.say(f"Harms, and is left out: {harm.part.title}. {harm.evidence}")
        work = self.read()
        if not self._feedback_of(work) - set(self.champion.manifest.feedback if self.champion else ()):
            self.progress.say("Nothing else is in the batch.")
            return rejected
        self._require(work)
        self.progress.say(f"Version {rejected.version} was turned down. Learning the rest of the batch …")
        self._claim_state(work, resume=False, force=False)
        return self._publish(work)

    @staticmethod
    def _feedback_of(work: Sequence[Work]) -> set[str]:
        return {feedback_id for item in work for feedback_id in item.data.feedback}

    def _fit(self, work: Work, folder: Path) -> Fitted:
        learner = learner_of(work.need.task)
        try:
            fitted = learner.fit(self.job(work, folder), self.progress)
        except (Interrupted, KeyboardInterrupt):
            raise interrupted(self.origin, learner.resumes, self.rejected) from None
        write_fingerprints(folder / TRAIN_ROWS_FILE, work.before | work.identity.learnt | fitted.also_learnt)
        write_fingerprints(folder / EVAL_ROWS_FILE, work.identity.measured)
        return fitted

    def _build(self, work: Sequence[Work], draft: Path) -> dict[str, Mapping[str, Any]]:
        """What skills make of their learnt models: records of it, by skill and need."""
        built: dict[str, Mapping[str, Any]] = {}
        for name, settings in self.config.skills.items():
            own = [item for item in work if item.need.skill == name]
            folders = {item.need.need.name: draft / item.need.place for item in own}
            data = {item.need.need.name: item.data for item in own}
            records = skills()[settings.type].build(settings, folders, data)
            built |= {f"{name}/{need}": record for need, record in records.items()}
        return built

    def _champion(self) -> OpenVersion | None:
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
        return OpenVersion(folder, manifest)

    def _warn(self, work: Sequence[Work]) -> None:
        """`check` says it too; who trains without having checked would wait in vain."""
        problems = [problem for item in work for problem in item.data.problems]
        problems += [problem for item in work for problem in model_problems(self.folder, item.need, item.data)]
        for line in first_warnings(dict.fromkeys(problems)):
            self.progress.say(line)

    def _check_anything_new(self, work: Sequence[Work]) -> None:
        if self.champion is None:
            raise UsageError("Expected a champion to improve, found none: run `autogen train` first.")
        learnt_from = self._feedback_of(work)
        manifest = self.champion.manifest
        made_at = datetime.fromisoformat(manifest.feedback_until or manifest.created_at)
        waiting, decisions = self.memory.undecided_left_out(manifest.feedback), self.memory.feedback.decisions()
        reviewed = any(made.decided_at > made_at for name, made in decisions.items() if name not in waiting)
        if learnt_from == set(manifest.feedback) and not reviewed:
            raise Refused(
                "No feedback to learn from that the champion has not learnt already. Collect some (`autogen chat`, "
                "`autogen serve`, `autogen feedback import`), or see what waits for you with `autogen review`. "
                + describe_eval_corrections(sum(item.data.corrections_of_eval for item in work))
            )

    def _claim_state(self, work: Sequence[Work], resume: bool, force: bool) -> None:
        data = {item.need.name: item.identity for item in work}
        record = run_record(self.config, self.champion.manifest.version if self.champion else None, data)
        if not resume:
            shutil.rmtree(self.logs, ignore_errors=True)  # of a run given up before it made this version
            begin_run(self.state, record)
        elif warning := resume_run(self.state, record, force):
            self.progress.say(f"warning: {warning}")

    def _manifest(
        self, draft: Path, work: Sequence[Work], fitted: Sequence[Fitted], built: Mapping[str, Mapping[str, Any]]
    ) -> Manifest:
        feedback = self._feedback_of(work)
        manifest = Manifest(
            version=self.versions.next_name(),
            agent=self.config.agent.name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            made_by=self.origin,
            feedback_until=self.feedback_until,
            parent=self.champion.manifest.version if self.champion else None,
            config=self.config.model_dump(),
            feedback=sorted(feedback),
            learnt_from=count_by_trust(self.memory.feedback.all(), self.memory.feedback.decisions(), feedback),
            corrections_of_held_out=sum(item.data.corrections_of_eval for item in work),
            skills=self._skills(work, fitted, built),
        )
        candidate = OpenVersion(draft, manifest)
        for item, fit in zip(work, fitted, strict=True):
            if item.identity.eval_rows and not fit.cross_validated:
                model = candidate.known_model(item.need.skill, item.need.need.name)
                metrics = dict(item.need.task.evaluate(model, item.data).metrics)
                manifest.skills[item.need.skill].models[item.need.need.name].metrics = metrics
        verdict = self._judge(candidate, work, fitted)
        if self.rejected is None and verdict is not None and self.origin == "improve":
            self.harms = self._find_harm(work, verdict)
        left_out = [LeftOutPart(evidence=harm.evidence, feedback=sorted(harm.part.feedback)) for harm in self.harms]
        return manifest.model_copy(
            update={
                "verdict": verdict.to_json() if verdict else None,
                "instead_of": self.rejected.version if self.rejected else None,
                "left_out": left_out,
            }
        )

    def _find_harm(self, work: Sequence[Work], verdict: Verdict) -> list[Harm]:
        """The parts of the batch that harm, of the needs that were turned down for what it taught."""
        turned_down = needs_harmed(verdict)
        return [
            harm
            for item in work
            if self.champion is not None and {title_of(item.need, self.needs), ""} & turned_down
            for harm in find_harmful_parts(item, self.champion, self.job(item, self.state / "parts"), self.progress)
        ]

    def _skills(
        self, work: Sequence[Work], fitted: Sequence[Fitted], built: Mapping[str, Mapping[str, Any]]
    ) -> Mapping[str, SkillRecord]:
        models: dict[str, dict[str, ModelRecord]] = {}
        for item, fit in zip(work, fitted, strict=True):
            record = model_record(item, fit, built.get(item.need.name, {}))
            models.setdefault(item.need.skill, {})[item.need.need.name] = record
        return {
            name: SkillRecord(
                type=settings.type,
                answering=skills()[settings.type].keeps(settings, self.folder),
                models=models[name],
            )
            for name, settings in self.config.skills.items()
        }

    def _judge(self, candidate: OpenVersion, work: Sequence[Work], fitted: Sequence[Fitted]) -> Verdict | None:
        """One verdict for the whole version, over all of its models."""
        champion = self.champion
        if champion is None:
            return reject_incomparable(self.damage) if self.damage else None
        self.progress.say(f"Judging the candidate against {champion.manifest.version} …")
        answers = [candidate.known_model(item.need.skill, item.need.need.name).answers for item in work]
        rivals = Rivals(
            self.versions,
            champion,
            candidate,
            earlier_eval_rows(self.versions, champion.manifest),
            frozenset(name for names in answers for name in names),
        )
        verdicts: dict[str, Verdict] = {}
        for item, fit in zip(work, fitted, strict=True):
            if champion.record(item.need.skill, item.need.need.name) is not None:
                verdicts[title_of(item.need, self.needs)] = self._verdict(rivals, item, fit)
        return self._together(champion, verdicts, {item.need.skill for item in work})

    def _verdict(self, rivals: Rivals, work: Work, fitted: Fitted) -> Verdict:
        need = work.need
        protected = self.protected.get((need.skill, need.need.name), ())
        batch = frozenset(work.data.feedback) - frozenset(rivals.champion.manifest.feedback)
        evidence = Evidence(count_strangers(self.memory, batch), partial(self._cross_fit, rivals, work))
        verdict = rivals.verdict(need, work.data, protected, fitted, self.config.gate, evidence)
        kind = skills()[need.settings.type]
        if not isinstance(kind, OffPolicy):
            return verdict
        skills_to_compare = rivals.candidate.skills[need.skill], rivals.champion.skills[need.skill]
        expected = kind.expected(need.settings, need.skill, *skills_to_compare, self.memory)
        return add_expected_clicks(verdict, need.skill, expected) if expected else verdict

    def _cross_fit(self, rivals: Rivals, work: Work) -> tuple[Scores, Scores] | None:
        learner, need = learner_of(work.need.task), work.need
        if not isinstance(learner, CrossFitted):
            return None
        learnt = rivals.champion.trained(need.skill, need.need.name)
        return learner.cross_fit(self.job(work, rivals.candidate.folder), work.read, learnt, self.progress)

    def _together(self, champion: OpenVersion, verdicts: Mapping[str, Verdict], learnt: set[str]) -> Verdict:
        if not verdicts:
            return reject_incomparable(f"no skill of version {champion.manifest.version} to compare with")
        lost = sorted(champion.manifest.skills.keys() - learnt)
        if lost:
            return reject_incomparable(f"it has lost what the champion can do ({', '.join(lost)})")
        return combine_verdicts(verdicts, sorted(learnt - champion.manifest.skills.keys()))


@contextmanager
def _disk_explained(folder: Path) -> Iterator[None]:
    """Libraries that write weights have errors of their own for a full disk: where a probe cannot be written either,
    ours is raised, a StorageError that names the folder and says what to do."""
    try:
        with explain_os_errors(folder):
            yield
    except (RuntimeError, SafetensorError):
        with explain_os_errors(folder), tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
        raise
