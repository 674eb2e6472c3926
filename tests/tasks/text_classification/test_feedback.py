from __future__ import annotations

from autogen.feedback.curation import CuratedExample, Curation
from autogen.tasks.text_classification.feedback import with_curated
from autogen.tasks.text_classification.rows import LabelledRows, LabelledText, LearningData
from autogen.tasks.text_classification.unlabelled import Unlabelled


def example(text: str) -> CuratedExample:
    return CuratedExample(text, "lost_card", ("fb",), ("anna",), True)


def test_a_text_that_feedback_has_labelled_is_unlabelled_no_more() -> None:
    texts = ("My card  is gone", "where is it", "when does it come")
    data = LearningData(LabelledRows(), LabelledRows(), "", unlabelled=Unlabelled(texts, 3))
    curation = Curation((example("my card is gone"),), (example("Where is it"),), (), (), (), {})
    data_with_feedback = with_curated(data, curation)
    assert data_with_feedback.unlabelled is not None
    assert data_with_feedback.unlabelled.texts == ("when does it come",)
    assert (data_with_feedback.unlabelled.labelled, data_with_feedback.unlabelled.measured) == (1, 1)
    assert data_with_feedback.train.examples == (LabelledText("my card is gone", "lost_card"),)
    assert data_with_feedback.eval_feedback.texts == ["Where is it"]
