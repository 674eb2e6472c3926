"""The project: a folder with `agent.toml` and `data/`, and the loop that makes its agent better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from autogen.agents.agent import load_skills
from autogen.config.project import ProjectConfig, load_config
from autogen.config.settings import RESERVED_LABEL
from autogen.data.fingerprints import row_fingerprint
from autogen.data.problems import raise_for
from autogen.errors import ProjectNotFound, UnknownVersion, UsageError, VersionDamaged
from autogen.feedback.curation import Curation
from autogen.feedback.events import Feedback
from autogen.feedback.events import Verdict as Decided
from autogen.feedback.exchange import ImportResult, import_feedback
from autogen.feedback.memory import Memory
from autogen.feedback.review import ReviewItem, review_items
from autogen.progress import TrainingProgress
from autogen.project.check import SkillCheck, check_skill, skill_named
from autogen.project.judging import Contender, protected_rows
from autogen.project.measuring import evaluate_recommender, recommend_for_file, recommender_of
from autogen.project.reporting import project_table, report_folder, report_on
from autogen.reports.report import Report
from autogen.skills import SKILLS, skill_settings
from autogen.skills.recommendation.off_policy import evaluation_json, read_log
from autogen.storage.files import learning_lock
from autogen.storage.row_files import check_not_over
from autogen.tasks.evaluation import Evaluation, SkillEvaluation
from autogen.tasks.recommendation.rows import check_behaviour, clicks_of, measured_behaviour, with_clicks
from autogen.tasks.task import Need
from autogen.tasks.text_classification.feedback import (
    Owners,
    classifies,
    curate_feedback,
    label_owners,
    read_need,
    with_feedback,
)
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import LabelledRows, pick, read_labelled
from autogen.tasks.text_classification.task import evaluate_model, predict_file
from autogen.versions.manifest import Manifest, check_files
from autogen.versions.registry import Versions

if TYPE_CHECKING:
    from autogen.project.course import Origin
    from autogen.tasks.text_classification.learning.deep_check import DeepReport
    from autogen.training.search.study import Budget, Found


class Project:
    """Everything a person does with a project. Nothing is held open between calls but the database."""

    def __init__(self, folder: Path, config: ProjectConfig) -> None:
        self.folder = folder
        self.config = config
        self.versions = Versions(folder)

    @classmethod
    def open(cls, folder: Path | str = ".") -> Project:
        """Raises ProjectNotFound, ConfigError."""
        path = Path(folder)
        return cls(path, load_config(path, skill_settings()))

    @cached_property
    def memory(self) -> Memory:
        """Responses and feedback. Raises StorageError."""
        return Memory.open(self.folder)

    def check(self) -> list[SkillCheck]:
        """Read all data and report on it; nothing is written."""
        columns = next(iter(self.config.skills.values())).columns
        gate = protected_rows(self.folder, self.config.gate, columns)[1]
        base_model = self.config.agent.base_model
        checks = [
            check_skill(self.folder, name, settings, base_model, self.config.gate)
            if classifies(settings)
            else check_behaviour(self.folder, name, settings, base_model)
            for name, settings in self.config.skills.items()
        ]
        return [replace(checks[0], problems=(*checks[0].problems, *gate)), *checks[1:]]

    def deep_check(self, progress: TrainingProgress | None = None) -> dict[str, DeepReport]:
        """What the frozen base model's embeddings say of the rows, by skill: likely label errors, near-duplicates,
        leakage, confusable labels, imbalance, a learning curve. Raises DataError, BaseModelError."""
        from autogen.tasks.text_classification.learning.deep_check import deep_check

        with progress or TrainingProgress() as shown:
            return deep_check(self.folder, self.config, shown)

    def train(self, resume: bool = False, progress: TrainingProgress | None = None, force: bool = False) -> Manifest:
        """Learn from the base model; the first version becomes champion, later ones are candidates with a verdict.

        `resume`: go on with a training that was interrupted; with `force` although data or settings have changed.
        Raises DataError, TrainingFailed, ParityError, Busy, StorageError, Interrupted.
        """
        return self._learn("train", resume, progress, force)

    def improve(self, progress: TrainingProgress | None = None) -> Manifest:
        """Learn from the champion on, with the feedback since. The candidate's verdict is in its manifest.

        Raises Refused when there is nothing new to learn from, and what `train` raises.
        """
        return self._learn("improve", False, progress, False)

    def _learn(self, origin: Origin, resume: bool, progress: TrainingProgress | None, force: bool) -> Manifest:
        from autogen.project.learning import (
            Learning,
        )  # torch takes seconds to import; other commands need none

        with learning_lock(self.versions.state), progress or TrainingProgress() as shown:
            return Learning(self.folder, self.config, origin, self.memory, shown).run(resume, force)

    def tune(self, skill: str | None, budget: Budget, progress: TrainingProgress | None = None) -> Found:
        """Search for training settings that suit a skill's data better than the recipe does. No version is made.

        Raises UsageError where every setting is the user's own already, and what `train` raises.
        """
        from autogen.project.tuning import tune

        with learning_lock(self.versions.state), progress or TrainingProgress() as shown:
            return tune(self.folder, self.config, self.one_skill(skill), budget, self.memory, shown)

    def one_skill(self, skill: str | None) -> str:
        """The skill asked for, or the only one. Raises UsageError where there are several to choose from."""
        if skill is None and len(self.config.skills) > 1:
            raise UsageError(f"Expected a skill ({', '.join(self.config.skills)}), found none: name it with --skill.")
        return skill_named(self.config, skill)[0][0]

    def evaluate(self, data: str | None = None, version: str | None = None, skill: str | None = None) -> Evaluation:
        """Measure a version (the champion unless told) on its held-out rows, or on a file of labelled rows.

        Raises DataError, UnknownVersion, VersionDamaged.
        """
        manifest = self._whole(version)
        asked = skill_named(self.config, skill)
        return Evaluation(
            manifest.version,
            {name: self._evaluate(manifest, name, SKILLS[s.type].needs(s)[0], data) for name, s in asked},
            data,
        )

    def report(self, evaluation: Evaluation | None = None) -> Report:
        """Pictures and tables of an evaluation (of the champion on its held-out rows, unless told). Jupyter shows it;
        `save` writes it. Raises what `evaluate` raises."""
        found = self.evaluate() if evaluation is None else evaluation
        return report_on(found, self.versions.manifest(found.version))

    def write_report(self, evaluation: Evaluation) -> Path:
        """The report as files, in `.autogen/reports`: the path of its page. Raises StorageError."""
        return self.report(evaluation).save(report_folder(self.versions.state, evaluation))

    def _repr_html_(self) -> str:
        return project_table(self.config, self.versions)

    def _evaluate(self, manifest: Manifest, skill: str, need: Need, data: str | None) -> SkillEvaluation:
        if need.task == "recommendation":
            return self._evaluate_recommender(manifest, skill, need, data)
        contender = self._contender(manifest, skill, need.name)
        if data is not None:
            rows, problems = read_labelled(Path(), [data], need.columns)
            raise_for(problems)
            return evaluate_model(contender.model, rows, data)
        settings = self.config.skills[skill]
        read = read_need(self.folder, settings, need)
        raise_for(read.problems)
        record = manifest.skills[skill].models[need.name]
        if record.cross_validated and not read.held_out.rows:
            return SkillEvaluation(record.metrics, record.train_rows, "cross-validation when it was trained")
        measured = read.held_out
        if manifest.feedback:  # without any, the database is left alone: the project may be read only
            feedback = frozenset(manifest.feedback)
            owners = self._owners(manifest)
            curation = curate_feedback(self.memory.feedback, read, contender.model, skill, owners, feedback)
            measured = with_feedback(read, curation).measured
        unseen = _unseen(measured, contender)
        return evaluate_model(contender.model, unseen, f"{len(unseen.rows)} held-out rows")

    def _evaluate_recommender(self, manifest: Manifest, skill: str, need: Need, data: str | None) -> SkillEvaluation:
        settings = self.config.skills[skill]
        version = load_skills(self.versions.folder / manifest.version, manifest)[skill]
        model = recommender_of(version)
        found = measured_behaviour(self.folder, need, settings.training.seed, data)
        raise_for(found.problems)
        if data is None and manifest.feedback:
            found = with_clicks(found, clicks_of(self.memory, skill, frozenset(manifest.feedback))[0], model.card.lag)
        measured = evaluate_recommender(model, found, data or found.split, getattr(settings, "min_rating", None))
        if data is not None or not getattr(settings, "exploration", 0.0):  # the database is left alone
            return measured
        log = read_log(Memory.open_to_read(self.folder), skill).unseen_by(manifest)
        return replace(measured, off_policy=evaluation_json(version, log))

    def predict(self, source: str, target: Path, version: str | None = None, skill: str | None = None) -> int:
        """Write the rows of a file with `prediction` and `confidence`: how many. Raises DataError, UsageError."""
        check_not_over(source, target)
        manifest = self._whole(version)
        name = self.one_skill(skill)
        settings = self.config.skills[name]
        need = SKILLS[settings.type].needs(settings)[0]
        if need.task == "recommendation":
            skills = load_skills(self.versions.folder / manifest.version, manifest)
            return recommend_for_file(skills[name], source, target, dict(need.columns))
        return predict_file(self._contender(manifest, name, need.name).model, source, target, dict(need.columns))

    def curation(self, skill: str | None = None) -> Curation:
        """What `improve` would do with the feedback there is on a skill, the first one unless told. Raises UsageError
        for a skill that learns no labels."""
        name, settings = skill_named(self.config, skill)[0]
        if not classifies(settings):
            raise UsageError(f"Expected a skill that learns labels, found {name!r} ({settings.type}).")
        need = SKILLS[settings.type].needs(settings)[0]
        data = read_need(self.folder, settings, need)
        champion = self._whole(None)
        contender = self._contender(champion, name, need.name)
        return curate_feedback(self.memory.feedback, data, contender.model, name, self._owners(champion))

    def review(self) -> Sequence[ReviewItem]:
        """What waits for a person, skill by skill."""
        return self.to_review()[0]

    def to_review(self) -> tuple[Sequence[ReviewItem], Sequence[Feedback]]:
        """What waits for a person, and the corrections of held-out rows, which are left out; skill by skill."""
        found = [self.curation(name) for name, settings in self.config.skills.items() if classifies(settings)]
        return [item for one in found for item in review_items(one)], [f for one in found for f in one.on_held_out]

    def decide(self, feedback_id: str, decision: Decided, label: str | None = None) -> None:
        """Settle one waiting item. Raises UsageError."""
        self.memory.feedback.decide(feedback_id, decision, label)

    def import_feedback(self, path: Path, skill: str | None = None) -> ImportResult:
        """All rows of the file or none. `skill`: whose feedback the rows are that do not say so themselves; needed when
        there are several. Raises DataError listing every row that is wrong, UsageError."""
        name, settings = skill_named(self.config, skill)[0]
        several = [*self.config.skills]
        whose = name if skill or len(several) == 1 else None
        return import_feedback(self.memory.feedback, path, settings.columns, several, whose)

    def unknown_labels(self) -> tuple[str, ...]:
        """Labels that feedback names and the champion does not tell apart, `oos` aside; none where no champion can be
        read: whoever answers with it says so."""
        feedback, found = self.memory.feedback.all(), set[str]()
        for name, settings in self.config.skills.items():
            try:
                model = self.model(name) if classifies(settings) else None
            except (ProjectNotFound, UnknownVersion, VersionDamaged):
                return ()
            if model is not None:
                said = {one.label for one in feedback if one.label and one.skill in (None, name)}
                found |= said - {*model.task.labels, RESERVED_LABEL}
        return tuple(sorted(found))

    def promote(self, version: str | None = None, force: bool = False) -> str:
        """Make a version champion: its name. Raises Refused, UnknownVersion, VersionDamaged."""
        return self.versions.promote(version, force)

    def rollback(self) -> tuple[str, str]:
        """The champion before this one again: (from, to). Raises UsageError when there is none."""
        return self.versions.rollback()

    def model(self, skill: str, version: str | None = None) -> TunedModel | None:
        """A version's model as it answers, checked; None when the version lacks the skill. Raises VersionDamaged."""
        manifest = self._whole(version)
        need = SKILLS[self.config.skills[skill].type].needs(self.config.skills[skill])[0]
        return self._contender(manifest, skill, need.name).model if skill in manifest.skills else None

    def _whole(self, version: str | None) -> Manifest:
        """The manifest of a version whose files have been checked."""
        manifest = self.versions.manifest(self.versions.champion() if version is None else version)
        check_files(self.versions.folder / manifest.version, manifest, answering_only=True)
        return manifest

    def _owners(self, manifest: Manifest) -> Owners:
        several = len(self.config.skills) > 1
        skills = load_skills(self.versions.folder / manifest.version, manifest) if several else {}
        return label_owners(self.folder, self.config, skills)

    def _contender(self, manifest: Manifest, skill: str, need: str) -> Contender:
        if skill not in manifest.skills:
            raise UsageError(f"Version {manifest.version} has no skill {skill!r}: run `autogen train` to learn it.")
        return Contender.load(self.versions.folder / manifest.version, manifest, skill, need)


def _unseen(data: LabelledRows, contender: Contender) -> LabelledRows:
    """The rows that the model has not learnt from."""
    places = [at for at, text in enumerate(data.texts) if row_fingerprint(text) not in contender.trained]
    if not places:
        raise UsageError("All held-out rows have been learnt from: name other ones with --data.")
    return pick(data, places)
