"""The project: a folder with `agent.toml` and `data/`, and the loop that makes its agent better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autogen.agents.loading import OpenVersion
from autogen.config.project import ProjectConfig, load_config
from autogen.config.settings import CONFIG_NAME, RESERVED_LABEL
from autogen.data.columns import select
from autogen.data.names import name_key, plain_name
from autogen.data.problems import raise_for
from autogen.data.readers.files import locate, read_rows
from autogen.errors import ProjectNotFound, UnknownVersion, UsageError, VersionDamaged
from autogen.feedback.batch_report import BatchReport
from autogen.feedback.curated import Curation
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback
from autogen.feedback.events import Verdict as Decision
from autogen.feedback.exchange import ImportResult, import_feedback
from autogen.feedback.forgetting import (
    Dropped,
    Forgotten,
    Selection,
    erase_person,
    find_person,
    reports_that_quote,
    versions_that_learnt,
)
from autogen.feedback.groups import Choice, ReviewQueue
from autogen.feedback.memory import DATABASE_FILE, Memory
from autogen.feedback.review import ReviewItem
from autogen.plugins import learner_of, skill_settings, skills
from autogen.progress import TrainingProgress
from autogen.project.check import SkillCheck, check_project
from autogen.project.evaluation import Measurement, VersionEvaluation
from autogen.project.needs import curation_policy, labels_by_skill, needs_of, skill_named, title_of
from autogen.project.reporting import project_table, report_folder, report_on
from autogen.reports.report import Report
from autogen.skills.hosts import SkillInProject
from autogen.storage.files import learning_lock
from autogen.storage.row_files import check_not_over, check_output, write_rows
from autogen.tasks.task import Curated, DeepCheckable, FeedbackOn, Reviewed
from autogen.versions.manifest import Manifest, check_files
from autogen.versions.registry import Versions

if TYPE_CHECKING:
    from autogen.project.learning import Origin
    from autogen.training.search.study import Budget, SearchResult


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
        config = load_config(path, skill_settings())
        needs_of(config)  # raises for a table of training settings that no need has
        return cls(path, config)

    @cached_property
    def memory(self) -> Memory:
        """Responses and feedback. Raises StorageError."""
        return Memory.open(self.folder)

    def check(self) -> list[SkillCheck]:
        """Read all data and report on it; nothing is written."""
        return check_project(self.folder, self.config)

    def deep_check(self, progress: TrainingProgress | None = None) -> dict[str, Any]:
        """What the frozen base model's embeddings say of the rows, by skill (by SKILL/NEED, of one with several needs):
        likely label errors, near-duplicates, leakage, confusable labels, imbalance, a learning curve. Raises DataError,
        BaseModelError."""
        needs, reports = needs_of(self.config), {}
        with progress or TrainingProgress() as progress_bar:
            for need in needs:
                learner = learner_of(need.task)
                if isinstance(learner, DeepCheckable):
                    data = need.task.read(self.folder, need.need)
                    reports[title_of(need, needs)] = learner.deep_check(data, need.need, self.folder, progress_bar)
        return reports

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
        from autogen.project.learning import Learning  # torch takes seconds to import; other commands need none

        with learning_lock(self.versions.state), progress or TrainingProgress() as progress_bar:
            return Learning(self.folder, self.config, origin, self.memory, progress_bar).run(resume, force)

    def batch_report(self, manifest: Manifest) -> BatchReport:
        """Whose feedback the version learnt that its parent had not, and what was left out of it, for it harms."""
        return BatchReport.of(manifest, self.versions, self.memory)

    def tune(self, skill: str | None, budget: Budget, progress: TrainingProgress | None = None) -> SearchResult:
        """Search for training settings that suit a skill's data better than the recipe does. No version is made.

        Raises UsageError where every setting is the user's own already, and what `train` raises.
        """
        from autogen.project.tuning import tune

        with learning_lock(self.versions.state), progress or TrainingProgress() as progress_bar:
            return tune(self.folder, self.config, self.one_skill(skill), budget, self.memory, progress_bar)

    def one_skill(self, skill: str | None) -> str:
        """The skill asked for, or the only one. Raises UsageError where there are several to choose from."""
        if skill is None and len(self.config.skills) > 1:
            raise UsageError(f"Expected a skill ({', '.join(self.config.skills)}), found none: name it with --skill.")
        return skill_named(self.config, skill)[0][0]

    def evaluate(
        self, data: str | None = None, version: str | None = None, skill: str | None = None
    ) -> VersionEvaluation:
        """Measure a version (the champion unless told) on its eval rows, or on a file of rows.

        Raises DataError, UnknownVersion, VersionDamaged.
        """
        open_version = self._open(version)
        # where no feedback is measured on, the database is left alone: the project may be read only
        memory = self.memory if open_version.manifest.feedback and data is None else None
        return Measurement(self.folder, self.config, open_version, memory, data).run(skill)

    def report(self, evaluation: VersionEvaluation | None = None) -> Report:
        """Pictures and tables of an evaluation (of the champion on its held-out rows, unless told). Jupyter shows it;
        `save` writes it. Raises what `evaluate` raises."""
        evaluated = self.evaluate() if evaluation is None else evaluation
        return report_on(evaluated, self.versions.manifest(evaluated.version))

    def write_report(self, evaluation: VersionEvaluation) -> Path:
        """The report as files, in `.autogen/reports`: the path of its page. Raises StorageError."""
        return self.report(evaluation).save(report_folder(self.versions.state, evaluation))

    def _repr_html_(self) -> str:
        return project_table(self.config, self.versions)

    def predict(self, source: str, target: Path, version: str | None = None, skill: str | None = None) -> int:
        """Write the rows of a file with what a skill answers to each: how many. Raises DataError, UsageError."""
        check_not_over(source, target)
        check_output(target)
        open_version, name = self._open(version), self.one_skill(skill)
        fields = skills()[self.config.skills[name].type].predicts
        rows, problems = read_rows(locate(source, Path()))
        selected, column_problems = select(rows, fields.required, fields.optional, self.config.skills[name].columns)
        raise_for([*problems, *column_problems])
        if name not in open_version.skills:
            raise UsageError(
                f"Version {open_version.manifest.version} has no skill {name!r}: run `autogen train` to learn it."
            )
        answers = open_version.skills[name].predict(selected)
        write_rows([{**row.values, **answer} for row, answer in zip(rows, answers, strict=True)], target)
        return len(rows)

    def curations(self, skill: str | None = None) -> Iterator[Curation]:
        """What `improve` would do with the feedback there is, of each need whose corrections are sorted first."""
        champion = self._open(None)
        needs = needs_of(self.config)
        data = {(need.skill, need.need.name): need.task.read(self.folder, need.need) for need in needs}
        labels = labels_by_skill(self.config, data, champion)
        for need in needs:
            if skill in (None, need.skill) and isinstance(need.task, Curated):
                left_out = self.memory.undecided_left_out(champion.manifest.feedback)
                policy = curation_policy(self.config)
                feedback = FeedbackOn(self.memory, need.skill, labels, policy=policy, left_out=left_out)
                model = champion.known_model(need.skill, need.need.name)
                yield need.task.curate(data[need.skill, need.need.name], feedback, model)

    def curation(self, skill: str | None = None) -> Curation:
        """Of a skill, the first one unless told. Raises UsageError for a skill whose feedback is not curated."""
        name, settings = skill_named(self.config, skill)[0]
        curation = next(self.curations(name), None)
        if curation is None:
            raise UsageError(f"Expected a skill that learns labels, found {name!r} ({settings.type}).")
        return curation

    def review(self) -> Sequence[ReviewItem]:
        """What waits for a person, skill by skill."""
        return list(self.to_review().items)

    def to_review(self) -> ReviewQueue:
        """What waits for a person, in groups too, and the corrections of held-out rows, which are left out; skill by
        skill."""
        return ReviewQueue.of(list(self.curations()))

    def decide(
        self,
        feedback_id: str,
        decision: Decision,
        label: str | None = None,
        entities: Sequence[EntitySpan] | None = None,
    ) -> int:
        """Settle one waiting item, or all of a group: how many. With `label` or `entities`, the right ones, where it is
        relabelled. Raises UsageError, also where the task could not learn it so."""
        return self.decide_all([Choice(feedback_id, decision, label, entities)])

    def decide_all(self, choices: Sequence[Choice]) -> int:
        """Settle what each choice names, or nothing: how many items. What is said of one item outweighs what is said of
        its group. Raises UsageError."""
        by_feedback: dict[str, tuple[Feedback, Decision, str | None, Sequence[EntitySpan] | None]] = {}
        queue = self.to_review() if any(choice.of_group for choice in choices) else None
        for label in dict.fromkeys(choice.label for choice in choices if choice.label is not None):
            self._check_spelling(label)
        for choice in sorted(choices, key=lambda choice: not choice.of_group):
            ids = queue.ids_of(choice.id) if queue is not None and choice.of_group else (choice.id,)
            for feedback in map(self.memory.feedback.get, ids):
                if choice.decision == "accept" or choice.label is not None or choice.entities is not None:
                    self._check_learnable(feedback, choice.label, choice.entities)
                by_feedback[feedback.id] = (feedback, choice.decision, choice.label, choice.entities)
        self.memory.feedback.decide_many(by_feedback.values())
        return len(by_feedback)

    def _check_spelling(self, label: str) -> None:
        """A reviewer's label must not differ from a known one in case or width alone, unless names are joined: it would
        be learnt as another. Raises UsageError."""
        if self.versions.alias().champion is None:
            return
        champion, near = self._open(None), ""
        for need in needs_of(self.config):
            model = champion.model(need.skill, need.need.name)
            if model is None or plain_name(label) in model.answers or need.need.join_names:
                continue
            near = next((known for known in model.answers if name_key(known) == name_key(label)), near)
        if near:
            raise UsageError(
                f'Expected a known label or a new one, found "{label}", which differs from "{near}" in case or width '
                f'alone. Write "{near}", or set `join_names = true` for the skill in {CONFIG_NAME}.'
            )

    def _check_learnable(self, feedback: Feedback, label: str | None, entities: Sequence[EntitySpan] | None) -> None:
        """One of the tasks that would be given it must be able to learn from it. Raises UsageError."""
        needs = needs_of(self.config)
        skill = self._skill_that_knows(label or feedback.label) or feedback.skill
        errors = []
        for task in dict.fromkeys(need.task for need in needs if skill in (None, need.skill)):
            if not isinstance(task, Reviewed):
                return
            try:
                task.check_review(feedback, label, entities)
                return
            except UsageError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _skill_that_knows(self, label: str | None) -> str | None:
        """The one skill whose label it is: a correction is for that, whichever answered."""
        skills_that_know = [name for name, labels in self._labels_by_skill.items() if label in labels]
        return skills_that_know[0] if len(skills_that_know) == 1 else None

    @cached_property
    def _labels_by_skill(self) -> Mapping[str, frozenset[str]]:
        if len(self.config.skills) == 1:
            return {}
        data = {(need.skill, need.need.name): need.task.read(self.folder, need.need) for need in needs_of(self.config)}
        return labels_by_skill(self.config, data, self._open(None))

    def drop_feedback(self, selection: Selection) -> Dropped:
        """Leave out all feedback of the selection, as `review --drop` does: it stays listed, and `review --accept`
        takes it back. Raises StorageError."""
        feedback, decisions = self.memory.feedback.all(), self.memory.feedback.decisions()
        dropped = {name for name, decision in decisions.items() if decision.decision == "drop"}
        selected = [item for item in selection.of(feedback) if item.id not in dropped]
        self.memory.feedback.decide_many((item, "drop", None, None) for item in selected)
        ids = {item.id for item in selected}
        return Dropped(len(ids), tuple(versions_that_learnt(self.versions, ids)))

    def forget(self, user: str, output: Path | None = None, erase: bool = True) -> Forgotten:
        """Find what the database has of one person, write it to `output`, and erase it. Raises StorageError."""
        person = find_person(self.memory.database, user)
        if output is not None:
            person.write(output)
        emptied = erase_person(self.memory.database, user) if erase else True
        return Forgotten(
            responses=len(person.responses),
            feedback=len(person.feedback),
            erased=erase,
            log_emptied=emptied,
            versions=tuple(versions_that_learnt(self.versions, person.feedback_ids)),
            reports=tuple(reports_that_quote(self.versions.state, person.texts)),
        )

    def import_feedback(self, path: Path, skill: str | None = None) -> ImportResult:
        """All rows of the file or none. `skill`: whose feedback the rows are that do not say so themselves; needed when
        there are several. Raises DataError listing every row that is wrong, UsageError."""
        name, settings = skill_named(self.config, skill)[0]
        names = [*self.config.skills]
        owner = name if skill or len(names) == 1 else None
        return import_feedback(self.memory.feedback, path, settings.columns, names, owner)

    def unknown_labels(self) -> tuple[str, ...]:
        """Labels that feedback names and the champion cannot answer with, `oos` aside; none where no champion can be
        read: whoever answers with it says so."""
        needs = [need for need in needs_of(self.config) if isinstance(need.task, Curated)]
        try:
            champion = self._open(None)
            models = [(need.skill, champion.model(need.skill, need.need.name)) for need in needs]
        except (ProjectNotFound, UnknownVersion, VersionDamaged):
            return ()
        feedback, unknown = self.memory.feedback.all(), set[str]()
        for skill in dict.fromkeys(name for name, model in models if model is not None):
            known = {
                answer for name, model in models if model is not None and name == skill for answer in model.answers
            }
            named_labels = {entry.label for entry in feedback if entry.label and entry.skill in (None, skill)}
            unknown |= named_labels - known - {RESERVED_LABEL}
        return tuple(sorted(unknown))

    def skill(self, kind: str, name: str | None = None) -> SkillInProject:
        """The skill named, else the first one, which must be of this kind, with the data of its first need. Raises
        UsageError, DataError."""
        skill_name, settings = skill_named(self.config, name)[0]
        if settings.type != kind:
            raise UsageError(
                f"Expected a skill of the type {kind!r}, found {skill_name!r} ({settings.type}): "
                "name another with --skill."
            )
        need = needs_of(self.config, skill_name)[0]
        data = need.task.read(self.folder, need.need)
        raise_for(data.problems)
        version = self.versions.alias().champion
        return SkillInProject(
            project=self.folder,
            name=skill_name,
            settings=settings,
            need=need.need,
            data=data,
            memory=self.memory if (self.versions.state / DATABASE_FILE).is_file() else None,
            version=version,
            model=self.model(skill_name) if version else None,
        )

    def promote(self, version: str | None = None, force: bool = False) -> str:
        """Make a version champion: its name. Raises Refused, UnknownVersion, VersionDamaged."""
        return self.versions.promote(version, force)

    def rollback(self) -> tuple[str, str]:
        """The champion before this one again: (from, to). Raises UsageError when there is none."""
        return self.versions.rollback()

    def model(self, skill: str, version: str | None = None) -> Any:
        """A version's model of a skill's first need as it answers, checked; None when the version lacks the skill.
        Raises VersionDamaged."""
        need = needs_of(self.config, skill)[0]
        return self._open(version).model(skill, need.need.name)

    def _open(self, version: str | None) -> OpenVersion:
        """A version whose files have been checked, the champion unless told."""
        manifest = self.versions.manifest(self.versions.champion() if version is None else version)
        folder = self.versions.folder / manifest.version
        check_files(folder, manifest, answering_only=True)
        return OpenVersion(folder, manifest)
