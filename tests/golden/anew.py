"""Learning once more what a kept project learnt: versions of the same files and keys, verdicts in the same words.

Figures are left out: another processor trains to others.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.golden.commands import run
from tests.golden.comparing import keys_of, words_of

LEARNT_ANEW = {  # what each kept project is told again
    **dict.fromkeys(("support", "few", "films", "both"), ("train", "improve")),
    "saved": ("save",),
}
QUICK_ANEW = ("support",)  # improved from its kept first version; an export takes most of the time


def shapes_of(project: Path) -> dict[str, Any]:
    """Of each version: its files, and the keys of its manifest, of its models' `task.json`, and so on."""
    found = {}
    for folder in sorted((project / ".autogen/versions").iterdir()):
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        assert sorted(manifest.pop("files")) == [name for name in files if name != "manifest.json"]
        keys = keys_of(manifest)
        if manifest["verdict"] is not None:
            keys["verdict"] = words_of(manifest["verdict"])
        inner = {name: keys_of(json.loads((folder / name).read_text("utf-8"))) for name in files if _is_card(name)}
        found[folder.name] = {"files": files, "manifest": keys, "cards": inner}
    return found


def _is_card(name: str) -> bool:
    return name.endswith("/task.json")


def learn_anew(project: Path, commands: Sequence[str], moment: float) -> dict[str, Any]:
    """Forget what these commands made in this copy, keep what people said, and run them again. What they print, and
    the shapes of the versions."""
    if "save" in commands:
        shutil.rmtree(project / ".autogen")
        save_anew(project, project.parent / "tiny-bert", project / "data/train.csv", project / "data/eval.csv")
        return {"versions": shapes_of(project)}
    _forget_versions(project, kept=() if "train" in commands else ("0001",))
    answers = {}
    for command in commands:
        done = run(command, "-p", project.name, "--json", folder=project.parent, moment=moment)
        assert done.code in (0, 1), done.err
        answers[command] = {"code": done.code, **_without_figures(done.json)}
    return {**answers, "versions": shapes_of(project)}


def _forget_versions(project: Path, kept: Sequence[str]) -> None:
    """Leave these versions alone, the last of them champion."""
    state = project / ".autogen"
    for folder in (state / "versions").iterdir():
        if folder.name not in kept:
            shutil.rmtree(folder)
    (state / "champion.json").unlink()
    if kept:
        (state / "champion.json").write_text(json.dumps({"champion": kept[-1], "history": []}), "utf-8")


def _without_figures(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What `train` and `improve` print."""
    told = ("version", "champion", "unlabelled", "corrections_of_held_out")
    return {
        "keys": keys_of({**answer, "verdict": None}),
        "verdict": words_of(answer["verdict"]) if answer["verdict"] else None,
        **{name: answer[name] for name in told},
    }


def save_anew(folder: Path, base_model: Path, train: Path, dev: Path) -> None:
    """Fit the user's own model and tokenizer, and save them in `folder`."""
    from transformers import AutoModel, AutoTokenizer

    from autogen import AutoGen

    auto_gen = AutoGen(AutoModel.from_pretrained(base_model), AutoTokenizer.from_pretrained(base_model), quiet=True)
    auto_gen.config.epochs, auto_gen.config.train_batch_size, auto_gen.config.learning_rate = 12, 16, 5e-3
    auto_gen.config.freeze_embeddings, auto_gen.config.int8, auto_gen.config.precision = False, False, "fp32"
    auto_gen.fit(train, dev).save(folder)
