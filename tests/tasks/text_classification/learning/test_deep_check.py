from __future__ import annotations

from pathlib import Path

import pytest

from autogen import Project
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.learning.deep_check import DeepReport
from tests.tiny import rows, write_csv


def checked(folder: Path) -> DeepReport:
    return Project.open(folder).deep_check(TrainingProgress(quiet=True))["support"]


def without_eval(folder: Path) -> Path:
    config = folder / "agent.toml"
    config.write_text(config.read_text("utf-8").replace('eval = "data/eval.csv"\n', ""), "utf-8")
    return folder


def test_changed_labels_are_found_with_their_place(untrained: Path) -> None:
    labelled = rows(40, seed=4)
    wrong = {5: "top_up", 50: "lost_card", 90: "exchange_rate"}
    write_csv(untrained / "data/train.csv", [(t, wrong.get(at, label)) for at, (t, label) in enumerate(labelled)])
    report = checked(untrained)
    by_row = {error.at.row - 2: error for error in report.label_errors if not error.at.held_out}
    assert len(wrong.keys() & by_row.keys()) >= 2  # an encoder of random weights sees much, not all
    for at in wrong.keys() & by_row.keys():
        assert (by_row[at].at.label, by_row[at].suggested) == (wrong[at], labelled[at][1])
        assert by_row[at].at.source.endswith("train.csv") and by_row[at].at.text == labelled[at][0]
    assert report.rows == 160 + 140 and report.seconds > 0


def test_out_of_scope_rows_are_in_no_confusable_pair_but_may_look_in_scope(untrained: Path) -> None:
    in_scope, out_of_scope = rows(60, seed=5), [row for row in rows(1, seed=6, oos=60) if row[1] == "oos"]
    hidden = [text for text, _ in rows(3, seed=8)]
    strange = [text for text, label in rows(1, seed=9, oos=6) if label == "oos"]
    changed = [*((text, "oos") for text in hidden), *((text, "top_up") for text in strange)]
    write_csv(untrained / "data/train.csv", [*in_scope, *out_of_scope, *changed])
    report = checked(untrained)
    assert not any("oos" in pair.labels for pair in report.confusable)
    scopes = {error.at.text: error.scope for error in report.label_errors}
    assert "looks in scope" in [scopes.get(text) for text in hidden]
    assert "looks out of scope" in [scopes.get(text) for text in strange]


def test_a_held_out_row_said_in_other_words_is_leakage(untrained: Path) -> None:
    labelled = rows(25, seed=4)
    text = labelled[0][0]
    write_csv(untrained / "data/train.csv", labelled)
    write_csv(untrained / "data/eval.csv", [(" ".join(reversed(text.split())), labelled[0][1]), *rows(5, seed=77)])
    leaks = [pair for pair in checked(untrained).leakage if pair.first.text == text]
    assert any(pair.second.held_out and pair.second.row == 2 and pair.same_label for pair in leaks)


@pytest.mark.parametrize("each", [1, 2, 3, 25])
def test_little_data_and_no_eval_file_are_enough(untrained: Path, each: int) -> None:
    write_csv(untrained / "data/train.csv", rows(each, seed=3))
    report = checked(without_eval(untrained))
    assert report.rows == 4 * each
    assert (report.learning_curve is None) == (each == 1)
    assert report.notes or each > 1


def test_pairs_of_texts_are_looked_at_together(untrained: Path) -> None:
    lines = ["text,text_pair,label", *(f"{t},and {t},{label}" for t, label in rows(10, seed=3))]
    (untrained / "data/train.csv").write_text("\n".join(lines), "utf-8")
    report = checked(without_eval(untrained))
    assert report.learning_curve is not None
    assert all("⇥" in pair.first.text for pair in report.near_duplicates)


def test_eval_labels_that_training_rows_lack_are_wrong_and_nothing_breaks(untrained: Path) -> None:
    """A warning from check, wrong rows for train and evaluate."""
    known = [row for row in rows(10, seed=9) if row[1] != "oos"]
    write_csv(untrained / "data/eval.csv", [*known, *((f"payback refund returned {n}", "refund") for n in range(40))])
    project = Project.open(untrained)
    (check,) = project.check()
    assert not check.errors and "unknown-label" in {problem.kind for problem in check.problems}
    assert checked(untrained).rows == 180
    manifest = project.train(progress=TrainingProgress(quiet=True))
    metrics = manifest.skills["support"].metrics
    assert metrics["accuracy"] <= 0.5
    assert project.evaluate().skills["support"].warnings
