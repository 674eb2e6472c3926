"""`AutoGen`: one transformers model and its tokenizer, fine-tuned, measured, kept, and turned into an agent."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autogen.agents.agent import Agent
from autogen.agents.loading import OpenVersion
from autogen.config.project import flatten_settings
from autogen.config.settings import CONFIG_NAME
from autogen.config.training import TrainingSettings
from autogen.data.fingerprints import OF_NOTHING
from autogen.data.problems import first_warnings, raise_for
from autogen.data.readers.files import rows_of
from autogen.data.rows import Row
from autogen.errors import ConfigError, DataError, ProjectNotFound, UsageError, did_you_mean
from autogen.markup import join_markup, metrics_table, table
from autogen.plugins import learner_of, skills, tasks
from autogen.progress import RunPlace, TrainingProgress
from autogen.reports.metrics import MetricValues
from autogen.reports.report import Report
from autogen.skills.kind import SkillKind
from autogen.storage.files import explain_os_errors, learning_lock
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.reporting import part_of
from autogen.tasks.task import Fitted, Identity, Job, Need, Predicts, Probabilistic, Start, Task
from autogen.training.tracking import RUNS_FOLDER
from autogen.versions.manifest import Manifest, ModelRecord, SkillRecord, check_files
from autogen.versions.registry import Versions

SKILL = "main"
MADE_BY = "AutoGen.save"
TUNED = ("text", "images", "audio")  # what a transformers model reads that can be tuned here
FALLBACK = "prediction"  # the kind of skill that answers with any task
MOST_NAMED = 12  # labels

Data = Any  # a path, a list of dicts or tuples, a pandas or polars frame, or a datasets.Dataset


class AutoGen:
    """Fine-tune a model on labelled rows and answer with it.

    Examples:
        >>> auto_gen = AutoGen(model, tokenizer)
        >>> auto_gen.config.learning_rate = 2e-5
        >>> auto_gen.fit(train_data, dev_data, test_data)
        >>> auto_gen.evaluate(test_data)

    `model` is a transformers model for the task, such as `...ForSequenceClassification`, or an encoder, which gets a
    head of ours. It is not changed itself: training works on a copy, and what is fitted answers through its exported
    form.
    """

    def __init__(self, model: Any, tokenizer: Any, task: str = "text-classification", *, quiet: bool = False) -> None:
        if not hasattr(model, "config") or not hasattr(model, "save_pretrained"):
            raise ConfigError(f"Expected a transformers model, found {type(model).__name__}.")
        name = str(getattr(model.config, "_name_or_path", "") or type(model).__name__)
        self._setup(_task_named(task), Start(name, own=(model, tokenizer)), quiet)

    def _setup(self, task: Task[Any, Any], start: Start, quiet: bool) -> None:
        self._task, self._start, self._quiet = task, start, quiet
        self._kind = _kind_for(task.name)
        self.config: TrainingSettings = task.training()
        self.fitted: Fitted | None = None
        self._home = tempfile.TemporaryDirectory(prefix="autogen-")  # removed with this object
        self._model: Any = None
        self._folder = Path(self._home.name)
        self._identity: Identity | None = None
        self._data: Any = None  # the rows that `fit` was given to measure on

    @property
    def task(self) -> str:
        return self._task.name

    def fit(self, train_data: Data, dev_data: Data | None = None, test_data: Data | None = None) -> AutoGen:
        """Fine-tune on `train_data`, choosing by `dev_data` (without it, rows are held out, or cross-validation is
        used), and report on `test_data`, which nothing is chosen by.

        Raises DataError listing every problem, TrainingFailed, ParityError, Interrupted.
        """
        sources = {"train": (train_data, "train_data"), "eval": (dev_data, "dev_data")}
        data = self._read({role: source for role, source in sources.items() if source[0] is not None})
        test = self._read({"eval": (test_data, "test_data")}) if test_data is not None else None
        folder = Path(tempfile.mkdtemp(dir=self._home.name))
        need = self._need()
        job = Job(
            data=data,
            need=need,
            start=self._start,
            folder=folder / _place(need),
            state=folder / "state",
            cache=folder / "embeddings",
            log=RunPlace(folder / RUNS_FOLDER / SKILL / need.name, folder / RUNS_FOLDER, "AutoGen"),
        )
        with TrainingProgress(self._quiet) as progress:
            for line in first_warnings(data.problems):
                progress.say(line)
            self.fitted = learner_of(self._task).fit(job, progress)
            shutil.rmtree(job.state, ignore_errors=True)
            self._folder, self._model = folder, self._task.load(job.folder)
            self._identity, self._data = data.identity(), data if test is None else test
            if test is not None:
                metrics = self._task.evaluate(self._model, test).metrics
                progress.say("test: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
        return self

    def evaluate(self, test_data: Data) -> MetricValues:
        """The task's metrics of the exported model, each in 0–1: of classification `accuracy`, `precision`, `recall`,
        `f1` (macro-averaged) and more.

        A label that the model does not know counts as wrong. Raises DataError; UsageError before `fit`.
        """
        model = self._fitted_model()
        return MetricValues(self._task.evaluate(model, self._read({"eval": (test_data, "test_data")})).metrics)

    def show(self, test_data: Data | None = None) -> Report:
        """Tables and pictures of what the exported model answers: Jupyter shows them, `.save(Path("report"))` writes
        them. On the data given to `fit` as `test_data`, or else `dev_data`, unless told. Raises DataError; UsageError
        before `fit`."""
        model = self._fitted_model()
        data = self._data if test_data is None else self._read({"eval": (test_data, "test_data")})
        record = self.fitted.record if self.fitted else {}
        part = part_of(self._task, SKILL, self._evaluation(model, data), record)
        return Report(f"{self._start.base_model}, {self.task}", self._facts(), [part])

    def _evaluation(self, model: Any, data: Any) -> Evaluation:
        """On the rows that there are, else what cross-validation found."""
        if data is not None and data.identity().eval_rows:
            evaluation: Evaluation = self._task.evaluate(model, data)
            return evaluation
        cross_validated = self.fitted is not None and self.fitted.cross_validated
        source = "rows out of fold" if cross_validated else "no rows"
        return Evaluation(self.fitted.metrics if self.fitted else {}, 0, source)

    def _facts(self) -> dict[str, str]:
        names = ", ".join(self.labels[:MOST_NAMED]) + (", …" if len(self.labels) > MOST_NAMED else "")
        rows = self._identity.train_rows if self._identity else 0
        return {"labels": f"{len(self.labels)}: {names}", "rows learnt from": f"{rows:,}"}

    def _repr_html_(self) -> str:
        """In Jupyter: what it is, what was set, what it has learnt."""
        settings = ", ".join(f"{name} = {value}" for name, value in flatten_settings(self.config.model_dump()).items())
        facts = {"task": self.task, "model": self._start.base_model, "settings": f"{settings}; the others by the data"}
        facts |= self._facts() if self._model else {"fitted": "not yet: call fit(train_data, dev_data)"}
        metrics = metrics_table(self.fitted.metrics, caption="When it was fitted") if self.fitted else ""
        return join_markup([table(("AutoGen", ""), list(facts.items())), metrics])

    def predict(self, texts: str | Iterable[str], pairs: str | Iterable[str] | None = None) -> Any:
        """The answer to a text, or a list of answers to several: of classification the label (`oos` where none fits).
        `pairs`: the second text of each, for a model of text pairs."""
        model = self._fitted_model()
        if not isinstance(model, Predicts):
            raise UsageError(f"A model of the task {self.task!r} answers through a skill: take `agent()`.")
        answers = [row[model.answer_column] for row in model.predict_rows(_rows(texts, pairs))]
        return answers[0] if isinstance(texts, str) else answers

    def predict_proba(self, texts: str | Iterable[str], pairs: str | Iterable[str] | None = None) -> Any:
        """label → probability of a text, or a list of such mappings for several. `pairs`: see `predict`. Raises
        UsageError for a task without such probabilities."""
        model = self._fitted_model()
        if not isinstance(model, Probabilistic):
            raise UsageError(f"Expected a task whose labels have probabilities, found {self.task!r}.")
        probabilities = model.probabilities(_rows(texts, pairs))
        return probabilities[0] if isinstance(texts, str) else probabilities

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self._fitted_model().answers)

    def save(self, folder: Path | str) -> Path:
        """Keep what was fitted as a new version in `folder`, and make it champion there; `AutoGen.load`, `Agent.load`
        and `autogen serve -p` read it. Raises StorageError."""
        target = Path(folder)
        self._fitted_model()  # raises before anything is written, when nothing was fitted
        versions, place = Versions(target), _place(self._need())
        if (target / CONFIG_NAME).exists():
            raise UsageError(f"{target} is a project: its versions pass a gate. Save to another folder.")
        with explain_os_errors(target):
            target.mkdir(parents=True, exist_ok=True)
        with learning_lock(versions.state), versions.draft() as draft, explain_os_errors(target):
            shutil.copytree(self._folder / place, draft / place, dirs_exist_ok=True)
            published = versions.publish(draft, self._manifest(versions, target.resolve().name or "agent"))
            if (self._folder / RUNS_FOLDER).is_dir():
                runs = versions.state / RUNS_FOLDER / published.version
                shutil.copytree(self._folder / RUNS_FOLDER, runs, dirs_exist_ok=True)
        versions.promote(published.version)
        return versions.folder / published.version

    @classmethod
    def load(cls, folder: Path | str, *, quiet: bool = False) -> AutoGen:
        """What `save` kept: ready to predict, or to `fit` on from there. Raises ProjectNotFound, VersionDamaged."""
        version = _saved(Path(folder))
        skill = version.manifest.skills.get(SKILL)
        if skill is None or version.manifest.made_by != MADE_BY:
            raise UsageError(f"{folder} is a project's: open it with Project.open, or answer with Agent.load.")
        record = next(iter(skill.models.values()))
        place = version.folder / record.folder
        loaded = cls.__new__(cls)
        task = _task_named(record.task)
        model = task.load(place)
        loaded._setup(task, Start(model.base_model, before=place), quiet)
        loaded._folder, loaded._model = version.folder, model
        loaded._identity = Identity(
            train=record.train_fingerprint,
            eval=record.held_out_fingerprint,
            train_rows=record.train_rows,
            eval_rows=record.held_out_rows,
            learnt=frozenset(),
            measured=frozenset(),
        )
        loaded.config = task.training.model_validate(version.manifest.config)
        return loaded

    def agent(self, folder: Path | str | None = None) -> Agent:
        """An agent that answers with what was fitted. Its conversations and feedback are kept in `folder`; without one,
        they are gone when this object is."""
        home = Path(folder) if folder is not None else Path(self._home.name) / "agent"
        self.save(home)
        agent = Agent.load(home)
        agent.keeps = self._home
        return agent

    def _fitted_model(self) -> Any:
        if self._model is None:
            raise UsageError("Nothing has been fitted yet: call fit(train_data, dev_data) first.")
        return self._model

    def _need(self) -> Need:
        """What the skill that will answer needs learnt, by the settings there are."""
        settings = self._kind.bare(self.task)
        settings.training = self.config
        need: Need = self._kind.needs(settings, self._start.base_model)[0]
        return replace(need, in_project=False)

    def _read(self, sources: Mapping[str, tuple[Data, str]]) -> Any:
        """The task's data of what was given by role, each with the name to speak of it by. Raises DataError."""
        rows: dict[str, Sequence[Row]] = {}
        problems = []
        for role, (data, name) in sources.items():
            rows[role], row_problems = rows_of(data, self._task.fields.required, name)
            problems += row_problems
        data = self._task.from_rows(rows, self._need())
        raise_for([*problems, *data.problems])
        if "train" not in sources and not data.identity().eval_rows:
            raise DataError(f"{sources['eval'][1]}: expected labelled rows, found none.")
        return data

    def _manifest(self, versions: Versions, agent: str) -> Manifest:
        need, identity = self._need(), self._identity
        assert identity is not None
        record = ModelRecord(
            folder=_place(need),
            task=self.task,
            train_rows=identity.train_rows,
            train_fingerprint=identity.train,
            held_out_rows=identity.eval_rows,
            held_out_fingerprint=identity.eval or OF_NOTHING,
            cross_validated=self.fitted is not None and self.fitted.cross_validated,
            metrics=dict(self.fitted.metrics) if self.fitted else {},
            training={},
        )
        saved_settings = self._kind.keeps(self._kind.bare(self.task), Path())
        return Manifest(
            version=versions.next_name(),
            agent=agent,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            made_by=MADE_BY,
            parent=versions.alias().champion,
            config=self.config.model_dump(),
            skills={SKILL: SkillRecord(type=self._kind.name, answering=saved_settings, models={need.name: record})},
        )


