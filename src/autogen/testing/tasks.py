"""`check_task`: whether a task is as AutoGen expects it, tried with a real fit."""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from autogen.config.settings import Settings
from autogen.config.training import TrainingSettings
from autogen.data.problems import Problem
from autogen.data.rows import Row
from autogen.errors import UsageError
from autogen.feedback.exchange import import_feedback
from autogen.feedback.memory import Memory
from autogen.plugins import learner_of, load
from autogen.progress import TrainingProgress
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.task import FeedbackOn, Fitted, Identity, Job, Need, Predicts, Reads, Start, Summary, Task
from autogen.testing.expectations import (
    HEAVY,
    METRIC,
    NAME,
    Rows,
    as_json,
    check_fields,
    check_import,
    check_metrics,
    check_tables,
    expect,
    is_pickled,
    place_of,
    run_alone,
)
from autogen.versions.scores import Statistic

SKILL = "checked"  # the name of the skill that feedback is on
DIGEST = r"[0-9a-f]{16}"
BAD_VALUES: tuple[object, ...] = (None, {"unexpected": [1]})


def check_task(
    task: Task[Any, Any],
    rows: Mapping[str, Rows],
    *,
    training: Mapping[str, object] | None = None,
    options: Mapping[str, object] | None = None,
    feedback: Rows = (),
    base_model: str = "",
    unmeasured: Sequence[str] = (),
) -> None:
    """Check a task by its contract, `autogen.tasks.task`, with a real fit.

    `rows`: good ones by role, "train" among them; with a few dozen a fit takes seconds. `training`, `options`: settings
    of the task's own types. `feedback`: rows as `autogen feedback import` takes them, some of which teach; one that
    corrects an eval row shows that it does not. `unmeasured`: metrics of the task that these rows cannot measure.

    Raises AssertionError at the first thing that is not as it should be.
    """
    check_declared(task)
    with tempfile.TemporaryDirectory(prefix="check-task-") as folder:
        spec = {
            "sources": {role: [f"{role}.jsonl"] for role in rows},
            "base_model": base_model,
            "training": dict(training or {}),
            "options": dict(options or {}),
        }
        check = _TaskCheck(task, Path(folder).resolve(), rows, spec)
        for role, role_rows in rows.items():
            check.write(f"{role}.jsonl", role_rows)
        data = check.check_reading()
        check.check_bad_rows(len(data.problems))
        check.check_rows_in_memory(data)
        check.check_unseen(data)
        model, fitted = check.check_fit(data)
        evaluation = check.check_evaluation(model, data, unmeasured)
        check.check_scores(model, data, evaluation)
        check.check_pictures(evaluation, fitted, data)
        check.check_feedback(model, data, feedback)
        check.check_answering()


def check_declared(task: Task[Any, Any]) -> None:
    """What a task says of itself, and that importing it does not import torch."""
    has_valid_name = isinstance(task.name, str) and re.fullmatch(NAME, task.name)
    expect(has_valid_name, f'expected a name such as "object-detection", found {task.name!r}', "Task.name")
    expect(task.reads in get_args(Reads), f"expected one of {get_args(Reads)}, found {task.reads!r}", "Task.reads")
    check_fields(task.fields, "Task.fields")
    expect("train" in task.roles, f'expected "train" among the roles, found {task.roles!r}', "Task.roles")
    for settings, base, contract in (
        (task.training, TrainingSettings, "training"),
        (task.options, Settings, "options"),
    ):
        expect(issubclass(settings, base), f"expected a {base.__name__}, found {settings!r}", f"Task.{contract}")
        settings()  # every key has a default
    metrics = task.metrics and all(re.fullmatch(METRIC, name) for name in task.metrics)
    expect(metrics, f"expected metrics such as macro_f1, found {task.metrics!r}", "Task.metrics")
    expect(callable(getattr(learner_of(task), "fit", None)), f"{task.learner} has no method fit", "Task.learner")
    check_import(place_of(task))


