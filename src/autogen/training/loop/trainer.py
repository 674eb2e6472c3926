"""Fine-tuning on transformers' own Trainer: its loop, optimiser, checkpoints and resumption; our batches and loss."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator, Sequence, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from autogen.config.training import TrainingSettings
from autogen.errors import Interrupted, TrainingFailed
from autogen.models.network import Network, as_named_tuple, quiet_transformers
from autogen.progress import TrainingProgress
from autogen.training.loop.answers import Outputs, network_outputs
from autogen.training.loop.batching import (
    IGNORED,
    Collate,
    DistributedBatches,
    GroupBalancedBatches,
    LengthGroupedBatches,
    RowEncoder,
    TrainingRow,
    TrainingRows,
)
from autogen.training.loop.checkpoints import BEST_FILE, WEIGHTS_FILE, SaveClock, last_checkpoint, step_of
from autogen.training.loop.distributed import (
    answer_together,
    gather_rows,
    rank,
    send_job,
    sendable,
    with_deepspeed,
    world_size,
)
from autogen.training.loop.frozen import (
    MAPPED_FILE,
    HiddenStates,
    cache_hidden_states,
    replace_frozen_layers,
    rest_frozen_layers,
)
from autogen.training.loop.memory import is_out_of_memory, split_batches
from autogen.training.loop.rates import parameter_groups, trainable_parameters
from autogen.training.loop.recipe import LoopRecipe, Objective
from autogen.training.loop.schedule import Schedule
from autogen.training.loop.watching import Watcher, catch_interrupts


@dataclass(frozen=True)
class RunOptions:
    """How a recipe is run. Only accumulation (the batches of one step) and the time limit change what is learnt."""

    accumulation: int = 1
    gradient_checkpointing: bool = False  # within the encoder, layer by layer
    checkpoint_minutes: float = 10.0  # the most that is lost when the process is killed
    time_limit: float | None = None  # seconds

    @classmethod
    def from_settings(cls, settings: TrainingSettings, models: int) -> RunOptions:
        """The time limit is for all of the fitting: so many models, each with an equal part of it."""
        return cls(
            accumulation=settings.gradient_accumulation_steps,
            gradient_checkpointing=settings.gradient_checkpointing,
            checkpoint_minutes=settings.checkpoint_minutes,
            time_limit=settings.time_limit / models if settings.time_limit else None,
        )


class NetworkTrainer(Trainer):  # type: ignore[misc] # transformers is untyped here
    """A Trainer whose batches are cut by length and whose layers learn at their own rates."""

    def __init__(self, job: Fit, hidden: HiddenStates | None, watcher: Watcher) -> None:
        self.job, self.recipe, self.hidden, self.watcher = job, job.recipe, hidden, watcher
        self.pieces = 1  # what every chunk of a batch is cut into, since memory ran out
        self.best: tuple[float, dict[str, Tensor]] | None = None
        super().__init__(
            model=job.network,
            args=_arguments(job),
            train_dataset=TrainingRows(job.rows),
            eval_dataset=job.eval_rows or None,
        )

    def get_train_dataloader(self) -> DataLoader[Any]:
        job, recipe = self.job, self.recipe
        batches = GroupBalancedBatches if recipe.balanced else LengthGroupedBatches
        sampler = DistributedBatches(batches(job.rows, recipe.train_batch_size, recipe.seed), rank(), world_size())
        collate = Collate(job.encoder, job.objective.targets, self.hidden)
        return DataLoader(TrainingRows(job.rows), batch_sampler=sampler, collate_fn=collate)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,  # noqa: ARG002 the Trainer's signature
    ) -> Any:
        answer, targets = model(inputs["batches"]), inputs["targets"]
        if world_size() > 1:
            answer, targets = as_named_tuple(answer, map(gather_rows, answer)), gather_rows(targets, IGNORED)
        loss = self.job.objective.loss(answer, targets)
        if not math.isfinite(loss.item()):
            raise TrainingFailed(self._diverged(loss.item()))
        if world_size() > 1:  # each has the gradient of its own rows, and the mean over processes will be taken
            loss = loss.detach() + (loss - loss.detach()) * world_size()
        return (loss, answer) if return_outputs else loss

    def _diverged(self, loss: float) -> str:
        checkpoint = last_checkpoint(Path(self.args.output_dir))
        go_on = (
            f" Step {step_of(checkpoint)} is kept: `autogen train --resume` goes on from it with that."
            if checkpoint
            else ""
        )
        return (
            f"The loss became {loss} at step {self.state.global_step}: the model diverged. Nothing was changed. Try a "
            f'learning rate below {self.recipe.learning_rate:g}, or precision = "fp32".{go_on}'
        )

    def training_step(self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """A step that does not fit into memory is done again in smaller pieces, whose activations are computed anew
        for their gradient: the batch, its loss and its gradient stay the same. (With accumulation, what this step has
        gathered from earlier batches is lost once.)"""
        while True:
            try:
                batches = split_batches(inputs["batches"], self.pieces)
                return super().training_step(model, {**inputs, "batches": batches}, num_items_in_batch)  # type: ignore[no-any-return]
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self._make_room(inputs["batches"])

    def _make_room(self, batches: Sequence[dict[str, Tensor]]) -> None:
        largest = max(len(batch["input_ids"]) for batch in batches)
        if world_size() > 1 or (self.model.recomputes and self.pieces >= largest):
            raise TrainingFailed(
                "Out of memory. Nothing was changed. Try a smaller train_batch_size or max_length, or "
                'method = "head" or "lora".'
            )
        if self.model.recomputes:
            self.pieces *= 2
        self.model.recomputes = True
        self.model.zero_grad()
        gc.collect()
        self.watcher.progress.say(
            f"Out of memory: each batch now goes through in pieces of at most {math.ceil(largest / self.pieces)} rows. "
            "The result is the same; it takes about a third longer."
        )

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ARG002
        self.optimizer: torch.optim.Optimizer | None
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(parameter_groups(self.model, self.recipe), fused=True)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:  # noqa: ARG002
        self.lr_scheduler: Any
        if self.lr_scheduler is None:
            assert self.optimizer is not None
            schedule = Schedule(num_training_steps, self.recipe.warmup_share, self.job.options.time_limit)
            self.watcher.schedule = schedule
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, schedule)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """All as it was, but for learning rates and time limit: those may have been set anew."""
        rates = [group["initial_lr"] for group in self.optimizer.param_groups] if self.optimizer else []
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None or self.optimizer is None or self.watcher.schedule is None:
            return
        self.watcher.schedule.go_on(self.job.options.time_limit)
        self.lr_scheduler.base_lrs = rates
        factor = self.watcher.schedule(self.state.global_step)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["initial_lr"], group["lr"] = rate, rate * factor

    def evaluate(
        self,
        eval_dataset: Any = None,  # noqa: ARG002 the Trainer's signature
        ignore_keys: list[str] | None = None,  # noqa: ARG002
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        assert self.job.objective.score is not None
        score = self.job.objective.score(self._eval_outputs())
        if self.best is None or score >= self.best[0]:  # of equals, what has learnt longer
            self.best = (
                score,
                {name: parameter.detach().clone() for name, parameter in trainable_parameters(self.model).items()},
            )
        metrics = {f"{metric_key_prefix}_score": score}
        self.log(dict(metrics))
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _eval_outputs(self) -> Outputs:
        job, outputs = self.job, self.job.network.head_outputs

        def answer_rows(places: list[int]) -> list[Tensor]:
            rows = [job.eval_rows[at] for at in places]
            size = self.recipe.eval_batch_size
            arrays = network_outputs(job.network, job.encoder, rows, job.bf16, size, self.hidden, outputs)
            return [torch.from_numpy(values).to(self.args.device) for values in arrays]

        alone = world_size() == 1 or len(job.eval_rows) < world_size()
        tensors = (
            answer_rows(list(range(len(job.eval_rows)))) if alone else answer_together(answer_rows, len(job.eval_rows))
        )
        return tuple(tensor.cpu().numpy() for tensor in tensors)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if with_deepspeed():  # its checkpoints are pickles, which nothing here reads
            return
        began = time.monotonic()
        super()._save_checkpoint(model, trial)
        self.watcher.saves.record(time.monotonic() - began)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Only what learns: the rest is built anew, the same for the same seed. And no pickle of the Trainer's
        arguments, which nothing here ever reads. What has diverged is not kept."""
        if not all(bool(torch.isfinite(parameter).all()) for parameter in trainable_parameters(self.model).values()):
            raise TrainingFailed(self._diverged(math.nan))
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(
            {name: parameter.detach().contiguous() for name, parameter in trainable_parameters(self.model).items()},
            folder / WEIGHTS_FILE,
            metadata={"format": "pt"},
        )
        if self.best is not None:
            save_file(self.best[1], folder / BEST_FILE, metadata={"format": "pt", "score": repr(self.best[0])})

    def remember_best(self, checkpoint: Path) -> None:
        """The best weights so far, which the run that wrote the checkpoint had found."""
        best_file = checkpoint / BEST_FILE
        if best_file.is_file():
            with safe_open(best_file, "pt") as file:
                score = float(file.metadata()["score"])
            self.best = score, load_file(best_file)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:  # noqa: ARG002 nobody asks for it
        return 0


