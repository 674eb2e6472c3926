"""Reports, drawn and read again: whole, safe, and the same for two labels as for a thousand."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autogen import Project
from autogen.errors import UsageError
from autogen.reports.drawing import Picture, style
from autogen.reports.report import Report
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.reporting import part_of
from autogen.tasks.text_classification import TASK
from autogen.tasks.text_classification.answers import Answers, count_confusion
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.metrics import per_label
from autogen.tasks.text_classification.pictures import MOST_LABELS, confusion_matrix
from tests.reports.conftest import answered

HISTORY = [{"epoch": 1.0, "loss": 2.0}, {"epoch": 1.0, "eval_score": 0.8}, {"epoch": 2.0, "loss": 1.0}]
HOSTILE = '<script>alert("$x_{1}$")</script>{}'


def report(answers: Answers | None, history: Sequence[dict[str, float]] = HISTORY, name: str = "support") -> Report:
    metrics = TextClassification(()).metrics(answers.predictions, answers.labels) if answers else {}
    labels = per_label(answers.decided, answers.labels) if answers else {}
    rows = len(answers.labels) if answers else 0
    evaluation = Evaluation(metrics, rows, "these rows", per_label=labels, details=answers)
    part = part_of(TASK, name, evaluation, {"history": history, "recipe": {"epochs": 2}})
    return Report("bank", {"made": "today"}, [part], {"passed": True, "summary": "Accepted.", "checks": []})


@pytest.fixture(scope="module")
def bank_report() -> Report:
    return report(answered(5, 120, oos=20))


def pictures_of(bank_report: Report) -> dict[str, Picture]:
    return {picture.name: picture for picture in bank_report.pictures(bank_report.parts[0])}


class Reader(HTMLParser):
    """Counts what could run or be fetched, and checks that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [v or "" for n, v in attrs if n in ("src", "href", "xlink:href") or n.startswith("on")]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read_page(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    return reader


def test_a_page_holds_all_pictures_and_needs_no_other_file(bank_report: Report, tmp_path: Path) -> None:
    page = bank_report.save(tmp_path / "reports/0001")
    text = page.read_text("utf-8")
    reader = read_page(text)
    assert list(pictures_of(bank_report)) == ["training", "confusion", "reliability", "scores", "tradeoff", "labels"]
    assert reader.tags.count("svg") == 6
    assert all(link.startswith(("#", "data:")) for link in reader.fetched)
    assert "script" not in reader.tags and "default-src 'none'" in text
    names = {path.name for path in page.parent.glob("*.png")}
    assert names == {f"support-{name}.png" for name in pictures_of(bank_report)}
    assert [path.name for path in tmp_path.glob("reports/*")] == ["0001"], "no draft is left"


def test_a_need_of_a_skill_has_files_in_the_same_folder(tmp_path: Path) -> None:
    page = report(answered(3, 30), name="support/intent").save(tmp_path / "0001")
    assert "support-intent-confusion.png" in {path.name for path in page.parent.iterdir()}
    assert not [path for path in page.parent.iterdir() if path.is_dir()]


@pytest.mark.parametrize(("record", "said"), [({}, True), ({"cross_validated": True}, False)])
def test_rows_that_the_temperature_was_fitted_on_are_said_to_flatter(record: dict[str, bool], said: bool) -> None:
    answers = replace(answered(3, 60), calibrated_on=True)
    evaluation = Evaluation({}, 60, "these rows", details=answers)
    (drawing,) = (picture for picture in TASK.pictures(evaluation, record) if picture.name == "reliability")
    assert ("a little flattering" in drawing.caption) is said


def test_pictures_say_in_words_what_they_show(bank_report: Report) -> None:
    for picture in pictures_of(bank_report).values():
        svg = ElementTree.fromstring(picture.svg.replace("xlink:href", "href"))
        title = svg.find("{*}title")
        assert svg.get("role") == "img" and title is not None and title.text == picture.alt
        assert svg.get("aria-labelledby") == title.get("id")
        assert len(picture.alt) > 30


def test_ids_of_different_pictures_differ(bank_report: Report) -> None:
    ids = re.findall(r'\bid="([^"]+)"', bank_report.html())
    assert len(ids) == len({*ids})


def test_a_folder_that_holds_anything_but_a_report_is_left_alone(bank_report: Report, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    bank_report.save(folder)
    bank_report.save(folder)  # a report may be made anew
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="a folder of its own"):
        bank_report.save(mine)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


def test_labels_and_texts_are_never_markup_nor_mathematics(tmp_path: Path) -> None:
    answers = answered(3, 90, oos=10, names=HOSTILE)
    texts = ["<img src=x onerror=alert(1)> \ud800 \u202e evil" for _ in answers.texts]
    bank_report = report(Answers(texts, answers.labels, answers.predictions, answers.threshold))
    text = bank_report.save(tmp_path / "0001").read_text("utf-8")
    reader = read_page(text)
    assert not {"script", "img"} & {*reader.tags}
    assert "&lt;img src=x" in text and "\u202e" not in text
    assert "&lt;script&gt;alert" in text


@pytest.mark.parametrize(("labels", "rows"), [(2, 40), (30, 300), (77, 800), (1_000, 2_000)])
def test_a_matrix_is_legible_with_any_number_of_labels(labels: int, rows: int) -> None:
    answers = answered(labels, rows)
    matrix = count_confusion(answers.labels, answers.decided).most_confused(MOST_LABELS).clustered()
    with style():
        figure = confusion_matrix(matrix)
    width, height = figure.get_size_inches()
    names = figure.axes[0].get_xticklabels()
    assert 2 <= len(names) <= 40
    assert width / len(names) > 0.23 and height / len(names) > 0.23, "inches for each label"
    assert max(width, height) < 14 and min(name.get_fontsize() for name in names) >= 7


def test_a_perfect_model_and_one_without_rows_have_reports_too() -> None:
    perfect = answered(50, 100)
    assert count_confusion(perfect.decided, perfect.decided).most_confused(40).labels == ()
    assert list(pictures_of(report(None))) == ["training"]
    assert "No rows to draw" in report(None).html()


def test_without_matplotlib_the_page_has_its_tables_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("autogen.reports.drawing.find_spec", lambda _: None)
    monkeypatch.setattr("autogen.reports.report.can_draw", lambda: False)
    text = report(answered(3, 30)).html()
    assert "matplotlib is not installed" in text and "Hardest labels" in text and "<svg" not in text


def test_a_project_s_report_draws_what_the_exported_model_answers(project: Path) -> None:
    opened = Project.open(project)
    matrix = opened.evaluate()
    page = opened.write_report(matrix)
    assert page == project / ".autogen/reports/0001/index.html"
    assert f"{matrix.skills['support'].metrics['accuracy']:.1%}" in page.read_text("utf-8")
    assert "<svg" in opened.report(matrix)._repr_html_()
    assert "0001 (champion)" in opened._repr_html_()
    assert "accuracy" in matrix._repr_html_() and "accuracy" in opened.versions.manifest("1")._repr_html_()

    (project / "a b.csv").write_text("text,label\nlost stolen wallet,lost_card\n", "utf-8")
    remeasured = opened.evaluate(str(project / "a b.csv"))
    assert opened.write_report(remeasured).parent.name.startswith("0001-a-b.csv-")
    assert page.exists()
