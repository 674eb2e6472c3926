from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autogen.errors import ProjectNotFound, Refused, UnknownVersion, UsageError, VersionDamaged
from autogen.versions.manifest import MANIFEST_FILE
from autogen.versions.registry import Alias, Versions
from tests.versions.conftest import FAILED, PASSED, add, manifest


def test_reading_a_project_without_versions_writes_nothing(versions: Versions, tmp_path: Path) -> None:
    assert versions.names() == [] and versions.all() == [] and versions.alias() == Alias(None)
    with pytest.raises(ProjectNotFound, match="autogen train"):
        versions.champion()
    with pytest.raises(UnknownVersion, match="none yet"):
        versions.find("1")
    assert not list(tmp_path.iterdir())


def test_versions_are_numbered_from_one_on(versions: Versions) -> None:
    assert [add(versions) for _ in range(3)] == ["0001", "0002", "0003"]
    assert versions.names() == ["0001", "0002", "0003"]
    assert [manifest.version for manifest in versions.all()] == versions.names()


@pytest.mark.parametrize("name", ["2", "02", "0002"])
def test_a_version_is_found_by_its_number_however_it_is_written(versions: Versions, name: str) -> None:
    add(versions)
    add(versions)
    assert versions.find(name) == versions.manifest(name).version == "0002"


@pytest.mark.parametrize("name", ["3", "", "-1", "²", "latest", "../versions/0001", "0001/models"])
def test_a_version_that_there_is_not_is_refused_with_those_there_are(versions: Versions, name: str) -> None:
    add(versions)
    with pytest.raises(UnknownVersion, match="one of the versions 0001"):
        versions.find(name)


def test_a_number_is_not_used_again_after_its_champion_was_deleted(versions: Versions) -> None:
    for _ in range(2):
        versions.promote(add(versions))
    shutil.rmtree(versions.folder / "0002")
    assert versions.next_name() == "0003"


def test_a_version_whose_making_failed_leaves_nothing(versions: Versions) -> None:
    with pytest.raises(ZeroDivisionError), versions.draft() as draft:
        (draft / "model.onnx").write_bytes(b"half")
        raise ZeroDivisionError
    assert not draft.exists() and versions.names() == []


def test_what_a_killed_process_left_in_the_drafts_is_removed_by_the_next(versions: Versions) -> None:
    leftover = versions.state / "drafts" / "dead"
    leftover.mkdir(parents=True)
    (leftover / "model.onnx").write_bytes(b"half")
    add(versions)
    assert not leftover.exists() and versions.names() == ["0001"]


def test_promoting_and_rolling_back_are_moves_along_one_history(versions: Versions) -> None:
    for _ in range(3):
        versions.promote(add(versions, verdict=PASSED))
    assert versions.alias() == Alias("0003", ("0001", "0002"))
    assert versions.rollback() == ("0003", "0002")
    assert versions.rollback() == ("0002", "0001")
    with pytest.raises(UsageError, match="nothing was changed"):
        versions.rollback()
    assert versions.champion() == "0001"


def test_promoting_the_champion_again_changes_nothing(versions: Versions) -> None:
    versions.promote(add(versions))
    time_before = versions.alias_file.stat().st_mtime_ns
    assert versions.promote("1") == "0001"
    assert versions.alias() == Alias("0001") and versions.alias_file.stat().st_mtime_ns == time_before


def test_without_a_name_the_newest_that_passed_against_the_champion_is_promoted(versions: Versions) -> None:
    versions.promote(add(versions))
    add(versions, verdict=PASSED, parent="0001")
    add(versions, verdict=PASSED, parent="0001")
    add(versions, verdict=FAILED, parent="0001")
    assert versions.promote() == "0003"
    with pytest.raises(Refused, match="nothing to promote"):
        versions.promote()
    versions.rollback()
    assert versions.promote() == "0003"  # one rolled back included


def test_what_passed_against_another_champion_is_not_promoted_by_itself(versions: Versions) -> None:
    versions.promote(add(versions))
    for _ in range(2):
        add(versions, verdict=PASSED, parent="0001")
    versions.promote("2")
    with pytest.raises(Refused):
        versions.promote()
    add(versions, verdict=PASSED, parent="0002")
    assert versions.promote() == "0004"