@dataclass(frozen=True)
class _TaskCheck:
    """One task, and a project folder with its rows. `spec`: of the need, as JSON."""

    task: Task[Any, Any]
    folder: Path
    rows: Mapping[str, Rows]
    spec: Mapping[str, Any]

    @property
    def need(self) -> Need:
        return _need(self.task, self.spec)

    def write(self, name: str, rows: Rows) -> str:
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (self.folder / name).write_text("".join(lines), "utf-8")
        return name

    def read_train(self, rows: Rows) -> Any:
        """The data with other train rows."""
        return self.read_file(self.write("other.jsonl", rows))

    def read_file(self, name: str) -> Any:
        return self.task.read(self.folder, replace(self.need, sources={**self.need.sources, "train": (name,)}))

    def check_reading(self) -> Any:
        """Good rows are data that is the same each time, in whatever order its rows are."""
        data = self.task.read(self.folder, self.need)
        errors = [str(problem) for problem in data.problems if problem.severity == "error"]
        expect(not errors, f"expected good rows, found errors in them: {errors}", "Task.read")
        identity, contract = data.identity(), "Identity"
        expect(isinstance(identity, Identity), f"expected an Identity, found {identity!r}", "TaskData.identity")
        expect(identity.train_rows and identity.eval_rows, f"expected train and eval rows, found {identity}", contract)
        digests = (identity.train, identity.eval, *identity.learnt, *identity.measured)
        wrong = [digest for digest in digests if not re.fullmatch(DIGEST, digest)]
        expect(not wrong, f"expected digests of sixteen hexadecimal digits, found {wrong[:3]}", contract)
        expect(
            self.task.read(self.folder, self.need).identity() == identity, "the same rows read twice differ", contract
        )
        train = self.rows["train"]
        same = self.read_train([*reversed(train)]).identity().train == identity.train
        expect(same, "expected one `train` digest whatever the order of the rows, found two", "Identity.train")
        differs = self.read_train(train[:-1]).identity().train != identity.train
        expect(differs, "expected another `train` digest without the last row, found the same", "Identity.train")
        summary = data.summary()
        expect(isinstance(summary, Summary), f"expected a Summary, found {summary!r}", "TaskData.summary")
        as_json(dict(summary.json), "the summary", "Summary.json")
        check_tables(summary.tables, "Summary.tables")
        plan = self.task.plan(data, self.need)
        expect(isinstance(plan, str), f"expected the plan in words, found {plan!r}", "Task.plan")
        return data

    def check_bad_rows(self, problems: int) -> None:
        """What is wrong with rows is a problem, and never an exception."""
        train = self.rows["train"]
        for field in self.task.fields.required:
            for value in BAD_VALUES:
                found_problems = self._problems(f"{field} = {value!r}", [*train, {**train[0], field: value}])
                expect(
                    len(found_problems) > problems,
                    f"expected a problem with {field} = {value!r}, found none new",
                    "Task.read",
                )
            rows = [{name: value for name, value in row.items() if name != field} for row in train]
            _expect_error(self._problems(f"no field {field}", rows), f"rows without {field}")
        _expect_error(self._problems("no rows", []), "an empty file")
        _expect_error(self.read_file("missing.jsonl").problems, "a file that is not there")

    def _problems(self, description: str, rows: Rows) -> Sequence[Problem]:
        try:
            found_problems: Sequence[Problem] = self.read_train(rows).problems
        except Exception as error:
            raise AssertionError(
                f"expected a problem for {description}, found {error!r} raised (see Task.read)"
            ) from error
        expect(
            all(isinstance(problem, Problem) for problem in found_problems),
            f"expected Problems, found {found_problems!r}",
            "TaskData.problems",
        )
        return found_problems

    def check_rows_in_memory(self, data: Any) -> None:
        """They are the same data as rows in files; a task that takes none says so."""
        typed_rows = {
            role: [Row(row, f"{role}.jsonl", at) for at, row in enumerate(role_rows, start=1)]
            for role, role_rows in self.rows.items()
        }
        try:
            identity = self.task.from_rows(typed_rows, self.need).identity()
        except UsageError:
            return
        expect(identity.train == data.identity().train, "rows in memory are other data than in files", "Task.from_rows")

    def check_unseen(self, data: Any) -> None:
        """What was learnt is not measured on, where train and eval rows can be the same."""
        identity = data.identity()
        if identity.learnt:
            learnt = frozenset(sorted(identity.measured)[:1])
            unseen = self.task.unseen(data, learnt).identity()
            valid = not unseen.measured & learnt and 0 < unseen.eval_rows < identity.eval_rows
            expect(valid, f"expected fewer eval rows without a learnt one, found {unseen.eval_rows}", "Task.unseen")
            expect(unseen.train == identity.train, "expected the same train rows, found others", "Task.unseen")

    def check_fit(self, data: Any) -> tuple[Any, Fitted]:
        """A fit gives a model that can be loaded; going on from it with fewer rows gives another."""
        fitted = self._fit("first", data, None)
        valid = isinstance(fitted, Fitted) and math.isfinite(fitted.parity) and fitted.parity >= 0
        expect(valid, f"expected Fitted, its parity a number from 0 on; found {fitted!r}", "Fitted.parity")
        check_metrics(fitted.metrics, "Fitted.metrics")
        as_json(dict(fitted.record), "the record of a fit", "Fitted.record")
        folder = self.folder / "first"
        pickled = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and is_pickled(path)]
        expect(not pickled, f"expected nothing pickled, found {pickled}", "Job.folder")
        model, reloaded = self.task.load(folder), self.task.load(folder)
        expect(model.folder == folder, f"expected {folder}, found {model.folder}", "TaskModel.folder")
        expect(
            isinstance(model.base_model, str), f"expected a name, found {model.base_model!r}", "TaskModel.base_model"
        )
        texts = all(isinstance(answer, str) for answer in model.answers)
        expect(texts, f"expected answers as texts, found {list(model.answers)[:3]}", "TaskModel.answers")
        expect(
            model.digest == reloaded.digest,
            "expected one digest of a model loaded twice, found two",
            "TaskModel.digest",
        )
        self._fit("second", self.read_train(self.rows["train"][:-1]), folder)
        other = self.task.load(self.folder / "second").digest
        expect(other != model.digest, "expected another digest of another model, found the same", "TaskModel.digest")
        return model, fitted

    def _fit(self, name: str, data: Any, before: Path | None) -> Fitted:
        job = Job(
            data=data,
            need=self.need,
            start=Start(self.need.base_model, self.folder, before),
            folder=self.folder / name,
            state=self.folder / f"{name}-state",
            cache=self.folder / "cache",
        )
        with TrainingProgress(quiet=True) as progress:
            return learner_of(self.task).fit(job, progress)

    def check_evaluation(self, model: Any, data: Any, unmeasured: Sequence[str]) -> Evaluation:
        """Metrics are flat and in 0–1, those that the task names among them."""
        evaluation = self.task.evaluate(model, data)
        expect(isinstance(evaluation, Evaluation), f"expected an Evaluation, found {evaluation!r}", "Task.evaluate")
        check_metrics(evaluation.metrics, "Evaluation.metrics")
        missing = {*self.task.metrics} - {*unmeasured} - {*evaluation.metrics}
        expect(
            not missing, f"expected the metrics {sorted(missing)} too, found {[*evaluation.metrics]}", "Task.metrics"
        )
        for name, (low, high) in evaluation.intervals.items():
            within = low <= evaluation.metrics.get(name, math.nan) <= high
            expect(within, f"expected {name} within its interval, found {low}–{high}", "Evaluation.intervals")
        as_json(evaluation.to_json(), "an evaluation", "Evaluation")
        self.write("measured.jsonl", self.rows.get("eval", self.rows["train"]))
        measured = self.task.with_rows(self.folder, self.need, "measured.jsonl", self.folder)
        check_metrics(self.task.evaluate(model, measured).metrics, "Task.with_rows")
        return evaluation

    def check_scores(self, model: Any, data: Any, evaluation: Evaluation) -> None:
        """Each row's scores, whose sum is the metric of that name."""
        all_scores, identity = self.task.scores(model, data), data.identity()
        expect(all_scores, "expected scores, found none", "Task.scores")
        for scores in all_scores:
            rows, contract = len(scores.rows), f"Scores, {scores.metric}"
            expect(rows and identity.measured >= {*scores.rows}, "expected fingerprints of eval rows", "Scores.rows")
            expect(scores.statistic in get_args(Statistic), f"found the statistic {scores.statistic!r}", contract)
            columns = 3 if scores.statistic == "ratio" else 2
            valid = scores.counts.shape == (rows, columns) and scores.counts.dtype == np.float64
            expect(
                valid,
                f"expected float64 ({rows}, {columns}), found {scores.counts.dtype} {scores.counts.shape}",
                contract,
            )
            for name in ("right", "beyond", "from_feedback"):
                flags = getattr(scores, name)
                valid = flags.shape == (rows,) and flags.dtype == np.bool_
                expect(valid, f"expected {rows} flags, found {flags.dtype} {flags.shape}", f"{contract}.{name}")
            expect(len(scores.groups) == rows, f"expected {rows} groups, found {len(scores.groups)}", contract)
            wrong = [name for name, counts in scores.by_group.items() if counts.shape != scores.counts.shape]
            expect(not wrong, f"expected counts of {scores.counts.shape} by group, found others of {wrong}", contract)
            check_metrics({scores.metric: scores.value}, "Scores.value")
            metric = evaluation.metrics.get(scores.metric, scores.value)
            is_same = math.isclose(metric, scores.value, abs_tol=1e-6)
            expect(is_same, f"expected {scores.metric} {metric} as evaluated, found {scores.value}", "Task.scores")

    def check_pictures(self, evaluation: Evaluation, fitted: Fitted, data: Any) -> None:
        """What people are shown can be rendered, from a record that was kept as JSON."""
        from autogen.reports.drawing import can_draw, render, style

        record = as_json(dict(fitted.record), "the record", "Fitted.record")
        sentence = self.task.how_trained(record, data.identity().train_rows)
        expect(isinstance(sentence, str) and sentence, f"expected a sentence, found {sentence!r}", "Task.how_trained")
        check_tables(tuple(self.task.tables(evaluation)), "Task.tables")
        if can_draw():
            with style():
                pictures = [render(drawing) for drawing in self.task.pictures(evaluation, record)]
            unnamed = [picture.name for picture in pictures if not (picture.title and picture.alt)]
            expect(not unnamed, f"expected a title and words for {unnamed}", "Task.pictures")

    def check_feedback(self, model: Any, data: Any, feedback: Rows) -> None:
        """Feedback joins; no eval row is ever learnt from; what was read stays as it was."""
        memory = Memory.open(self.folder)
        if feedback:
            import_feedback(memory.feedback, self.folder / self.write("feedback.jsonl", feedback), {}, [SKILL], SKILL)
        before, contract = data.identity(), "Task.with_feedback"
        without_feedback = self.task.with_feedback(data, FeedbackOn(memory, SKILL, only=frozenset()), model)
        expect(
            not without_feedback.feedback and without_feedback.identity() == before,
            "feedback joined that may not (`only`)",
            contract,
        )
        joined = self.task.with_feedback(data, FeedbackOn(memory, SKILL), model)
        known = {entry.id for entry in memory.feedback.all()}
        expect({*joined.feedback} <= known, f"expected ids of feedback, found {joined.feedback}", "TaskData.feedback")
        expect(
            not feedback or joined.feedback, "expected that some of the feedback joins, found that none does", contract
        )
        expect(data.identity() == before, "expected data that stays as it is, found it changed", "TaskData")
        after, leaked = joined.identity(), before.learnt & before.measured
        expect(after.measured >= before.measured, "expected all eval rows to stay, found that some are gone", contract)
        teaching_rows = (after.learnt & after.measured) - leaked
        expect(not teaching_rows, f"expected that no eval row teaches, found {len(teaching_rows)} that do", contract)

    def check_answering(self) -> None:
        """In another process the model is loaded and answers, and torch is not imported."""
        code = "from autogen.testing.tasks import answer_alone; answer_alone(*sys.argv[1:])"
        loaded = run_alone(code, place_of(self.task), str(self.folder), json.dumps(self.spec))
        expect(not loaded, f"expected answers without {', '.join(HEAVY)}, found {loaded} imported", "Task.load")


