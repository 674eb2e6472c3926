from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autogen.agents.fleet import Fleet
from autogen.errors import ProjectNotFound, VersionDamaged
from autogen.versions.registry import Versions
from tests.agents.conftest import add_version

LOST = "my card is lost stolen missing block"


@pytest.fixture
def versions(project: Path) -> Versions:
    return Versions(project)


def loaded(fleet: Fleet) -> list[str]:
    return sorted(agent.version for agent in fleet.loaded)


def test_a_fleet_begins_with_the_champion_alone(project: Path) -> None:
    fleet = Fleet(project)
    assert fleet.champion.version == "0002" and loaded(fleet) == ["0002"]
    assert fleet.refresh() is False and fleet.last_error is None


def test_a_promotion_and_a_rollback_are_noticed(project: Path, versions: Versions) -> None:
    fleet = Fleet(project)
    versions.promote("3")
    assert fleet.champion.version == "0002"
    assert fleet.refresh() is True and fleet.champion.version == "0003"
    assert fleet.refresh() is False
    versions.rollback()
    assert fleet.refresh() is True and fleet.champion.version == "0002"


def test_a_conversation_stays_on_the_version_that_it_began_with(project: Path, versions: Versions) -> None:
    fleet = Fleet(project)
    fleet.agent_for("ann").respond(LOST, "ann")
    versions.promote("3")
    fleet.refresh()
    assert fleet.agent_for("ann").version == "0002"
    assert fleet.agent_for("ann").respond(LOST, "ann").text == "lost_card by 0002"
    assert fleet.agent_for("bob").version == fleet.agent_for(None).version == "0003"


def test_only_so_many_versions_are_loaded_and_the_champion_is_always_one(project: Path, versions: Versions) -> None:
    fleet = Fleet(project, loaded=2)
    fleet.agent_for("ann").respond(LOST, "ann")
    for name in ("3", "4", "3", "2", "1"):
        versions.promote(name)
        assert fleet.refresh()
        assert len(loaded(fleet)) <= 2 and fleet.champion in fleet.loaded
    assert loaded(fleet) == ["0001", "0002"]
    assert fleet.agent_for("ann").version == "0002"


def test_a_conversation_whose_version_is_no_longer_loaded_goes_on_with_the_champion(
    project: Path, versions: Versions
) -> None:
    fleet = Fleet(project, loaded=1)
    fleet.agent_for("ann").respond(LOST, "ann")
    versions.promote("3")
    fleet.refresh()
    assert loaded(fleet) == ["0003"]
    assert fleet.agent_for("ann").respond(LOST, "ann").text == "lost_card by 0003"


def test_the_version_in_use_stays_longer_than_one_that_is_not(project: Path, versions: Versions) -> None:
    fleet = Fleet(project, loaded=3)
    fleet.agent_for("ann").respond(LOST, "ann")
    for name in ("3", "4"):
        versions.promote(name)
        fleet.refresh()
    fleet.agent_for("ann")
    versions.promote("1")
    fleet.refresh()
    assert loaded(fleet) == ["0001", "0002", "0004"]


def test_a_champion_that_is_damaged_is_kept_out_and_the_old_one_answers(project: Path, versions: Versions) -> None:
    fleet = Fleet(project)
    versions.promote("3")
    graph = versions.folder / "0003/models/support/intent/model.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-10])
    assert fleet.refresh() is False
    assert isinstance(fleet.last_error, VersionDamaged) and "model.onnx was altered" in str(fleet.last_error)
    assert fleet.champion.respond(LOST).version == "0002" and loaded(fleet) == ["0002"]
    graph.write_bytes(whole)
    versions.promote("4")
    assert fleet.refresh() is True
    assert fleet.champion.version == "0004" and fleet.last_error is None


def test_going_back_from_a_damaged_champion_ends_the_error(project: Path, versions: Versions) -> None:
    fleet = Fleet(project)
    versions.promote("3")
    (versions.folder / "0003/manifest.json").write_bytes(b"{")
    fleet.refresh()
    assert fleet.last_error is not None
    versions.rollback()
    assert fleet.refresh() is False and fleet.last_error is None and fleet.champion.version == "0002"


@pytest.mark.parametrize(("kind", "margin"), [("of-the-future", 0), ("customer-service", "wide")])
def test_a_champion_with_a_skill_that_cannot_be_read_is_kept_out_too(
    project: Path, versions: Versions, kind: str, margin: object
) -> None:
    fleet = Fleet(project)
    versions.promote(add_version(project, kind, clarify_margin=margin))
    assert fleet.refresh() is False
    assert isinstance(fleet.last_error, VersionDamaged) and f"'support' ({kind})" in str(fleet.last_error)
    assert fleet.champion.respond(LOST).version == "0002"


@pytest.mark.parametrize("written", [None, b"{"])
def test_an_alias_that_is_gone_or_damaged_is_an_error_and_the_champion_answers(
    project: Path, versions: Versions, written: bytes | None
) -> None:
    fleet = Fleet(project)
    if written is None:
        versions.alias_file.unlink()
    else:
        versions.alias_file.write_bytes(written)
    assert fleet.refresh() is False and fleet.last_error is not None
    assert fleet.champion.respond(LOST).version == "0002"


def test_a_fleet_needs_a_champion(untrained: Path) -> None:
    with pytest.raises(ProjectNotFound):
        Fleet(untrained)


def test_answers_never_fail_while_champions_come_and_go(project: Path, versions: Versions) -> None:
    add_version(project)
    fleet = Fleet(project, loaded=2)
    answered: set[str] = set()
    finished = threading.Event()

    def converse(name: str) -> None:
        turn = 0
        while not finished.is_set():
            conversation = f"{name}-{turn // 5}"
            response = fleet.agent_for(conversation).respond(LOST, conversation)
            assert response.text == f"lost_card by {response.version}"
            assert len(fleet.loaded) <= 2
            answered.add(response.version)
            turn += 1

    with ThreadPoolExecutor(3) as pool:
        conversations = [pool.submit(converse, name) for name in ("ann", "bob", "eve")]
        try:
            for turn in range(12):
                versions.promote(("3", "5", "2")[turn % 3])
                fleet.refresh()
                if turn % 4 == 3:
                    versions.rollback()
                    fleet.refresh()
        finally:
            finished.set()
        for conversation in conversations:
            conversation.result()  # raises what was raised there
    assert fleet.last_error is None
    assert answered >= {"0002", "0003"}
