from __future__ import annotations

import copy
import math
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from autogen.errors import Interrupted, TrainingFailed
from autogen.models.tuning import tune
from autogen.progress import TrainingProgress
from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.tasks.text_classification.learning.classifier import Classifier
from autogen.tasks.text_classification.learning.classifier_fit import loop_recipe
from autogen.tasks.text_classification.learning.losses import classification_loss
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.tasks.text_classification.recipe import ClassifierRecipe
from autogen.training.loop.answers import Outputs, network_outputs
from autogen.training.loop.batching import Collate
from autogen.training.loop.checkpoints import forget_broken, last_checkpoint
from autogen.training.loop.memory import split_batches
from autogen.training.loop.rates import parameter_groups
from autogen.training.loop.trainer import RunOptions, fit
from tests.training.conftest import LABELS, QUIET, encoded, examples, fit_of, recipe

Logits = NDArray[np.float32]
ONCE = RunOptions()


class Fitting:
    """One small model after the other, learning the same rows."""

    def __init__(self, source: FromBaseModel, encoder: TextEncoder, folder: Path) -> None:
        self.source, self.encoder, self.folder = source, encoder, folder
        self.rows = encoded(encoder, examples(10, seed=1, oos=5))
        self.eval_rows: list[Encoded] = []
        self.score: Callable[[Outputs], float] | None = None
        self.log: list[dict[str, float]] = []

    def build(self, recipe: ClassifierRecipe) -> Classifier:
        model = self.source.build(LABELS, recipe.seed)
        tune(model, recipe.tuning)
        return model

    def run(
        self,
        recipe: ClassifierRecipe,
        model: Classifier | None = None,
        progress: TrainingProgress = QUIET,
        bf16: bool = False,
        options: RunOptions = ONCE,
    ) -> Classifier:
        model = self.build(recipe) if model is None else model
        job = fit_of(model, recipe, self.rows, self.encoder, self.folder, self.eval_rows, self.score, bf16, options)
        self.log = fit(job, progress)
        return model

    def forget(self) -> None:
        self.folder = self.folder / "next"


@pytest.fixture
def fitting(source: FromBaseModel, encoder: TextEncoder, tmp_path: Path) -> Fitting:
    return Fitting(source, encoder, tmp_path / "state")


def changed(before: Classifier, after: Classifier) -> set[str]:
    old = before.state_dict()
    return {name for name, value in after.state_dict().items() if not torch.equal(value.cpu(), old[name])}


def accuracy(fitting: Fitting, model: Classifier) -> float:
    in_scope = [row for row in fitting.rows if row.target >= 0]
    logits, _ = network_outputs(model, fitting.encoder, [row.encoded for row in in_scope], bf16=False)
    return float(np.mean(logits.argmax(axis=1) == [row.target for row in in_scope]))


@pytest.mark.parametrize("balanced", [False, True])
def test_rows_are_learnt(fitting: Fitting, balanced: bool) -> None:
    settings = recipe(epochs=8, contrastive_weight=0.5 if balanced else 0.0, train_batch_size=16)
    model = fitting.run(settings)
    assert settings.balanced is balanced
    assert accuracy(fitting, model) > 0.9
    losses = [entry["loss"] for entry in fitting.log if "loss" in entry]
    assert len(losses) == 8 and losses[-1] < losses[0]


def test_full_tuning_changes_every_layer(fitting: Fitting) -> None:
    settings = recipe(method="full")
    before = fitting.build(settings)
    after = fitting.run(settings, copy.deepcopy(before))
    weights = {name for name, parameter in before.named_parameters() if parameter.ndim > 1}
    assert weights <= changed(before, after)


def test_head_tuning_leaves_the_encoder_bit_for_bit_as_it_was(fitting: Fitting) -> None:
    settings = recipe(method="head", head_learning_rate=1e-2)
    before = fitting.build(settings)
    assert changed(before, fitting.run(settings, copy.deepcopy(before))) == {"vectors", "log_scale"}


def test_frozen_embeddings_stay_and_the_rest_learns(fitting: Fitting) -> None:
    settings = recipe(freeze_embeddings=True, frozen_share=0.0)
    before = fitting.build(settings)
    trained_model = changed(before, fitting.run(settings, copy.deepcopy(before)))
    assert "encoder.embeddings.word_embeddings.weight" not in trained_model
    assert {"encoder.encoder.layer.0.output.dense.weight", "vectors"} <= trained_model


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(fitting: Fitting) -> None:
    first = fitting.run(recipe(epochs=2))
    fitting.forget()
    assert not changed(first, fitting.run(recipe(epochs=2)))
    fitting.forget()
    assert changed(first, fitting.run(recipe(epochs=2, seed=1)))


def test_after_bf16_a_run_in_fp32_is_in_fp32(fitting: Fitting) -> None:
    settings = recipe(epochs=1, train_batch_size=8)
    first = fitting.run(settings)
    fitting.forget()
    assert changed(first, fitting.run(settings, bf16=True))
    fitting.forget()
    assert not changed(first, fitting.run(settings))