def answer_alone(place: str, folder: str, spec: str) -> None:
    """Load the model in `folder`/first, and ask it the eval rows. What runs in a process of its own."""
    task: Task[Any, Any] = load(place)
    need = _need(task, json.loads(spec))
    model, data = task.load(Path(folder) / "first"), task.read(Path(folder), need)
    questions: Sequence[Callable[[], object]] = task.timed(model, data)
    expect(questions, "expected questions to time, found none", "Task.timed")
    for question in questions[:3]:
        question()
    task.evaluate(model, data)
    if isinstance(model, Predicts):
        sources = need.source("train")
        rows = [Row(json.loads(line), sources[0], 1) for line in (Path(folder) / sources[0]).open(encoding="utf-8")][:3]
        answers = model.predict_rows(rows)
        valid = len(answers) == len(rows) and all(model.answer_column in answer for answer in answers)
        expect(valid, f"expected {model.answer_column!r} for each of {len(rows)} rows, found {answers}", "Predicts")
        as_json(answers, "answers", "Predicts.predict_rows")


def _need(task: Task[Any, Any], spec: Mapping[str, Any]) -> Need:
    return Need(
        name="need",
        task=task.name,
        base_model=spec["base_model"],
        sources={role: tuple(files) for role, files in spec["sources"].items()},
        columns={},
        training=task.training.model_validate(spec["training"]),
        options=task.options.model_validate(spec["options"]),
    )


def _expect_error(problems: Sequence[Problem], description: str) -> None:
    has_error = any(problem.severity == "error" for problem in problems)
    expect(
        has_error,
        f"expected an error among the problems of {description}, found {[str(problem) for problem in problems]}",
        "Task.read",
    )
