from __future__ import annotations

from pathlib import Path

from autogen import Project
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.recommendation.report import against_plain, drawings, readings

METRICS = {"ndcg_at_10": 0.19, "hit_rate_at_10": 0.29, "coverage_at_10": 0.09}
INTERVALS = {"ndcg_at_10": (0.18, 0.2)}
PLAIN = {"most popular this week": {"ndcg_at_10": 0.15, "hit_rate_at_10": 0.25}}


def test_a_version_stands_beside_plain_methods_with_its_intervals() -> None:
    (axes,) = against_plain(METRICS, INTERVALS, PLAIN).axes
    assert [bar.get_height() for bar in axes.patches] == [0.19, 0.29, 0.09, 0.15, 0.25, 0.0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["this version", *PLAIN]


def test_the_reading_that_answers_stands_out() -> None:
    (axes,) = readings({"trend": 0.17, "trend + linear": 0.19}).axes
    colours = [bar.get_facecolor() for bar in axes.patches]
    assert colours[0] != colours[1]


def test_without_anything_to_compare_there_is_nothing_to_draw() -> None:
    assert list(drawings(Evaluation(METRICS, 100, "these rows", INTERVALS), {})) == []


def test_the_report_of_a_recommender_has_its_pictures(shop: Path) -> None:
    project = Project.open(shop)
    page = project.write_report(project.evaluate())
    assert {path.stem for path in page.parent.rglob("*.png")} >= {"films-against-plain", "films-readings"}
    text = page.read_text("utf-8")
    assert "Which readings answer" in text
    assert "No rows to draw" not in text
