"""Real processes started by torchrun, on the tiny model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from autogen import Project
from autogen.errors import ConfigError
from autogen.progress import TrainingProgress
from autogen.runtime.encoding import Encoded
from autogen.training.loop.batching import DistributedBatches, GroupBalancedBatches, LengthGroupedBatches, TrainingRow
from autogen.training.loop.distributed import leading
from autogen.training.loop.precision import choose_precision
from autogen.versions.registry import Versions
from tests.tiny import write_tiny_base_model, write_tiny_project
from tests.training.loop import two_processes

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "autogen"]


def started(*words: object, settings: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **(settings or {})}
    command = [*TORCHRUN, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)


@pytest.fixture
def without_chance(tmp_path: Path) -> Path:
    """A project whose model has no dropout, so that two runs can be compared."""
    base = write_tiny_base_model(tmp_path / "base")
    config = json.loads((base / "config.json").read_text("utf-8"))
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (base / "config.json").write_text(json.dumps(config), "utf-8")
    project = write_tiny_project(tmp_path / "one", base, per_label=20, held_out=10, epochs=2)
    return with_lines(project, 'precision = "fp32"\nint8 = false\ncontrastive_weight = 0.5\ntrain_batch_size = 15\n')


def with_lines(project: Path, lines: str) -> Path:
    config = project / "agent.toml"
    config.write_text(config.read_text("utf-8") + lines, "utf-8")
    return project


def weights(project: Path) -> dict[str, torch.Tensor]:
    folder = Versions(project).folder / "0001"
    return {f"{file.name}/{n}": v for file in sorted(folder.rglob("*.safetensors")) for n, v in load_file(file).items()}


def test_two_processes_learn_what_one_does_and_one_of_them_writes(without_chance: Path, tmp_path: Path) -> None:
    together = write_tiny_project(tmp_path / "two", tmp_path / "base", per_label=20, held_out=10, epochs=2)
    (together / "agent.toml").write_bytes((without_chance / "agent.toml").read_bytes())

    alone = Project.open(without_chance).train(progress=TrainingProgress(quiet=True))
    done = started("train", "-p", together, "--json")

    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(lines) == 1 and json.loads(lines[0])["version"] == "0001"  # one of them speaks
    assert Versions(together).names() == Versions(without_chance).names() == ["0001"]
    first, second = weights(without_chance), weights(together)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.allclose(value, second[name], atol=2e-3), name
    assert alone.skills["support"].models["intent"].metrics["accuracy"] == pytest.approx(
        Versions(together).manifest("0001").skills["support"].models["intent"].metrics["accuracy"], abs=0.05
    )


def test_what_the_leader_cannot_do_ends_them_all(without_chance: Path) -> None:
    (without_chance / "data/train.csv").write_text("text,label\n", "utf-8")
    done = started("train", "-p", without_chance)
    assert done.returncode != 0
    assert "error:" in done.stderr and Versions(without_chance).names() == []


@pytest.mark.slow
def test_outputs_per_token_of_different_lengths_are_learnt_together_as_by_one(
    without_chance: Path, tmp_path: Path
) -> None:
    base, folders = without_chance.parent / "base", [tmp_path / "alone", tmp_path / "together"]
    for folder in folders:
        folder.mkdir()
    two_processes.main(base, folders[0])
    command = [*TORCHRUN[:-1], two_processes.__name__, str(base), str(folders[1])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    alone, together = (load_file(folder / "learnt.safetensors") for folder in folders)
    for name, value in alone.items():
        assert torch.allclose(value, together[name], atol=2e-3), name
    scored = [np.load(folder / "scored.npy") for folder in folders]
    assert scored[0].shape == scored[1].shape and np.abs(scored[0] - scored[1]).max() < 1e-2


@pytest.mark.parametrize("kind", [LengthGroupedBatches, GroupBalancedBatches])
def test_the_shares_of_all_processes_are_the_batches_of_one(
    kind: type[LengthGroupedBatches] | type[GroupBalancedBatches],
) -> None:
    rows = [TrainingRow(Encoded([5] * (3 + at % 11), [0] * (3 + at % 11)), at % 5, at % 5) for at in range(53)]
    whole = [sorted(batch) for batch in kind(rows, 8, 0)]
    shares = [list(DistributedBatches(kind(rows, 8, 0), number, 3)) for number in range(3)]
    assert [sorted(chain(*parts)) for parts in zip(*shares, strict=True)] == whole
    assert all(abs(len(rank) - len(other)) <= 1 for rank, other in zip(*shares[:2], strict=True))


DEEPSPEED = {
    "train_batch_size": "auto",
    "train_micro_batch_size_per_gpu": "auto",
    "gradient_accumulation_steps": "auto",
    "gradient_clipping": "auto",
    "zero_allow_untested_optimizer": True,
}


def asked_for_deepspeed(folder: Path, stage: int) -> dict[str, str]:
    """What `accelerate launch --use_deepspeed --deepspeed_config_file FILE` tells the processes."""
    file = folder / "deepspeed.json"
    file.write_text(json.dumps({**DEEPSPEED, "zero_optimization": {"stage": stage}}), "utf-8")
    return {
        "ACCELERATE_USE_DEEPSPEED": "true",
        "ACCELERATE_DEEPSPEED_CONFIG_FILE": str(file),
        "DS_ACCELERATOR": "cpu",
    }


@pytest.mark.parametrize("stage", [1, 2])
def test_deepspeed_divides_the_optimiser_and_changes_nothing_else(
    without_chance: Path, tmp_path: Path, stage: int
) -> None:
    pytest.importorskip("deepspeed", reason="pip install --no-build-isolation deepspeed")
    together = write_tiny_project(tmp_path / "two", tmp_path / "base", per_label=20, held_out=10, epochs=2)
    (together / "agent.toml").write_bytes((without_chance / "agent.toml").read_bytes())

    Project.open(without_chance).train(progress=TrainingProgress(quiet=True))
    done = started("train", "-p", together, settings=asked_for_deepspeed(tmp_path, stage))

    assert done.returncode == 0, done.stderr
    first, second = weights(without_chance), weights(together)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.allclose(value, second[name], atol=2e-3), name


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"ACCELERATE_USE_FSDP": "true"}, "FSDP"),
        ({"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}, "stage 1 or 2.*found 3"),
        ({"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_CONFIG_FILE": "missing.json"}, "missing.json"),
    ],
)
def test_a_model_spread_over_processes_is_refused(
    settings: dict[str, str], match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"WORLD_SIZE": "2", **settings}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=match), leading():
        pass


def test_under_deepspeed_the_weights_stay_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "ACCELERATE_USE_DEEPSPEED": "true"}.items():
        monkeypatch.setenv(name, value)
    assert choose_precision("auto") == "fp32"
    with pytest.raises(ConfigError, match="bf16"):
        choose_precision("bf16")
