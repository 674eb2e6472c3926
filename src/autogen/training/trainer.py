"""Fine-tuning on transformers' own Trainer: its loop, optimiser, checkpoints and resumption; our batches and loss."""

from __future__ import annotations

import json
import math
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from autogen.errors import Interrupted, TrainingFailed
from autogen.models.classifier import Classifier, quiet_transformers
from autogen.models.losses import classification_loss
from autogen.tasks.encoding import Encoded, TextEncoder
from autogen.training.batching import (
    Collate,
    LabelBalancedBatches,
    LengthGroupedBatches,
    TrainingRow,
    TrainingRows,
)
from autogen.training.progress import TrainingProgress
from autogen.training.recipe import Recipe

Logits = NDArray[np.float32]


class ClassifierTrainer(Trainer):  # type: ignore[misc] # transformers is untyped here
    """A Trainer whose batches are cut by length and whose layers learn at their own rates."""

    def __init__(
        self,
        model: Classifier,
        arguments: TrainingArguments,
        recipe: Recipe,
        rows: Sequence[TrainingRow],
        held_out: Sequence[Encoded],
        encoder: TextEncoder,
        score: Callable[[Logits], float] | None,
    ) -> None:
        self.recipe, self.rows, self.held_out, self.encoder, self.score = (
            recipe,
            rows,
            held_out,
            encoder,
            score,
        )
        super().__init__(model=model, args=arguments, train_dataset=TrainingRows(rows), eval_dataset=held_out or None)

    def get_train_dataloader(self) -> DataLoader[Any]:
        batches = LabelBalancedBatches if self.recipe.balanced else LengthGroupedBatches
        sampler = batches(self.rows, self.recipe.train_batch_size, self.recipe.seed)
        loader = DataLoader(TrainingRows(self.rows), batch_sampler=sampler, collate_fn=Collate(self.encoder))
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,  # noqa: ARG002 the Trainer's signature
    ) -> Any:
        answer = model(inputs["batches"])
        recipe = self.recipe
        loss = classification_loss(
            answer, inputs["gold"], recipe.label_smoothing, recipe.contrastive_weight, recipe.outlier_weight
        )
        if not math.isfinite(loss.item()):
            raise TrainingFailed(
                f"The loss became {loss.item()} at step {self.state.global_step}: the model diverged. Nothing was "
                f'changed. Try a learning rate below {recipe.learning_rate:g}, or precision = "fp32".'
            )
        return (loss, answer) if return_outputs else loss

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ARG002 the Trainer's signature
        self.optimizer: torch.optim.Optimizer | None
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(parameter_groups(self.model, self.recipe), fused=True)
        return self.optimizer

    def evaluate(
        self,
        eval_dataset: Any = None,  # noqa: ARG002 the Trainer's signature
        ignore_keys: list[str] | None = None,  # noqa: ARG002
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        assert self.score is not None
        size = self.recipe.eval_batch_size
        logits, _ = answers(self.model, self.encoder, self.held_out, self.args.bf16, size)
        metrics = {f"{metric_key_prefix}_score": self.score(logits)}
        self.log(dict(metrics))
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Only what learns: the rest is built anew, the same for the same seed. And no pickle of the Trainer's
        arguments, which nothing here ever reads."""
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        learnt = {n: p.detach().contiguous() for n, p in self.model.named_parameters() if p.requires_grad}
        save_file(learnt, folder / "model.safetensors", metadata={"format": "pt"})

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:  # noqa: ARG002 nobody asks for it
        return 0


def parameter_groups(model: Classifier, recipe: Recipe) -> list[dict[str, Any]]:
    """AdamW groups: the head at its own rate; each encoder layer below the top at `layer_decay` times the one above
    (Howard & Ruder 2018); no weight decay on vectors, as is usual."""
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        depth = model.layers - model.layer_of(name)
        rate = recipe.head_learning_rate if model.is_head(name) else recipe.learning_rate * recipe.layer_decay**depth
        decay = recipe.weight_decay if parameter.ndim > 1 and not model.is_head(name) else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def answers(
    model: Classifier, encoder: TextEncoder, rows: Sequence[Encoded], bf16: bool, batch_size: int = 32
) -> tuple[Logits, Logits]:
    """Logits (rows, labels) and embeddings (rows, hidden) of the model in training, rows in the order given."""
    device = next(model.parameters()).device
    logits: list[Any] = [None] * len(rows)
    embeddings: list[Any] = [None] * len(rows)
    training = model.training
    model.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for places, arrays in encoder.sorted_batches(rows, batch_size):
            found = model.answer({name: torch.from_numpy(values).to(device) for name, values in arrays.items()})
            for at, one, embedding in zip(
                places, found.logits.float().cpu(), found.embedding.float().cpu(), strict=True
            ):
                logits[at], embeddings[at] = one.numpy(), embedding.numpy()
    model.train(training)
    return np.stack(logits), np.stack(embeddings)


def fit(
    model: Classifier,
    recipe: Recipe,
    rows: Sequence[TrainingRow],
    held_out: Sequence[Encoded],
    encoder: TextEncoder,
    score: Callable[[Logits], float] | None,
    bf16: bool,
    state: Path,
    stage: str,
    progress: TrainingProgress,
    trackers: Sequence[TrainerCallback] = (),
) -> list[dict[str, float]]:
    """Train `model` in place; with held-out rows, leave it at the epoch that scored best. Returns the log.

    Checkpoints lie in `state`; when one is there, training goes on from it. Ctrl-C saves one and raises Interrupted.
    """
    arguments = TrainingArguments(
        output_dir=str(state),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.train_batch_size,
        lr_scheduler_type="linear",
        warmup_steps=recipe.warmup_share,
        max_grad_norm=1.0,
        eval_strategy="epoch" if held_out else "no",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=bool(held_out),
        metric_for_best_model="eval_score" if held_out else None,
        greater_is_better=True if held_out else None,
        logging_strategy="epoch",
        logging_nan_inf_filter=False,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        seed=recipe.seed,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # DataParallel would shuffle the rows of our batches
    trainer = ClassifierTrainer(model, arguments, recipe, rows, held_out, encoder, score)
    watcher = _Watcher(progress, recipe.train_batch_size)
    trainer.remove_callback(PrinterCallback)
    for callback in (watcher, *trackers):
        trainer.add_callback(callback)
    checkpoint = last_checkpoint(state)
    if checkpoint:
        _found_again(checkpoint)
    done = int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0
    progress.start(
        stage,
        len(trainer.get_train_dataloader()) * recipe.train_batch_size * recipe.epochs,
        done * recipe.train_batch_size,
    )
    with _interruptible(watcher), quiet_transformers():
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if watcher.stopped:
        raise Interrupted("Interrupted. What was learnt so far is kept: `autogen train --resume` goes on from here.")
    return [entry for entry in trainer.state.log_history if "loss" in entry or "eval_score" in entry]


def _found_again(checkpoint: Path) -> None:
    """The Trainer keeps the best checkpoint's whole path; after the project was moved, it lies beside this one."""
    record = checkpoint / "trainer_state.json"
    values = json.loads(record.read_text("utf-8"))
    best = values.get("best_model_checkpoint")
    if best and not Path(best).is_dir():
        values["best_model_checkpoint"] = str(checkpoint.parent / Path(best).name)
        record.write_text(json.dumps(values), "utf-8")


def last_checkpoint(state: Path) -> Path | None:
    """The newest whole checkpoint."""
    whole = [path for path in state.glob("checkpoint-*") if _is_whole(path)]
    return max(whole, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def _is_whole(checkpoint: Path) -> bool:
    """The Trainer writes `trainer_state.json` last; a full disk or a killed process may leave half of it."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_bytes())
    except (OSError, ValueError):
        return False
    return True


def forget_broken(state: Path) -> None:
    """Remove the checkpoints under `state` that are not whole."""
    for checkpoint in state.glob("**/checkpoint-*"):
        if not _is_whole(checkpoint):
            shutil.rmtree(checkpoint, ignore_errors=True)


class _Watcher(TrainerCallback):  # type: ignore[misc]
    """Reports progress, and turns a Ctrl-C into a saved checkpoint and an orderly stop."""

    def __init__(self, progress: TrainingProgress, batch_size: int) -> None:
        self.progress, self.batch_size = progress, batch_size
        self.stopped = False

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        self.progress.advance(self.batch_size)
        if self.stopped:
            control.should_save = control.should_training_stop = True
        return control

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        if self.stopped:  # saved at the step already
            control.should_evaluate = control.should_save = control.should_log = False
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        if logs and "loss" in logs:
            self.progress.advance(0, f"loss {logs['loss']:.3f}")
        if logs and "eval_score" in logs:
            self.progress.advance(0, f"held-out {logs['eval_score']:.1%}")


@contextmanager
def _interruptible(watcher: _Watcher) -> Iterator[None]:
    """The first Ctrl-C stops at the next step; a second one stops at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: Any) -> None:  # noqa: ARG001
        if watcher.stopped:
            raise KeyboardInterrupt
        watcher.stopped = True
        watcher.progress.say("Stopping after this step; press Ctrl-C again to stop at once.")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