def _task_named(name: str) -> Task[Any, Any]:
    known = [task.name for task in tasks().loaded()[0] if task.reads in TUNED]
    if name in known:
        task: Task[Any, Any] = tasks()[name]
        return task
    hint = " It tunes no transformers model: learn it in a project." if name in tasks() else did_you_mean(name, known)
    raise ConfigError(f"Expected a task among {', '.join(known)}; found {name!r}.{hint}")


def _kind_for(task: str) -> SkillKind[Any]:
    """The kind of skill that answers with a model of this task alone."""
    name = next((kind.name for kind in skills().loaded()[0] if kind.answers_with == task), FALLBACK)
    kind: SkillKind[Any] = skills().find(name)
    return kind


def _place(need: Need) -> str:
    return f"models/{SKILL}/{need.name}"


def _saved(folder: Path) -> OpenVersion:
    versions = Versions(folder)
    if not versions.names():
        raise ProjectNotFound(f"Expected a folder that `AutoGen.save` wrote, found none in {folder.resolve()}.")
    name = versions.champion()
    manifest = versions.manifest(name)
    check_files(versions.folder / name, manifest)
    return OpenVersion(versions.folder / name, manifest)


def _rows(texts: str | Iterable[str], pairs: str | Iterable[str] | None) -> list[Row]:
    """Raises DataError where there is not a second text for each, or one is no text."""
    listed = _as_list(texts)
    if pairs is None:
        return [Row({"text": text}, "texts", at) for at, text in enumerate(listed, start=1)]
    seconds = _as_list(pairs)
    if len(seconds) != len(listed):
        raise DataError(f"Expected a second text for each of {len(listed)}, found {len(seconds)}.")
    both = zip(listed, seconds, strict=True)
    return [Row({"text": text, "text_pair": pair}, "texts", at) for at, (text, pair) in enumerate(both, start=1)]


def _as_list(texts: str | Iterable[str]) -> list[str]:
    """Raises DataError naming the first that is no text."""
    if not isinstance(texts, Iterable):
        raise DataError(f"Expected a text or several, found {type(texts).__name__}.")
    listed = [texts] if isinstance(texts, str) else list(texts)
    for number, text in enumerate(listed, start=1):
        if not isinstance(text, str) or not text.strip():
            description = "an empty text" if isinstance(text, str) else type(text).__name__
            raise DataError(f"Text {number} of {len(listed)}: expected a text, found {description}.")
    return listed
