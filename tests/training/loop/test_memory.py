"""Memory that runs out: a real allocation that fails, in a process with a real limit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autogen.training.loop.memory import is_out_of_memory, split_batches

TRAINING = """
import gc, resource, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from autogen.models.base_models import find_base_model
from autogen.models.tuning import tune
from autogen.progress import TrainingProgress
from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.tasks.text_classification.learning.classifier_fit import labelled
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.training.loop.trainer import fit
from tests.training.conftest import LABELS, fit_of, recipe

base, state, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
said = []

class Heard(TrainingProgress):
    def say(self, text):
        said.append(text)

source = FromBaseModel(find_base_model(str(base)))
encoder = TextEncoder.load(base, 64, 0)
rows = [labelled(Encoded([7 + (at * k) % 60 for k in range(60)], [0] * 60), at % 4) for at in range(1200)]
chosen = recipe(epochs=1, train_batch_size=600, contrastive_weight=0.5)
model = source.build(LABELS, 0)
tune(model, chosen.tuning)
fit(fit_of(model, recipe(epochs=1), rows[:4], encoder, state / "warm"), Heard(quiet=True))
if limit:
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + limit * 2**20,) * 2)
log = fit(fit_of(model, chosen, rows, encoder, state / "run"), Heard(quiet=True))
print(log[-1]["loss"], *said, sep="|")
"""


def trained(base: Path, state: Path, limit_mb: int) -> list[str]:
    command = [sys.executable, "-c", TRAINING, str(base), str(state), str(limit_mb)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().split("|")


@pytest.mark.slow
def test_training_goes_on_in_smaller_pieces_when_memory_runs_out(tiny_base_model: Path, tmp_path: Path) -> None:
    loss, *message = trained(tiny_base_model, tmp_path / "small", limit_mb=220)
    assert any("Out of memory: each batch now goes through in pieces" in line for line in message)
    assert float(loss) > 0


def test_pieces_are_a_batch_in_its_order() -> None:
    batches = [{"input_ids": torch.arange(10).view(5, 2)}, {"input_ids": torch.arange(3).view(1, 3)}]
    parts = split_batches(batches, 2)
    assert [len(part["input_ids"]) for part in parts] == [3, 2, 1]
    assert torch.equal(torch.cat([part["input_ids"] for part in parts[:2]]), batches[0]["input_ids"])


def test_what_torch_says_when_there_is_no_memory_is_recognised() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**48)
    assert is_out_of_memory(error.value)
    assert is_out_of_memory(MemoryError()) and not is_out_of_memory(RuntimeError("shapes do not match"))