@dataclass(frozen=True)
class Fit:
    """All that one run of training needs to know. It can be told to other processes, which then run it along."""

    network: Network
    recipe: LoopRecipe
    objective: Objective
    rows: Sequence[TrainingRow]
    eval_rows: Sequence[Sized]  # encoded rows that the epoch is chosen by; perhaps none
    encoder: RowEncoder
    bf16: bool
    state: Path  # checkpoints lie here; when one is there, training goes on from it
    stage: str = "train"  # as the progress bar calls it
    options: RunOptions = RunOptions()

    def run(
        self, progress: TrainingProgress | None = None, trackers: Sequence[TrainerCallback] = ()
    ) -> list[dict[str, float]]:
        """Raises TrainingFailed, Interrupted."""
        progress = progress or TrainingProgress(quiet=True)
        with ExitStack() as stack:
            stack.enter_context(sendable(self.network))
            stack.enter_context(_recompute_activations(self.network, self.options.gradient_checkpointing))
            hidden = self._hidden(stack, progress)
            try:
                return self._train(hidden, progress, trackers)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                raise TrainingFailed(
                    'Out of memory. Nothing was changed. Try method = "lora" or "head", or a smaller model.'
                ) from error

    def _hidden(self, stack: ExitStack, progress: TrainingProgress) -> HiddenStates | None:
        layers = stack.enter_context(rest_frozen_layers(self.network))
        if not layers:
            return None
        all_rows = [row.encoded for row in self.rows] + list(self.eval_rows)
        size = self.recipe.eval_batch_size
        hidden = cache_hidden_states(self.network, layers, all_rows, self.encoder, self.bf16, size, self.state)
        if hidden is None:
            progress.say("The frozen layers' outputs cannot be kept: they are computed every time, which is slower.")
            return None
        stack.callback((self.state / MAPPED_FILE).unlink, missing_ok=True)
        stack.enter_context(replace_frozen_layers(self.network, layers))
        return hidden

    def _train(
        self, hidden: HiddenStates | None, progress: TrainingProgress, trackers: Sequence[TrainerCallback]
    ) -> list[dict[str, float]]:
        recipe, options = self.recipe, self.options
        per_step = recipe.train_batch_size * options.accumulation
        watcher = Watcher(progress, per_step, SaveClock(options.checkpoint_minutes), bool(self.eval_rows))
        trainer = NetworkTrainer(self, hidden, watcher)
        trainer.remove_callback(PrinterCallback)
        for callback in (watcher, *trackers):
            trainer.add_callback(callback)
        checkpoint = last_checkpoint(self.state)
        if checkpoint and with_deepspeed():
            raise TrainingFailed("A training cannot go on under DeepSpeed: use --resume without it, or start anew.")
        if checkpoint:
            trainer.remember_best(checkpoint)
        steps_done = step_of(checkpoint) if checkpoint else 0
        steps = math.ceil(len(trainer.get_train_dataloader()) / options.accumulation) * recipe.epochs
        progress.start(self.stage, steps * per_step, steps_done * per_step)
        with catch_interrupts(watcher), quiet_transformers():
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if watcher.stopped:
            resume_note = "What was learnt so far is kept: `autogen train --resume` goes on from here."
            raise Interrupted(f"Interrupted. {'Nothing is kept under DeepSpeed.' if with_deepspeed() else resume_note}")
        if watcher.out_of_time:
            epochs = f"{trainer.state.epoch:.1f} of {recipe.epochs} epochs"
            progress.say(f"{self.stage}: the time that there was is over after {epochs}.")
        if trainer.best is not None:
            self.network.load_state_dict(trainer.best[1], strict=False)
        return [entry for entry in trainer.state.log_history if "loss" in entry or "eval_score" in entry]


