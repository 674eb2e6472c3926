from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autogen.config.training import TrainingSettings
from autogen.data.fingerprints import row_fingerprint
from autogen.progress import TrainingProgress
from autogen.tasks.task import CrossFitted, Job, Need, Start
from autogen.tasks.text_classification import TASK
from autogen.tasks.text_classification.learning import cross_fit as module
from autogen.tasks.text_classification.learning.cross_fit import CrossFit, vote
from autogen.tasks.text_classification.learning.learner import LEARNER
from autogen.tasks.text_classification.rows import LabelledRows, LabelledText, LearningData
from autogen.tasks.text_classification.settings import ClassificationOptions
from tests.tiny import rows

LABELS = ("card", "loan", "fee")
OLDER = [LabelledText(f"{label} {number}", label) for label in LABELS for number in range(15)]


def learning_data(examples: list[LabelledText]) -> LearningData:
    return LearningData(LabelledRows(tuple(examples), ()), LabelledRows(), "")


def cross_fit(batch: list[LabelledText], replaced: int = 0) -> CrossFit | None:
    """The batch joins the older rows, in place of the first of them."""
    learnt = frozenset(row_fingerprint(example.text) for example in OLDER)
    return CrossFit.of_batch(learning_data([*OLDER[replaced:], *batch]), learning_data(OLDER), learnt)


def embeddings(fit: CrossFit) -> np.ndarray:
    """A text lies near the direction of the label that its words say, whatever label it is given."""
    chance = np.random.default_rng(0)
    at = [LABELS.index(example.text.split()[0]) for example in fit.examples]
    return (np.eye(16)[at] + 0.2 * chance.standard_normal((len(at), 16))).astype(np.float32)


def losses(batch: list[LabelledText]) -> dict[str, int]:
    """How many older rows of each label are answered rightly without the batch and wrongly with it."""
    fit = cross_fit(batch)
    assert fit is not None
    without, joined = fit.scores(embeddings(fit))
    assert without.rows == joined.rows and without.right.mean() > 0.9
    lost = without.right & ~joined.right
    return {label: int(lost[np.array(joined.groups) == label].sum()) for label in LABELS}


def test_right_rows_of_one_label_take_nothing_from_the_others() -> None:
    assert losses([LabelledText(f"card new {number}", "card") for number in range(40)]) == dict.fromkeys(LABELS, 0)


def test_rows_that_call_one_label_another_are_seen_at_the_label_whose_rows_they_take() -> None:
    lost = losses([LabelledText(f"card new {number}", "loan") for number in range(40)])
    assert lost["card"] >= 12 and lost["loan"] == lost["fee"] == 0


def test_without_new_rows_there_is_nothing_to_tell_nor_with_few_older_ones() -> None:
    assert cross_fit([]) is None
    learnt = frozenset({row_fingerprint(OLDER[0].text)})
    assert CrossFit.of_batch(learning_data(OLDER), learning_data(OLDER), learnt) is None


def test_of_a_great_many_rows_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = [LabelledText("card new", "card")]
    assert cross_fit(batch) is not None
    monkeypatch.setattr(module, "MOST_LEARNT", len(OLDER))
    assert cross_fit(batch) is None


def test_a_row_that_the_batch_corrects_is_learnt_as_it_says_and_measured_by_neither() -> None:
    corrected = LabelledText(OLDER[0].text, "loan")
    fit = cross_fit([corrected], replaced=1)
    assert fit is not None
    measured = {fit.examples[at] for at in fit.measured}
    assert OLDER[0] not in measured and corrected not in measured and len(measured) == len(OLDER) - 1
    older, joined = ({fit.examples[at] for at in places} for places in (fit.older, fit.joined))
    assert OLDER[0] in older - joined and corrected in joined - older


def test_a_row_is_answered_by_its_nearest_learnt_neighbours() -> None:
    similarities = np.array([[0.9, 0.8, 0.1], [0.1, 0.2, 0.9]], np.float32)
    gold = np.array([0, 1, 2])
    assert vote(similarities, gold, [0, 1, 2]).tolist() == [0, 2]
    assert vote(similarities, gold, [1, 2]).tolist() == [1, 2]


def fit_job(folder: Path, base_model: str, examples: list[LabelledText]) -> Job:
    need = Need("intent", TASK.name, base_model, {}, {}, TrainingSettings(precision="fp32"), ClassificationOptions())
    return Job(learning_data(examples), need, Start(base_model), folder / "model", folder / "state", folder / "cache")


def test_the_learner_cross_fits_by_the_base_model_s_embeddings(tmp_path: Path, tiny_base_model: Path) -> None:
    older = [LabelledText(*row) for row in rows(15, seed=1)]
    batch = [LabelledText(text, "top_up") for text, label in rows(40, seed=2) if label == "lost_card"]
    learnt = frozenset(row_fingerprint(example.text) for example in older)
    assert isinstance(LEARNER, CrossFitted)
    job = fit_job(tmp_path, str(tiny_base_model), [*older, *batch])
    scores = LEARNER.cross_fit(job, learning_data(older), learnt, TrainingProgress(quiet=True))
    assert scores is not None
    of_cards = [part.where(np.array([label == "lost_card" for label in part.groups])) for part in scores]
    assert of_cards[0].rows == of_cards[1].rows and of_cards[1].right.sum() < of_cards[0].right.sum()


def test_where_the_base_model_is_gone_it_is_said_and_nothing_is_cross_fitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learnt = frozenset(row_fingerprint(example.text) for example in OLDER)
    job = fit_job(tmp_path, str(tmp_path / "gone"), [*OLDER, LabelledText("card new", "card")])
    assert LEARNER.cross_fit(job, learning_data(OLDER), learnt, TrainingProgress()) is None
    assert "older rows are not cross-fitted" in capsys.readouterr().err
