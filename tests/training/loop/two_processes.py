"""Started by torchrun: a network with outputs per token, fitted by all processes together (BASE_MODEL FOLDER).

The first process writes what was learnt, and what all answered to the held-out rows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from autogen.models.base_models import find_base_model
from autogen.models.sources import PretrainedEncoder
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.learning.classifier_fit import loop_recipe
from autogen.training.loop.answers import Outputs
from autogen.training.loop.batching import TrainingRow
from autogen.training.loop.distributed import is_follower, leading, run_follower
from autogen.training.loop.recipe import Objective
from autogen.training.loop.trainer import Fit, fit
from tests.tiny import rows
from tests.training.conftest import recipe
from tests.training.tagger import PLACES, PlaceEncoder, TagAccuracy, objective, seeded, tagged


def main(base: Path, folder: Path) -> None:
    origin = PretrainedEncoder(find_base_model(str(base)))
    tokenizer, pad_id, _ = origin.tokenizer()
    encoder = PlaceEncoder(tokenizer, PLACES, pad_id)
    texts = [" ".join([text] * (1 + at % 5)) for at, (text, _) in enumerate(rows(6, seed=1))]
    train_rows, eval_rows = tagged(encoder, texts[:17]), tagged(encoder, texts[17:])
    recipe_ = loop_recipe(recipe(epochs=2, train_batch_size=6, contrastive_weight=0.0))
    network = seeded(origin.encoder(0))
    score = SavedScore(eval_rows, folder)
    learning = Objective(objective().loss, objective().targets, score)
    job = Fit(
        network, recipe_, learning, train_rows, [row.encoded for row in eval_rows], encoder, False, folder / "state"
    )
    with leading():
        fit(job, TrainingProgress(quiet=True))
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / "learnt.safetensors")


class SavedScore(TagAccuracy):
    """Keeps what it was asked to score last."""

    def __init__(self, eval_rows: Sequence[TrainingRow], folder: Path) -> None:
        super().__init__(eval_rows)
        self.folder = folder

    def __call__(self, outputs: Outputs) -> float:
        if not is_follower():
            np.save(self.folder / "scored.npy", outputs[0])
        return super().__call__(outputs)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if is_follower():
        run_follower()
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