def fit(job: Fit, progress: TrainingProgress, trackers: Sequence[TrainerCallback] = ()) -> list[dict[str, float]]:
    """Train the network in place; with held-out rows, leave it at the epoch that scored best. Returns the log.

    Ctrl-C saves a checkpoint and raises Interrupted. With several processes, those that follow fit along; this one
    alone tells the trackers. Raises TrainingFailed.
    """
    send_job(job)
    return job.run(progress, trackers)


def _arguments(job: Fit) -> TrainingArguments:
    arguments = TrainingArguments(
        output_dir=str(job.state),
        num_train_epochs=job.recipe.epochs,
        per_device_train_batch_size=job.recipe.train_batch_size,
        gradient_accumulation_steps=job.options.accumulation,
        max_grad_norm=1.0,
        eval_strategy="epoch" if job.eval_rows else "no",
        save_strategy="no",  # the watcher says when
        save_total_limit=1,
        logging_strategy="epoch",
        logging_nan_inf_filter=False,
        bf16=job.bf16,
        use_cpu=not torch.cuda.is_available(),
        seed=job.recipe.seed,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # DataParallel would shuffle the rows of our batches
    return arguments


@contextmanager
def _recompute_activations(model: Network, layer_by_layer: bool) -> Iterator[None]:
    """Activations are computed anew for their gradient: layer by layer where asked, later whole chunks if need be."""
    if layer_by_layer:
        model.encoder.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    try:
        yield
    finally:
        model.recomputes = False
        if layer_by_layer:
            model.encoder.gradient_checkpointing_disable()
