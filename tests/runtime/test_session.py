from __future__ import annotations

import os
from pathlib import Path

import pytest

from autogen.errors import VersionDamaged
from autogen.runtime.session import MODEL_FILE, ExportedModel, default_threads


def test_the_threads_asked_for_in_the_environment_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGEN_THREADS", "7")
    assert default_threads() == 7


@pytest.mark.parametrize("setting", [None, "", "0", "-2", "many"])
def test_without_a_number_there_are_as_many_threads_as_processors_but_four_at_most(
    monkeypatch: pytest.MonkeyPatch, setting: str | None
) -> None:
    monkeypatch.delenv("AUTOGEN_THREADS", raising=False)
    if setting is not None:
        monkeypatch.setenv("AUTOGEN_THREADS", setting)
    assert 1 <= default_threads() <= min(4, os.cpu_count() or 1)


def test_a_file_that_is_no_graph_or_is_not_there_is_damage_and_named(tmp_path: Path) -> None:
    path = tmp_path / MODEL_FILE
    with pytest.raises(VersionDamaged, match=MODEL_FILE):
        ExportedModel(path)
    path.write_bytes(b"not a graph")
    with pytest.raises(VersionDamaged, match=MODEL_FILE):
        ExportedModel(path)
