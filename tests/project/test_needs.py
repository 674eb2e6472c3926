"""Every need of a skill is checked, learnt, measured, reported and judged, by the settings that are its own."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autogen import Project, plugins
from autogen.errors import ConfigError
from autogen.progress import TrainingProgress
from autogen.project.judging import protected_rows
from autogen.project.needs import needs_of
from tests.cli.process import called
from tests.tiny import rows, write_csv, write_tiny_project

QUIET = TrainingProgress(quiet=True)
URGENT = {"lost_card": "high", "card_arrival": "low", "exchange_rate": "low", "top_up": "high"}
GATE = "[gate]\nlatency_ratio = 100.0  # a test may share the processor\n"


@pytest.fixture(scope="module", autouse=True)
def _triage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The skill's package lies on the path, with its entry point, as pip leaves it; also for processes of their own."""
    folder = tmp_path_factory.mktemp("site-packages")
    info = folder / "triage-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: triage\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[autogen.skills]\ntriage = tests.project.triage:SKILL\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", f"{folder}:{Path(__file__).parents[2]}", prepend=":")
        plugins.skills.cache_clear()
        yield
    plugins.skills.cache_clear()


def write_rows(path: Path, labelled: list[tuple[str, str]], urgent: dict[str, str] = URGENT) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows_with_urgency = [(text, label, urgent[label]) for text, label in labelled]
        csv.writer(file, lineterminator="\n").writerows([("text", "label", "urgency"), *rows_with_urgency])


