from __future__ import annotations

import hashlib
import importlib
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from autogen.errors import BaseModelError
from autogen.models.base_models import find_base_model
from autogen.models.packaged import PACKAGED, PackagedModel

SMALL_FILES = ("config.json", "tokenizer.json")


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedModel:
    """The small files of the default model in another package, known by the name `copied`."""
    folder = tmp_path / "site" / "copied_model" / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')", "utf-8")
    for name in SMALL_FILES:
        shutil.copy(Path(find_base_model("minilm").source) / name, folder / name)
    checksums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in SMALL_FILES}
    model = replace(PACKAGED["minilm"], name="copied", module="copied_model", sha256=checksums)
    monkeypatch.setenv("AUTOGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setitem(PACKAGED, "copied", model)
    return model


def folder_of(model: PackagedModel) -> Path:
    folder = model.location()
    assert folder is not None
    return folder


def test_the_default_model_is_installed_and_whole() -> None:
    model = find_base_model("minilm")
    assert model.local and (Path(model.source) / "model.safetensors").is_file()
    assert PACKAGED["minilm"].verify() == []


def test_a_packaged_model_is_found_by_its_name_without_importing_its_package(packaged: PackagedModel) -> None:
    model = find_base_model("copied")
    assert (model.name, model.source, model.local) == ("copied", folder_of(packaged), True)


@pytest.mark.parametrize("name", SMALL_FILES)
def test_one_altered_byte_in_a_packaged_model_is_refused_and_its_file_named(packaged: PackagedModel, name: str) -> None:
    path = folder_of(packaged) / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BaseModelError, match=f"{name}: expected sha256") as raised:
        find_base_model("copied")
    assert "Run `autogen models install copied` to put it right." in str(raised.value)


def test_a_missing_file_of_a_packaged_model_is_named(packaged: PackagedModel) -> None:
    (folder_of(packaged) / "config.json").unlink()
    with pytest.raises(BaseModelError, match=r"config\.json: No such file"):
        find_base_model("copied")


def test_a_packaged_model_that_is_not_installed_says_how_to_install_it(packaged: PackagedModel) -> None:
    shutil.rmtree(folder_of(packaged).parent)
    importlib.invalidate_caches()
    with pytest.raises(BaseModelError, match=r'"copied" is not installed. Run `autogen models install copied` \(84 MB'):
        find_base_model("copied")


def test_what_models_install_made_comes_before_what_pip_has_installed(packaged: PackagedModel, tmp_path: Path) -> None:
    cached = shutil.copytree(folder_of(packaged), tmp_path / "cache/models/copied")
    assert find_base_model("copied").source == cached


def test_a_local_path_is_found_in_the_project_and_from_where_one_stands(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = shutil.copytree(tiny_base_model, tmp_path / "project" / "bert")
    assert find_base_model("bert", tmp_path / "project").source == copied
    assert find_base_model(str(copied)).source == copied
    monkeypatch.chdir(tmp_path)
    assert find_base_model("project/bert", tmp_path / "elsewhere").source == copied
    assert find_base_model("./project/bert").local


def test_a_hub_id_is_recognised_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    model = find_base_model("sentence-transformers/all-MiniLM-L6-v2")
    assert (model.source, model.local) == ("sentence-transformers/all-MiniLM-L6-v2", False)


@pytest.mark.parametrize("reference", ["./no/such/folder", "/no/such", "a/b/c", "owner/", "unheard-of"])
def test_what_is_none_of_these_is_refused(reference: str) -> None:
    with pytest.raises(BaseModelError, match=r"packaged name \(minilm.*\), a folder, or a hub id"):
        find_base_model(reference)


def test_for_a_misspelt_name_the_nearest_is_suggested() -> None:
    with pytest.raises(BaseModelError, match=r'Did you mean "minilm"\?'):
        find_base_model("minlim")


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bert").mkdir()
    with pytest.raises(BaseModelError, match=r"found a folder without config\.json"):
        find_base_model("bert", tmp_path)