@pytest.mark.parametrize(("balanced", "step"), [(False, 5), (True, 5), (False, 8)])  # within an epoch, at its end
def test_a_run_that_was_interrupted_and_resumed_ends_as_one_that_was_not(
    fitting: Fitting, balanced: bool, step: int
) -> None:
    settings = recipe(epochs=3, train_batch_size=12, contrastive_weight=0.5 if balanced else 0.0)
    whole = fitting.run(settings)
    fitting.forget()
    with pytest.raises(Interrupted, match="--resume"):
        fitting.run(settings, progress=Interrupting(step))
    checkpoint = last_checkpoint(fitting.folder)
    assert checkpoint is not None and checkpoint.name == f"checkpoint-{step}"
    assert not changed(whole, fitting.run(settings))


class Interrupting(TrainingProgress):
    """Presses Ctrl-C when this many steps are done."""

    def __init__(self, step: int) -> None:
        super().__init__(quiet=True)
        self.steps_left = step

    def advance(self, rows: int, note: str = "") -> None:
        super().advance(rows, note)
        self.steps_left -= rows > 0
        if self.steps_left == 0 and rows:
            signal.raise_signal(signal.SIGINT)


def test_a_second_interruption_stops_at_once(fitting: Fitting) -> None:
    class Impatient(Interrupting):
        def say(self, text: str) -> None:
            super().say(text)
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fitting.run(recipe(), progress=Impatient(2))
    assert signal.getsignal(signal.SIGINT) is before


def test_training_works_in_a_thread_too(fitting: Fitting) -> None:
    models: list[Classifier] = []
    thread = threading.Thread(target=lambda: models.append(fitting.run(recipe(epochs=1))))
    thread.start()
    thread.join()
    assert len(models) == 1


@pytest.mark.parametrize("best", [1, 2, 3])
def test_the_model_is_left_at_its_best_epoch(fitting: Fitting, best: int) -> None:
    eval_rows = [row.encoded for row in encoded(fitting.encoder, examples(3, seed=2))]
    scored: list[Logits] = []

    def score(outputs: Outputs) -> float:
        scored.append(outputs[0])
        return 1.0 if len(scored) == best else 0.5

    fitting.eval_rows, fitting.score = eval_rows, score
    model = fitting.run(recipe(epochs=3))
    assert len(scored) == 3
    assert np.array_equal(network_outputs(model, fitting.encoder, eval_rows, bf16=False)[0], scored[best - 1])
    assert [entry["eval_score"] for entry in fitting.log if "eval_score" in entry].index(1.0) == best - 1


def test_resuming_keeps_the_best_epoch_of_before(fitting: Fitting) -> None:
    eval_rows = [row.encoded for row in encoded(fitting.encoder, examples(3, seed=2))]
    scored: list[Logits] = []

    def score(outputs: Outputs) -> float:
        scored.append(outputs[0])
        return 1.0 / len(scored)

    fitting.eval_rows, fitting.score = eval_rows, score
    with pytest.raises(Interrupted):
        fitting.run(recipe(epochs=3, train_batch_size=12), progress=Interrupting(6))
    model = fitting.run(recipe(epochs=3, train_batch_size=12))
    assert len(scored) == 3
    assert np.array_equal(network_outputs(model, fitting.encoder, eval_rows, bf16=False)[0], scored[0])


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_loss_that_is_no_number_stops_the_run_and_says_what_to_try(fitting: Fitting, value: float) -> None:
    settings = recipe(learning_rate=1.0)
    model = fitting.build(settings)
    with torch.no_grad():
        next(iter(model.encoder.encoder.parameters())).fill_(value)
    with pytest.raises(TrainingFailed, match=r"The loss became nan at step 0.*Try a learning rate below 1"):
        fitting.run(settings, model)


def test_answers_come_in_the_order_of_the_rows_and_leave_the_model_as_it_was(fitting: Fitting) -> None:
    model = fitting.build(recipe()).train()
    rows = [row.encoded for row in fitting.rows]
    logits, embeddings = network_outputs(model, fitting.encoder, rows, bf16=False, batch_size=7)
    assert model.training
    for at in range(0, len(rows), 9):
        alone, embedding = network_outputs(model, fitting.encoder, [rows[at]], bf16=False)
        assert logits[at] == pytest.approx(alone[0], abs=1e-4)
        assert embeddings[at] == pytest.approx(embedding[0], abs=1e-5)