def write_project(folder: Path, base_model: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    every = rows(40, seed=1)
    write_rows(folder / "data/train.csv", [row for at, row in enumerate(every) if at % 2])
    write_rows(folder / "data/eval.csv", [row for at, row in enumerate(every) if not at % 2])
    (folder / "agent.toml").write_text(
        f"""[agent]
name = "desk"
base_model = "{base_model}"
[skills.desk]
type = "triage"
train = "data/train.csv"
eval = "data/eval.csv"
[skills.desk.training]
epochs = 6
learning_rate = 5e-3
freeze_embeddings = false
[skills.desk.training.urgency]
epochs = 4
{GATE}""",
        "utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def trained_desk(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    folder = write_project(tmp_path_factory.mktemp("desk") / "project", tiny_base_model)
    Project.open(folder).train(progress=QUIET)
    return folder


@pytest.fixture
def desk(trained_desk: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_desk, tmp_path / "desk"))


def change(project: Path, before: str, after: str) -> None:
    path = project / "agent.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def test_a_need_s_own_training_settings_go_before_those_of_its_skill(desk: Path) -> None:
    topic, urgency = (need.need.training for need in needs_of(Project.open(desk).config))
    assert (topic.epochs, urgency.epochs) == (6, 4)
    assert topic.learning_rate == urgency.learning_rate == 5e-3
    models = Project.open(desk).versions.manifest("0001").skills["desk"].models
    assert {name: model.training["recipe"]["epochs"] for name, model in models.items()} == {"topic": 6, "urgency": 4}


def test_an_unknown_need_is_an_error_that_names_those_there_are(desk: Path) -> None:
    change(desk, "training.urgency", "training.urgent")
    with pytest.raises(ConfigError, match=r"\[skills\.desk\.training\].*\(topic, urgency\).*Did you mean") as raised:
        Project.open(desk)
    assert "[skills.desk.training.urgent]" in str(raised.value)


def test_a_wrong_setting_of_a_need_is_named_with_its_table(desk: Path) -> None:
    change(desk, "epochs = 4", "epoch = 4")
    with pytest.raises(ConfigError, match=r"training\.urgency\].*`epoch`"):
        Project.open(desk)


def test_check_says_of_every_need_what_it_would_learn_and_how(desk: Path) -> None:
    result = called("check", "-p", desk, "--json")
    skill_report = result.json["skills"]["desk"]
    assert {need: [*data["labels"]] for need, data in skill_report["needs"].items()} == {
        "topic": ["card_arrival", "exchange_rate", "lost_card", "top_up"],
        "urgency": ["high", "low"],
    }
    assert "epochs = 6" in skill_report["recipe"] and "epochs = 4" in skill_report["recipe"]
    shown = called("check", "-p", desk)
    assert "desk/topic: rows per label" in shown.out and "desk/urgency: rows per label" in shown.out
    (desk / "data/train.csv").write_text("text,label\nhello,lost_card\n", "utf-8")
    (check,) = Project.open(desk).check()
    missing = [problem for problem in check.errors if problem.kind == "missing-column"]
    assert len(missing) == 1 and '"urgency"' in missing[0].message


def test_every_need_is_measured_and_what_they_share_by_name_is_told_apart(desk: Path) -> None:
    opened_project = Project.open(desk)
    skill_evaluation = opened_project.evaluate().skills["desk"]
    accuracy = {name: evaluation.metrics["accuracy"] for name, evaluation in skill_evaluation.needs.items()}
    assert {"topic", "urgency"} == accuracy.keys()
    assert {name: skill_evaluation.metrics[f"{name}_accuracy"] for name in accuracy} == accuracy
    assert "accuracy" not in skill_evaluation.metrics
    values = called("evaluate", "-p", desk, "--json").json["skills"]["desk"]
    assert (
        values["metrics"] == skill_evaluation.metrics
        and values["needs"]["urgency"]["metrics"]["accuracy"] == accuracy["urgency"]
    )
    record = opened_project.versions.manifest("0001").skills["desk"]
    assert record.metrics == skill_evaluation.metrics


def test_a_file_measures_the_needs_whose_columns_it_has(desk: Path) -> None:
    file = write_csv(desk / "more.csv", [("the card is stolen gone", "lost_card")])
    skill_report = Project.open(desk).evaluate(str(file)).skills["desk"]
    assert [*skill_report.needs] == ["topic"] and skill_report.needs["topic"].rows == 1
    assert "accuracy" in skill_report.metrics


def test_every_need_is_reported_with_pictures_of_its_own(desk: Path) -> None:
    opened_project = Project.open(desk)
    evaluation = opened_project.evaluate()
    assert [part.name for part in opened_project.report(evaluation).parts] == ["desk/topic", "desk/urgency"]
    page = opened_project.write_report(evaluation)
    assert {"desk-topic-confusion.png", "desk-urgency-confusion.png"} <= {path.name for path in page.parent.iterdir()}
    assert "Skill desk/urgency" in page.read_text("utf-8")
    assert "0001 (champion)" in opened_project._repr_html_()


def test_a_skill_answers_rows_with_what_all_its_needs_say(desk: Path) -> None:
    assert Project.open(desk).predict(str(desk / "data/eval.csv"), desk / "out.csv") == 80
    with (desk / "out.csv").open(encoding="utf-8") as file:
        right = [(row["topic"] == row["label"], row["urgency"] in ("high", "low")) for row in csv.DictReader(file)]
    assert sum(topic for topic, _ in right) > 40 and all(urgency for _, urgency in right)


def test_a_candidate_that_is_worse_at_its_second_need_is_refused_by_name(desk: Path) -> None:
    every = rows(40, seed=1)
    swapped = {label: "low" if urgent == "high" else "high" for label, urgent in URGENT.items()}
    write_rows(desk / "data/train.csv", [row for at, row in enumerate(every) if at % 2], swapped)
    candidate = Project.open(desk).train(progress=QUIET)
    assert candidate.verdict is not None
    checks = {check["name"]: check["passed"] for check in candidate.verdict["checks"]}
    assert checks["desk/topic: not inferior, overall"] and not checks["desk/urgency: not inferior, overall"]
    assert not candidate.passed
    assert "desk/urgency: overall: " in candidate.verdict["summary"]
    failed = {name for name, passed in checks.items() if not passed and name.startswith("desk/topic")}
    assert failed == {"desk/topic: better at something"}, "neither need is"


def test_deep_check_looks_at_every_need(desk: Path) -> None:
    assert [*Project.open(desk).deep_check(QUIET)] == ["desk/topic", "desk/urgency"]
    deep = called("check", "-p", desk, "--deep", "--json").json["skills"]["desk"]["deep"]
    assert [*deep] == ["topic", "urgency"] and deep["topic"]["rows"] == deep["urgency"]["rows"]


TWO = """
[skills.loans]
type = "customer-service"
base_model = "{base_model}"
train = "data/loans.csv"
eval = "data/loans-eval.csv"
columns = {{text = "utterance", label = "intent"}}
[skills.loans.training]
epochs = 2
learning_rate = 5e-3
[gate]
latency_ratio = 100.0
protected = ["data/protected.csv", "data/loans-protected.csv"]
"""


@pytest.fixture(scope="module")
def trained_bank(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """Two skills, each with columns and a base model of its own."""
    folder = tmp_path_factory.mktemp("bank")
    other = Path(shutil.copytree(tiny_base_model, folder / "other-bert"))
    project = write_tiny_project(folder / "project", tiny_base_model)
    header = ("utterance", "intent")
    write_csv(project / "data/loans.csv", [(text, f"loan_{label}") for text, label in rows(20, seed=5)], header)
    write_csv(project / "data/loans-eval.csv", [(text, f"loan_{label}") for text, label in rows(15, seed=6)], header)
    write_csv(project / "data/protected.csv", [("my card was stolen", "lost_card")])
    write_csv(project / "data/loans-protected.csv", [("swap euro for yen now", "loan_exchange_rate")], header)
    with (project / "agent.toml").open("a", encoding="utf-8") as file:
        file.write(TWO.format(base_model=other))
    Project.open(project).train(progress=QUIET)
    return project


@pytest.fixture
def bank(trained_bank: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_bank, tmp_path / "bank"))


def test_a_skill_has_a_base_model_of_its_own(bank: Path, tiny_base_model: Path) -> None:
    opened_project = Project.open(bank)
    support, loans = (need.need.base_model for need in needs_of(opened_project.config))
    assert support == str(tiny_base_model) and Path(loans).name == "other-bert"
    assert (opened_project.model("support").base_model, opened_project.model("loans").base_model) == (support, loans)
    assert opened_project.report().facts["base model"] == f"{support}, {loans}"
    change(bank, loans, str(bank / "gone"))
    assert [(check.skill, [problem.kind for problem in check.errors]) for check in Project.open(bank).check()] == [
        ("support", []),
        ("loans", ["base-model"]),
    ]


def test_protected_rows_are_read_with_the_columns_of_the_skill_that_they_are_for(bank: Path) -> None:
    config = Project.open(bank).config
    rows_by_need, problems = protected_rows(bank, config, needs_of(config))
    assert problems == []
    texts = {skill: [rows_.all_eval.texts for rows_ in data] for (skill, _), data in rows_by_need.items()}
    assert texts == {"support": [["my card was stolen"]], "loans": [["swap euro for yen now"]]}


def test_a_protected_file_that_fits_no_skill_is_an_error_of_the_nearest(bank: Path) -> None:
    write_csv(bank / "data/protected.csv", [("swap euro", "loan_exchange_rate")], ("utterance", "topic"))
    config = Project.open(bank).config
    (problem,) = protected_rows(bank, config, needs_of(config))[1]
    assert problem.kind == "missing-column" and '"intent"' in problem.message
    assert problem in Project.open(bank).check()[0].errors


def test_each_skill_is_asked_the_protected_rows_that_are_its_own(bank: Path) -> None:
    write_csv(bank / "data/loans-protected.csv", [("swap euro for yen now", "loan_top_up")], ("utterance", "intent"))
    candidate = Project.open(bank).train(progress=QUIET)
    assert candidate.verdict is not None
    checks = {check["name"]: check["finding"] for check in candidate.verdict["checks"]}
    assert checks["support: protected rows"] == "all 1 protected rows right"
    assert checks["loans: protected rows"] == "1 of 1 protected rows wrong"
    assert not candidate.passed
