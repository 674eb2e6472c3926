from __future__ import annotations

import json
from pathlib import Path

import pytest

from autogen.errors import VersionDamaged
from autogen.versions.manifest import FORMAT, MANIFEST_FILE, SkillRecord, check_files, read_manifest, seal
from tests.versions.conftest import FAILED, PASSED, manifest

GRAPH, WEIGHTS = "models/model.onnx", "models/weights/head.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "0001"
    for name in (GRAPH, WEIGHTS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    seal(folder, manifest("0001"))
    return folder


def test_every_file_is_recorded_and_a_whole_version_passes(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert set(manifest.files) == {GRAPH, WEIGHTS}
    assert manifest.files[GRAPH].bytes == len(GRAPH)
    check_files(folder, manifest)
    check_files(folder, manifest, answering_only=True)


@pytest.mark.parametrize("name", [GRAPH, WEIGHTS])
@pytest.mark.parametrize(
    ("damage", "words"), [("missing", "is missing"), ("altered", "altered"), ("longer", "altered")]
)
def test_a_file_that_is_missing_or_was_altered_is_named(folder: Path, name: str, damage: str, words: str) -> None:
    data = (folder / name).read_bytes()
    if damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(data[:-1] + b"?" if damage == "altered" else data + b"?")
    with pytest.raises(VersionDamaged, match=rf"Version 0001 is damaged: {name} .*{words}"):
        check_files(folder, read_manifest(folder))


def test_every_damaged_file_is_named_at_once(folder: Path) -> None:
    (folder / GRAPH).unlink()
    (folder / WEIGHTS).write_bytes(b"")
    with pytest.raises(VersionDamaged, match=rf"{GRAPH} is missing; {WEIGHTS} was altered"):
        check_files(folder, read_manifest(folder))


def test_answering_does_not_read_the_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    check_files(folder, read_manifest(folder), answering_only=True)
    (folder / GRAPH).write_bytes(b"another")
    with pytest.raises(VersionDamaged, match=GRAPH):
        check_files(folder, read_manifest(folder), answering_only=True)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "0001"}', b"\xff\xfe"])
def test_a_manifest_that_says_something_else_is_damage(folder: Path, content: bytes) -> None:
    (folder / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(VersionDamaged, match="manifest of version 0001 was altered"):
        read_manifest(folder)


def test_a_version_without_a_manifest_is_damage(tmp_path: Path) -> None:
    with pytest.raises(VersionDamaged, match="no readable manifest"):
        read_manifest(tmp_path)


def test_a_version_of_a_newer_program_says_so(folder: Path) -> None:
    values = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
    (folder / MANIFEST_FILE).write_text(json.dumps({**values, "format": FORMAT + 1}), "utf-8")
    with pytest.raises(VersionDamaged, match="made by a newer AutoGen"):
        read_manifest(folder)


def test_a_version_passed_when_it_is_the_first_or_the_gate_said_yes() -> None:
    assert manifest("0001").passed
    assert manifest("0002", verdict=PASSED).passed
    assert not manifest("0002", verdict=FAILED).passed


def test_the_metrics_of_a_skill_are_those_of_its_models_together() -> None:
    model = {"folder": "m", "task": "t", "train_rows": 1, "train_fingerprint": "", "held_out_rows": 0, "training": {}}
    model |= {"held_out_fingerprint": "", "cross_validated": False}
    models = {"one": {**model, "metrics": {"accuracy": 0.5}}, "two": {**model, "metrics": {"slot_f1": 0.25}}}
    skill = SkillRecord.model_validate({"type": "x", "answering": {}, "models": models})
    assert skill.metrics == {"accuracy": 0.5, "slot_f1": 0.25}
