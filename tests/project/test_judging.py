"""What the gate is told of a candidate."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from autogen import Project
from autogen.agents.loading import load_skills
from autogen.progress import TrainingProgress
from autogen.project.judging import changed_answers
from autogen.versions.manifest import SkillRecord
from tests.tiny import rows, write_csv


def record(**answering: Any) -> SkillRecord:
    return SkillRecord(type="recommendation", answering=answering, models={})


def test_a_changed_text_is_a_changed_answer_and_a_changed_number_is_none() -> None:
    champion = record(decline_text="no", block=["a"], margin=0.1)
    assert changed_answers(champion, record(decline_text="sorry", block=["a"], margin=0.2)) == ("decline_text",)
    assert changed_answers(champion, record(decline_text="no", block=[], margin=0.1)) == ("block",)
    assert changed_answers(champion, champion) == ()


def test_a_setting_that_an_older_version_did_not_know_and_where_an_index_lies_are_no_answers() -> None:
    champion = record(decline_text="no")
    candidate = record(decline_text="no", index="embedded", new="text")
    assert changed_answers(champion, candidate) == ()
    assert changed_answers(candidate, record(decline_text="no", index="postgresql://host/shop", new="text")) == ()


def test_a_version_s_skills_are_loaded_once_while_its_candidate_is_made_and_judged(project: Path) -> None:
    """The champion's and the candidate's, though they sort feedback, are measured and are judged."""
    opened_project, folders = Project.open(project), list[str]()
    opened_project.import_feedback(write_csv(project / "more.csv", rows(3, seed=71)))

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is load_skills.__code__:
            folders.append(frame.f_locals["folder"].name)

    sys.setprofile(watch)
    try:
        manifest = opened_project.improve(TrainingProgress(quiet=True))
    finally:
        sys.setprofile(None)
    assert manifest.verdict is not None and len(manifest.verdict["checks"]) > 5
    assert len(folders) == 2 and folders[0] == "0001" and folders[1] != "0001"