def test_every_layer_learns_more_slowly_than_the_one_above_it(fitting: Fitting) -> None:
    settings = recipe(learning_rate=1e-3, head_learning_rate=1e-2, layer_decay=0.5, weight_decay=0.1)
    model = fitting.build(settings)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups: list[dict[str, Any]] = parameter_groups(model, loop_recipe(settings))
    rates_by_name = {
        names[id(weight)]: (group["lr"], group["weight_decay"]) for group in groups for weight in group["params"]
    }
    assert rates_by_name.keys() == set(names.values()) and sum(len(group["params"]) for group in groups) == len(names)
    assert rates_by_name["vectors"] == (1e-2, 0.0)
    assert rates_by_name["encoder.encoder.layer.1.output.dense.weight"] == (1e-3, 0.1)
    assert rates_by_name["encoder.encoder.layer.0.output.dense.weight"] == (5e-4, 0.1)
    assert rates_by_name["encoder.embeddings.word_embeddings.weight"] == (2.5e-4, 0.1)
    assert rates_by_name["encoder.encoder.layer.1.output.dense.bias"] == (1e-3, 0.0)


def test_a_checkpoint_that_was_cut_off_is_not_gone_on_from(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path / "nothing") is None
    for step, record in ((8, "{}"), (16, "{}"), (24, '{"epoch": 1'), (32, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "model.safetensors").touch()
        if record is not None:
            (folder / "trainer_state.json").write_text(record, "utf-8")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-16"
    forget_broken(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-16", "checkpoint-8"]


def test_accumulation_takes_a_step_for_several_batches_and_resumes(fitting: Fitting) -> None:
    settings, options = recipe(epochs=2, train_batch_size=6), RunOptions(accumulation=3)
    whole = fitting.run(settings, options=options)
    fitting.forget()
    with pytest.raises(Interrupted):
        fitting.run(settings, options=options, progress=Interrupting(4))
    checkpoint = last_checkpoint(fitting.folder)
    assert checkpoint is not None and checkpoint.name == "checkpoint-4"  # 45 rows: 8 batches, 3 steps an epoch
    assert not changed(whole, fitting.run(settings, options=options))


def test_gradient_checkpointing_changes_nothing_but_memory(fitting: Fitting) -> None:
    settings = recipe(epochs=1, train_batch_size=16)
    plain = fitting.run(settings)
    fitting.forget()
    recomputed = fitting.run(settings, options=RunOptions(gradient_checkpointing=True))
    for name, value in plain.state_dict().items():
        assert torch.allclose(value, recomputed.state_dict()[name], atol=1e-5), name


def test_smaller_pieces_whose_activations_are_computed_anew_give_the_same_gradient(fitting: Fitting) -> None:
    settings = recipe(contrastive_weight=0.5)
    model = fitting.build(settings).eval()  # without dropout, or the pieces would draw other masks
    inputs = Collate(fitting.encoder)(fitting.rows[:30])

    def gradients(pieces: int, recomputes: bool) -> dict[str, torch.Tensor]:
        model.zero_grad()
        model.recomputes = recomputes
        model.training = recomputes  # of itself alone
        answer = model(split_batches(inputs["batches"], pieces))
        classification_loss(answer, inputs["targets"], 0.0, 0.5, 0.5).backward()
        return {
            name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None
        }

    whole, pieces = gradients(1, False), gradients(4, True)
    assert whole.keys() == pieces.keys()
    for name, value in whole.items():
        assert torch.allclose(value, pieces[name], atol=1e-5), name


class SpokenProgress(TrainingProgress):
    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.messages: list[str] = []

    def say(self, text: str) -> None:
        self.messages.append(text)


def test_training_stops_by_the_clock_at_the_best_state_so_far(fitting: Fitting) -> None:
    eval_rows = [row.encoded for row in encoded(fitting.encoder, examples(3, seed=2))]
    fitting.eval_rows, fitting.score = eval_rows, lambda outputs: float(outputs[0].max())
    progress_ = SpokenProgress()
    start = time.monotonic()
    fitting.run(recipe(epochs=5_000), progress=progress_, options=RunOptions(time_limit=3.0))
    assert time.monotonic() - start < 60
    assert any("the time that there was is over" in line for line in progress_.messages)
    scores = [entry["eval_score"] for entry in fitting.log if "eval_score" in entry]
    assert scores and len(scores) < 5_000


def test_a_run_that_diverged_goes_on_from_what_was_kept_with_another_rate(fitting: Fitting) -> None:
    settings = recipe(epochs=4, train_batch_size=12)

    class Poisoned(TrainingProgress):
        steps = 0

        def advance(self, rows: int, note: str = "") -> None:  # noqa: ARG002
            self.steps += rows > 0
            if self.steps == 6:
                with torch.no_grad():
                    model.vectors.fill_(math.nan)  # type: ignore[operator,union-attr]

    model = fitting.build(settings)
    with pytest.raises(TrainingFailed, match=r"Step 4 is kept: `autogen train --resume` goes on"):
        fitting.run(settings, model, Poisoned(quiet=True))
    lower = replace(settings, learning_rate=1e-4, head_learning_rate=1e-4)
    model_after = fitting.run(lower)
    assert all(torch.isfinite(parameter).all() for parameter in model_after.parameters())
    assert (
        max(entry["learning_rate"] for entry in fitting.log if entry.get("epoch", 0) > 1.5 and "loss" in entry) <= 1e-4
    )
