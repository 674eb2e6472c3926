"""What counts as a changed answer."""

from typing import Any

from autogen.project.judging import changed_answers
from autogen.versions.manifest import SkillRecord


def record(**answering: Any) -> SkillRecord:
    return SkillRecord(type="recommendation", answering=answering, models={})


def test_a_changed_text_is_a_changed_answer_and_a_changed_number_is_none() -> None:
    was = record(decline_text="no", block=["a"], margin=0.1)
    assert changed_answers(was, record(decline_text="sorry", block=["a"], margin=0.2)) == ("decline_text",)
    assert changed_answers(was, record(decline_text="no", block=[], margin=0.1)) == ("block",)
    assert changed_answers(was, was) == ()


def test_a_setting_that_an_older_version_did_not_know_and_where_an_index_lies_are_no_answers() -> None:
    was = record(decline_text="no")
    now = record(decline_text="no", index="embedded", new="text")
    assert changed_answers(was, now) == ()
    assert changed_answers(now, record(decline_text="no", index="postgresql://host/shop", new="text")) == ()
