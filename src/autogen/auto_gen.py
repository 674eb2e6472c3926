"""`AutoGen`: one transformers model and its tokenizer, fine-tuned, measured, kept, and turned into an agent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autogen.agents.agent import Agent
from autogen.config.project import flat
from autogen.config.settings import CONFIG_NAME, RESERVED_LABEL
from autogen.config.training import TrainingSettings
from autogen.data.problems import Problem, raise_for
from autogen.data.quality.labels import check_labelled
from autogen.data.readers.files import rows_of
from autogen.errors import ConfigError, DataError, ProjectNotFound, UsageError, did_you_mean
from autogen.markup import joined, metrics_table, table
from autogen.models.sources import FromOwner, FromVersion, ModelSource
from autogen.progress import RunPlace, TrainingProgress
from autogen.reports.metrics import Metrics
from autogen.reports.report import Part, Report
from autogen.skills.customer_service.answering import INTENT, CustomerServiceType
from autogen.skills.customer_service.settings import CustomerServiceSettings
from autogen.storage.files import explained
from autogen.tasks.text_classification.answers import Answers
from autogen.tasks.text_classification.decoding import Prediction, TextClassification
from autogen.tasks.text_classification.learning.fine_tune import FineTuned, FineTuning, forget_state
from autogen.tasks.text_classification.metrics import per_label
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import (
    REQUIRED,
    LabelledRows,
    check_labelled_eval,
    fingerprint,
    labelled_rows,
    split,
)
from autogen.training.tracking import RUNS_FOLDER
from autogen.versions.manifest import Manifest, ModelRecord, SkillRecord, check_files
from autogen.versions.registry import Versions

TASK_NAMES = (TextClassification.name,)
SKILL = "main"
MODEL_FOLDER = f"models/{SKILL}/{INTENT}"

Data = Any  # a path, a list of dicts or tuples, a pandas or polars frame, or a datasets.Dataset


class AutoGen:
    """Fine-tune a model on labelled texts and answer with it.

    >>> auto_gen = AutoGen(model, tokenizer)
    >>> auto_gen.config.learning_rate = 2e-5
    >>> auto_gen.fit(train_data, dev_data, test_data)
    >>> auto_gen.evaluate(test_data)

    `model` is a transformers `...ForSequenceClassification`, or an encoder, which gets a head of ours. It is not
    changed itself: training works on a copy, and what is fitted answers through its exported form.
    """

    def __init__(self, model: Any, tokenizer: Any, task: str = "text-classification", *, quiet: bool = False) -> None:
        if task not in TASK_NAMES:
            raise ConfigError(
                f"Expected a task among {', '.join(TASK_NAMES)}; found {task!r}.{did_you_mean(task, TASK_NAMES)}"
            )
        if not hasattr(model, "config") or not hasattr(model, "save_pretrained"):
            raise ConfigError(f"Expected a transformers model, found {type(model).__name__}.")
        self._setup(FromOwner(model, tokenizer), task, quiet)

    def _setup(self, source: ModelSource, task: str, quiet: bool) -> None:
        self.task = task
        self.config = TrainingSettings()
        self.report: FineTuned | None = None
        self._source = source
        self._quiet = quiet
        self._home = tempfile.TemporaryDirectory(prefix="autogen-")  # removed with this object
        self._fitted: TunedModel | None = None
        self._folder = Path(self._home.name)
        self._train: tuple[int, str] = (0, "")
        self._held_out: tuple[int, str] = (0, "")
        self._seen, self._tested = LabelledRows(), False  # rows that `fit` was given to measure on

    def fit(self, train_data: Data, dev_data: Data | None = None, test_data: Data | None = None) -> AutoGen:
        """Fine-tune on `train_data`, choosing by `dev_data` (without it, rows are held out, or cross-validation is
        used), and report on `test_data`, which nothing is chosen by.

        Raises DataError listing every problem, TrainingFailed, ParityError, Interrupted.
        """
        train, held_out = self._learning_rows(train_data, dev_data)
        test = self._rows(test_data, "test_data") if test_data is not None else None
        if isinstance(self._source, FromOwner):
            self._source = self._source.for_labels({*train.labels} - {RESERVED_LABEL})
        folder = Path(tempfile.mkdtemp(dir=self._home.name))
        with TrainingProgress(self._quiet) as progress:
            job = FineTuning(
                train=train.examples,
                held_out=held_out.examples,
                settings=self.config,
                source=self._source,
                folder=folder / MODEL_FOLDER,
                state=folder / "state",
                log=RunPlace(folder / RUNS_FOLDER / SKILL / INTENT, folder / RUNS_FOLDER, "AutoGen"),
            )
            self.report = job.run(progress)
            forget_state(job.state)
            self._folder, self._fitted = folder, TunedModel.load(folder / MODEL_FOLDER)
            self._train = (len(train.examples), fingerprint(train.examples))
            self._held_out = (len(held_out.examples), fingerprint(held_out.examples))
            self._seen, self._tested = (held_out, False) if test is None else (test, True)
            if test is not None:
                found = self._measure(test)
                progress.say("test: " + ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
        return self

    def evaluate(self, test_data: Data) -> Metrics:
        """`accuracy`, `precision`, `recall`, `f1` (macro-averaged) and more, each in 0–1, of the exported model.

        A label that the model does not know counts as wrong. Raises DataError; UsageError before `fit`.
        """
        return self._measure(self._rows(test_data, "test_data"))

    def show(self, test_data: Data | None = None) -> Report:
        """Tables and pictures of what the exported model answers: Jupyter shows them, `.save(Path("report"))` writes
        them. On the data given to `fit` as `test_data`, or else `dev_data`, unless told. Raises DataError; UsageError
        before `fit`."""
        model = self._model()
        rows = self._seen if test_data is None else self._rows(test_data, "test_data")
        asked = bool(rows.rows)
        predictions = model.predict(rows.texts, _pairs(rows)) if asked else []
        part = Part(
            name=SKILL,
            source=f"{len(rows.rows)} rows" if asked else "rows out of fold" if self._cross_validated else "no rows",
            metrics=model.task.metrics(predictions, rows.labels) if asked or not self.report else self.report.metrics,
            per_label=per_label([found.decided for found in predictions], rows.labels) if asked else {},
            answers=Answers(rows.texts, rows.labels, predictions, model.task.threshold) if asked else None,
            training=asdict(replace(self.report, metrics={}, labels=())) if self.report else {},
            calibrated_on=test_data is None and not self._tested,
        )
        return Report(f"{model.card.base_model}, {self.task}", self._facts(), [part])

    def _facts(self) -> dict[str, str]:
        names = ", ".join(self.labels[:12]) + (", …" if len(self.labels) > 12 else "")
        return {"labels": f"{len(self.labels)}: {names}", "rows learnt from": f"{self._train[0]:,}"}

    def _repr_html_(self) -> str:
        """In Jupyter: what it is, what was set, what it has learnt."""
        settings = ", ".join(f"{name} = {value}" for name, value in flat(self.config.model_dump()).items())
        facts = {"task": self.task, "model": self._source.name, "settings": f"{settings}; the others by the data"}
        facts |= self._facts() if self._fitted else {"fitted": "not yet: call fit(train_data, dev_data)"}
        found = metrics_table(self.report.metrics, caption="When it was fitted") if self.report else ""
        return joined([table(("AutoGen", ""), list(facts.items())), found])

    def predict(self, texts: str | Iterable[str], pairs: str | Iterable[str] | None = None) -> Any:
        """The label of a text, or a list of labels for several (`oos` where none fits). `pairs`: the second text of
        each, for a model of text pairs."""
        return self._each(texts, pairs, lambda found: found.decided)

    def predict_proba(self, texts: str | Iterable[str], pairs: str | Iterable[str] | None = None) -> Any:
        """label → probability of a text, or a list of such mappings for several. `pairs`: see `predict`."""
        listed, seconds = _listed(texts), _seconds(texts, pairs)
        model = self._model()
        if not listed:
            return []
        rows = model.task.probabilities(model.logits(listed, seconds))
        found = [dict(zip(self.labels, map(float, row), strict=True)) for row in rows]
        return found[0] if isinstance(texts, str) else found

    @property
    def labels(self) -> tuple[str, ...]:
        return self._model().task.labels

    def save(self, folder: Path | str) -> Path:
        """Keep what was fitted as a new version in `folder`, and make it champion there; `AutoGen.load`, `Agent.load`
        and `autogen serve -p` read it. Raises StorageError."""
        from autogen.storage.files import learning_lock

        target = Path(folder)
        self._model()  # raises before anything is written, when nothing was fitted
        versions = Versions(target)
        if (target / CONFIG_NAME).exists():
            raise UsageError(f"{target} is a project: its versions pass a gate. Save to another folder.")
        with explained(target):
            target.mkdir(parents=True, exist_ok=True)
        with learning_lock(versions.state), versions.draft() as draft, explained(target):
            _copy_tree(self._folder / MODEL_FOLDER, draft / MODEL_FOLDER)
            published = versions.publish(draft, self._manifest(versions, target.resolve().name or "agent"))
            if (self._folder / RUNS_FOLDER).is_dir():
                _copy_tree(self._folder / RUNS_FOLDER, versions.state / RUNS_FOLDER / published.version)
        versions.promote(published.version)
        return versions.folder / published.version

    @classmethod
    def load(cls, folder: Path | str, *, quiet: bool = False) -> AutoGen:
        """What `save` kept: ready to predict, or to `fit` on from there. Raises ProjectNotFound, VersionDamaged."""
        versions = Versions(Path(folder))
        if not versions.names():
            raise ProjectNotFound(
                f"Expected a folder that `AutoGen.save` wrote, found none in {Path(folder).resolve()}."
            )
        name = versions.champion()
        manifest = versions.manifest(name)
        check_files(versions.folder / name, manifest)
        record = next(iter(manifest.skills.values())).models[INTENT]
        if record.folder != MODEL_FOLDER:
            raise UsageError(f"{folder} is a project's: open it with Project.open, or answer with Agent.load.")
        place = versions.folder / name / record.folder
        model = TunedModel.load(place)
        card = model.card
        loaded = cls.__new__(cls)
        source = FromVersion(place, card.base_model, model.task, card.max_length, card.pad_id, card.precision)
        loaded._setup(source, record.task, quiet)
        loaded._folder, loaded._fitted = versions.folder / name, model
        loaded._train = (record.train_rows, record.train_fingerprint)
        loaded._held_out = (record.held_out_rows, record.held_out_fingerprint)
        loaded.config = TrainingSettings.model_validate(manifest.config)
        return loaded

    def agent(self, folder: Path | str | None = None) -> Agent:
        """An agent that answers with what was fitted. Its conversations and feedback are kept in `folder`; without one,
        they are gone when this object is."""
        home = Path(folder) if folder is not None else Path(self._home.name) / "agent"
        self.save(home)
        agent = Agent.load(home)
        agent.keeps = self._home
        return agent

    @property
    def _cross_validated(self) -> bool:
        return self.report is not None and self.report.cross_validated

    def _model(self) -> TunedModel:
        if self._fitted is None:
            raise UsageError("Nothing has been fitted yet: call fit(train_data, dev_data) first.")
        return self._fitted

    def _each(self, texts: str | Iterable[str], pairs: str | Iterable[str] | None, take: Any) -> Any:
        listed = _listed(texts)
        found: Sequence[Prediction] = self._model().predict(listed, _seconds(listed, pairs))
        return take(found[0]) if isinstance(texts, str) else [take(one) for one in found]

    def _learning_rows(self, train_data: Data, dev_data: Data | None) -> tuple[LabelledRows, LabelledRows]:
        train, problems = self._read(train_data, "train_data")
        problems += check_labelled(train.texts, train.labels, train.rows)
        if dev_data is None:
            raise_for(problems)
            train, held_out, _ = split(train, self.config.seed)
            return train, held_out
        held_out, found = self._read(dev_data, "dev_data")
        raise_for([*problems, *found, *check_labelled_eval(train, held_out)])
        return train, held_out

    def _rows(self, data: Data, name: str) -> LabelledRows:
        rows, problems = self._read(data, name)
        raise_for(problems)
        if not rows.rows:
            raise DataError(f"{name}: expected labelled rows, found none.")
        return rows

    def _read(self, data: Data, name: str) -> tuple[LabelledRows, list[Problem]]:
        read, problems = rows_of(data, REQUIRED, name)
        labelled, found = labelled_rows(read, {})
        return labelled, [*problems, *found]

    def _measure(self, data: LabelledRows) -> Metrics:
        model = self._model()
        return Metrics(model.task.metrics(model.predict(data.texts, _pairs(data)), data.labels))

    def _manifest(self, versions: Versions, agent: str) -> Manifest:
        settings = CustomerServiceSettings(type="customer-service", train=["train_data"])
        record = ModelRecord(
            folder=MODEL_FOLDER,
            task=self.task,
            train_rows=self._train[0],
            train_fingerprint=self._train[1],
            held_out_rows=self._held_out[0],
            held_out_fingerprint=self._held_out[1],
            cross_validated=self._cross_validated,
            metrics=self.report.metrics if self.report else {},
            training={},
        )
        skill = SkillRecord(
            type=CustomerServiceType.name,
            answering=CustomerServiceType().answering(settings, Path()),
            models={INTENT: record},
        )
        return Manifest(
            version=versions.next_name(),
            agent=agent,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            made_by="AutoGen.save",
            parent=versions.alias().champion,
            config=self.config.model_dump(),
            skills={SKILL: skill},
        )


def _listed(texts: str | Iterable[str]) -> list[str]:
    """Raises DataError naming the first that is no text."""
    if not isinstance(texts, Iterable):
        raise DataError(f"Expected a text or several, found {type(texts).__name__}.")
    listed = [texts] if isinstance(texts, str) else list(texts)
    for number, text in enumerate(listed, start=1):
        if not isinstance(text, str) or not text.strip():
            found = "an empty text" if isinstance(text, str) else type(text).__name__
            raise DataError(f"Text {number} of {len(listed)}: expected a text, found {found}.")
    return listed


def _seconds(texts: str | Iterable[str], pairs: str | Iterable[str] | None) -> list[str] | None:
    """Raises DataError where there is not one for each text."""
    if pairs is None:
        return None
    seconds, count = _listed(pairs), len(_listed(texts))
    if len(seconds) != count:
        raise DataError(f"Expected a second text for each of {count}, found {len(seconds)}.")
    return seconds


def _pairs(data: LabelledRows) -> list[str] | None:
    pairs = [example.text_pair or "" for example in data.examples]
    return pairs if any(pairs) else None


def _copy_tree(source: Path, target: Path) -> None:
    import shutil

    shutil.copytree(source, target, dirs_exist_ok=True)
