from __future__ import annotations

import json

import numpy as np
import pytest

from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.detector import OutlierDetector

DETECTOR = OutlierDetector((2.0, -1.0), 0.5, slope=2.0, middle=3.0)
LOGITS = np.array([[4.0, 0.0], [4.0, 0.0]], np.float32)
EMBEDDINGS = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)  # towards what is known, and away from it


def test_a_score_is_the_largest_logit_and_what_the_direction_adds() -> None:
    assert DETECTOR.scores(LOGITS, EMBEDDINGS) == pytest.approx([6.5, 3.5])
    assert OutlierDetector((), 0.5).scores(LOGITS, EMBEDDINGS) == pytest.approx([4.0, 4.0])


def test_far_from_what_is_known_a_text_is_declined_and_its_confidence_falls() -> None:
    task = TextClassification(("a", "b"), threshold=4.0, detector=DETECTOR)
    near, far = task.decode(LOGITS, embeddings=EMBEDDINGS)
    assert (near.decided, far.decided) == ("a", "oos")
    plain = TextClassification(("a", "b")).decode(LOGITS)[0].confidence
    assert near.confidence == pytest.approx(plain * DETECTOR.in_scope_probability(np.array([6.5]))[0])
    assert far.confidence < 0.75 * plain and far.ranking[0][1] == far.confidence


def test_a_threshold_set_by_hand_is_on_the_largest_logit_alone() -> None:
    task = TextClassification(("a", "b"), threshold=4.0, detector=DETECTOR).by_largest_logit(4.5)
    assert [prediction.in_scope for prediction in task.decode(LOGITS)] == [False, False]


def test_a_task_is_kept_and_read_again_and_one_without_a_detector_has_no_such_key() -> None:
    task = TextClassification(("a", "b"), 2.0, 4.0, DETECTOR)
    assert TextClassification.from_json(json.loads(json.dumps(task.to_json()))) == task
    before = {"labels": ["a", "b"], "temperature": 2.0, "threshold": 4.0}
    assert TextClassification.from_json(before).to_json() == before


def test_embeddings_are_asked_for_where_they_are_needed() -> None:
    with pytest.raises(ValueError, match="Expected embeddings"):
        TextClassification(("a", "b"), detector=DETECTOR).decode(LOGITS)
