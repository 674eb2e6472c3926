"""What is measured on, and what is left alone meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autogen import Project
from autogen.errors import VersionDamaged
from autogen.feedback.memory import DATABASE_FILE


def rewrite(project: Path, **changes: Any) -> None:
    """Say something else in the manifest of the only version."""
    path = project / ".autogen/versions/0001/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_to_measure_on_a_file_no_database_is_opened(project: Path) -> None:
    rewrite(project, feedback=["fb-1"])
    for path in (project / ".autogen").glob(f"{DATABASE_FILE}*"):
        path.unlink()
    Project.open(project).evaluate(str(project / "data/eval.csv"))
    assert not (project / ".autogen" / DATABASE_FILE).exists()
    Project.open(project).evaluate()
    assert (project / ".autogen" / DATABASE_FILE).exists(), "of its own rows some may be feedback"


def test_of_a_champion_that_cannot_be_read_no_label_is_unknown(project: Path) -> None:
    opened_project = Project.open(project)
    assert opened_project.unknown_labels() == ()
    skills = opened_project.versions.manifest("0001").model_dump()["skills"]
    skills["support"]["type"] = "unheard-of"
    rewrite(project, skills=skills)
    (project / "new.csv").write_text("text,label\nplease payback my money,refund\n", "utf-8")
    opened_project = Project.open(project)
    opened_project.import_feedback(project / "new.csv")
    assert opened_project.unknown_labels() == ()
    with pytest.raises(VersionDamaged, match="unheard-of"):
        opened_project.evaluate()
