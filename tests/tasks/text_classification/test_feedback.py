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
    joined = with_curated(data, curation)
    assert joined.unlabelled is not None
    assert joined.unlabelled.texts == ("when does it come",)
    assert (joined.unlabelled.labelled, joined.unlabelled.measured) == (1, 1)
    assert joined.train.examples == (LabelledText("my card is gone", "lost_card"),)
    assert joined.set_aside.texts == ["Where is it"]