def test_a_version_that_the_gate_refused_is_promoted_only_by_force(versions: Versions) -> None:
    versions.promote(add(versions))
    add(versions, verdict=FAILED)
    with pytest.raises(Refused, match="Rejected: better at nothing"):
        versions.promote("2")
    assert versions.champion() == "0001"
    assert versions.promote("2", force=True) == "0002"
    versions.promote(add(versions, verdict=PASSED))
    assert versions.promote("2") == "0002"  # it was champion before


def test_by_force_the_newest_candidate_is_promoted_whatever_the_gate_said(versions: Versions) -> None:
    versions.promote(add(versions))
    with pytest.raises(Refused, match="no version after the champion"):
        versions.promote(force=True)
    add(versions, verdict=PASSED, parent="0001")
    add(versions, verdict=FAILED, parent="0001")
    assert versions.promote() == "0002"
    assert versions.promote(force=True) == "0003"
    add(versions, verdict=FAILED, parent="0003")
    with pytest.raises(Refused, match=r"--force` takes the newest, 0004"):
        versions.promote()


def test_a_damaged_version_is_not_promoted_nor_rolled_back_to(versions: Versions) -> None:
    for _ in range(2):
        versions.promote(add(versions, verdict=PASSED))
    (versions.folder / "0001/models/model.onnx").write_bytes(b"altered")
    with pytest.raises(VersionDamaged, match=r"models/model\.onnx was altered"):
        versions.rollback()
    with pytest.raises(VersionDamaged):
        versions.promote("1", force=True)
    assert versions.alias() == Alias("0002", ("0001",))


def test_one_version_with_an_altered_manifest_does_not_hide_the_others(versions: Versions) -> None:
    versions.promote(add(versions))
    for _ in range(2):
        add(versions, verdict=PASSED, parent="0001")
    (versions.folder / "0003" / MANIFEST_FILE).write_bytes(b"{")
    assert versions.promote() == "0002"
    with pytest.raises(VersionDamaged, match="0003"):
        versions.manifest("3")


def test_rolling_back_passes_over_versions_that_were_deleted(versions: Versions) -> None:
    for _ in range(3):
        versions.promote(add(versions, verdict=PASSED))
    shutil.rmtree(versions.folder / "0002")
    assert versions.rollback() == ("0003", "0001")


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"champion": "0001"}'])
def test_an_alias_that_cannot_be_read_says_how_to_mend_it_and_promoting_does(versions: Versions, content: str) -> None:
    add(versions)
    versions.alias_file.write_text(content, "utf-8")
    with pytest.raises(VersionDamaged, match="autogen promote --version V"):
        versions.champion()
    assert versions.promote("1") == versions.champion() == "0001"


PROMOTES = """
import sys
from pathlib import Path
from autogen.errors import UsageError
from autogen.versions.registry import Versions

versions = Versions(Path(sys.argv[1]))
for turn in range(15):
    versions.promote(str(1 + (turn + int(sys.argv[2])) % 3))
    if turn % 5 == 4:
        try:
            versions.rollback()
        except UsageError:
            pass
"""


def test_processes_that_promote_at_once_leave_a_valid_alias_at_every_moment(versions: Versions) -> None:
    versions.promote(add(versions))
    for _ in range(2):
        add(versions, verdict=PASSED)
    arguments = [sys.executable, "-c", PROMOTES, str(versions.state.parent)]
    running = [subprocess.Popen([*arguments, str(number)], stderr=subprocess.PIPE) for number in range(3)]
    while any(process.poll() is None for process in running):
        alias = versions.alias()
        assert alias.champion in versions.names() and set(alias.history) <= set(versions.names())
    assert [(process.wait(), (process.communicate()[1] or b"")) for process in running] == [(0, b"")] * 3
    assert json.loads(versions.alias_file.read_text("utf-8"))["champion"] in versions.names()
    assert not list(versions.state.glob("*.tmp"))


def test_a_version_is_published_under_a_free_name_only(versions: Versions) -> None:
    from autogen.errors import StorageError

    add(versions)
    with versions.draft() as draft:
        (draft / "other").write_bytes(b"other")
        with pytest.raises(StorageError):
            versions.publish(draft, manifest("0001"))
    assert not (versions.folder / "0001" / "other").exists()
