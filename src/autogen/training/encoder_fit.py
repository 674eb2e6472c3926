"""Fit, export, prove, shrink: what every task's fine-tuning of an encoder with a head does alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import Tokenizer
from transformers import TrainerCallback

from autogen.config.training import TrainingSettings
from autogen.models.adapters import is_adapted
from autogen.models.network import GraphOutput, Network
from autogen.models.sources import WEIGHTS_FOLDER, EncoderSource
from autogen.progress import TrainingProgress
from autogen.runtime.encoding import TOKENIZER_FILE
from autogen.runtime.session import MODEL_FILE
from autogen.training.export.graph import export_graph, graph_outputs
from autogen.training.export.parity import check_parity
from autogen.training.export.quantise import INT8_FORMS, MOST_LOST
from autogen.training.loop.answers import Outputs, network_outputs, token_mask
from autogen.training.loop.batching import RowEncoder, TrainingRow
from autogen.training.loop.precision import choose_precision
from autogen.training.loop.recipe import LoopRecipe, Objective
from autogen.training.loop.trainer import Fit, RunOptions, fit

# what the fp32 graph answers to the rows, what a smaller one answers → how much of the score is lost, in 0–1
ScoreLoss = Callable[[Outputs, Outputs], float]


@dataclass(frozen=True)
class Stage:
    """One fit of a run: what the progress bar calls it, where its checkpoints lie, and whether it is the one that
    trackers and the history hear of."""

    name: str
    state: Path
    logged: bool = False


@dataclass(frozen=True)
class Proof:
    """An exported graph that agrees with its network: the largest difference of a logit, and what the graph answers to
    the rows that it was proven on, without the embedding."""

    parity: float
    outputs: Outputs


@dataclass(frozen=True)
class Form:
    """The form in which a graph answers (fp32, int8 or int8-blocks), and why."""

    name: str
    because: str


@dataclass
class EncoderFit:
    """One run: networks of one tokenizer are fitted, and one of them is exported. It counts what it has seen.

    `tokenizer` is `source`'s, the one that `encoder` encodes rows with. `networks`: how many will be fitted, each with
    an equal part of the time limit. Labels, losses and heads are the task's.
    """

    source: EncoderSource
    tokenizer: Tokenizer
    encoder: RowEncoder
    settings: TrainingSettings
    progress: TrainingProgress
    networks: int = 1
    trackers: Sequence[TrainerCallback] = ()  # of the fit that is logged
    precision: str = field(init=False)  # while training
    trained_rows: int = field(init=False, default=0)  # a row counts in every epoch
    training_seconds: float = field(init=False, default=0.0)
    history: list[dict[str, float]] = field(init=False, default_factory=list)  # of the fit that is logged

    def __post_init__(self) -> None:
        self.precision = choose_precision(self.settings.precision)

    def fit(
        self,
        network: Network,
        recipe: LoopRecipe,
        objective: Objective,
        rows: Sequence[TrainingRow],
        eval_rows: Sequence[Sized],
        stage: Stage,
    ) -> None:
        """Train in place, as `trainer.fit`. Raises TrainingFailed, Interrupted."""
        job = Fit(
            network=network,
            recipe=recipe,
            objective=objective,
            rows=rows,
            eval_rows=eval_rows,
            encoder=self.encoder,
            bf16=self.precision == "bf16",
            state=stage.state,
            stage=stage.name,
            options=RunOptions.from_settings(self.settings, self.networks),
        )
        started = time.perf_counter()
        log = fit(job, self.progress, self.trackers if stage.logged else ())
        self.training_seconds += time.perf_counter() - started
        self.trained_rows += len(rows) * recipe.epochs
        if stage.logged:
            self.history = log

    def answers(
        self,
        network: Network,
        rows: Sequence[Sized],
        outputs: Sequence[GraphOutput] | None = None,
        as_trained: bool = False,
    ) -> Outputs:
        """What the network answers to rows: in fp32, as its graph will, or in the precision that it is trained in."""
        bf16 = as_trained and self.precision == "bf16"
        return network_outputs(network, self.encoder, rows, bf16, self.settings.eval_batch_size, outputs=outputs)

    def export(self, network: Network, rows: Sequence[Sized], folder: Path) -> Proof:
        """Weights, tokenizer and fp32 graph into the folder, and the proof on these rows. Raises ParityError."""
        folder.mkdir(parents=True, exist_ok=True)
        network.save(folder / WEIGHTS_FOLDER)
        if is_adapted(network.backbone):
            self.source.save_base(folder / WEIGHTS_FOLDER)
        self.tokenizer.save(str(folder / TOKENIZER_FILE))
        export_graph(network, folder / MODEL_FILE)
        outputs = network.head_outputs
        trained = self.answers(network, rows, outputs)
        exported = graph_outputs(folder / MODEL_FILE, self.encoder, rows, outputs)
        masks = [token_mask(rows) if output.per_token else None for output in outputs]
        return Proof(max(map(check_parity, trained, exported, masks)), exported)

    def shrink(
        self,
        network: Network,
        rows: Sequence[Sized],
        folder: Path,
        fp32: Outputs,
        score_loss: ScoreLoss,
        measure: str = "held-out accuracy",
    ) -> Form:
        """Swap in the fastest int8 graph that these rows show to lose no more of the measure than it may. The form of
        the version that training goes on from may lose the most, or a candidate could be turned down for being slower.
        """
        graph = folder / MODEL_FILE
        small, losses = graph.with_suffix(".int8.onnx"), []
        for form, (quantiser, may_lose) in INT8_FORMS.items():
            quantiser(graph, small, network.embedding)
            loss = score_loss(fp32, graph_outputs(small, self.encoder, rows, network.head_outputs))
            if loss <= (MOST_LOST if form == self.source.exported else may_lose) + 1e-9:
                small.replace(graph)
                return Form(form, f"it loses {loss:.2%} of {measure}" if loss > 0 else f"it loses no {measure}")
            losses.append(f"{form} would lose {loss:.2%} of {measure}")
        small.unlink()
        return Form("fp32", ", ".join(losses))
