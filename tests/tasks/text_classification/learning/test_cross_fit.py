from __future__ import annotations

import numpy as np

from autogen.data.fingerprints import row_fingerprint
from autogen.tasks.text_classification.learning.cross_fit import CrossFit, vote
from autogen.tasks.text_classification.rows import LabelledRows, LabelledText, LearningData

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
