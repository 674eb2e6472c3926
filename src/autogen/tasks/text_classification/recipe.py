"""The recipe: every training setting that the user left open, chosen from the data.

Where the figures come from: docs/decisions/0007-recipe.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TypeVar

from autogen.config.methods import ADDS, OPTIONS, Tuning
from autogen.config.settings import RESERVED_LABEL
from autogen.config.training import PresetName, TrainingSettings

T = TypeVar("T")

# of the methods that do not move the pretrained weights, or few of them
LEARNING_RATES = {"bitfit": 1e-3, "lora": 1e-3, "adapter": 1e-3, "ia3": 5e-3, "prefix": 1e-2, "prompt": 2e-2}
FROZEN = 2 / 3  # of the layers; with few rows as accurate as tuning all of them, in a third of the time
FEWER = 0.75  # of the epochs, where the top layers learn from few rows
FEW = 20  # in-scope rows per label (median) below which the few-shot recipe is used
LONG = 50_000  # rows from which training without a GPU takes hours, so that the preset is `fast`


@dataclass(frozen=True)
class Preset:
    """What a preset says where the user said nothing."""

    frozen_share: float | None  # None: chosen from the data
    epochs: float  # times those chosen from the data
    int8: bool


PRESETS: dict[PresetName, Preset] = {
    "fast": Preset(frozen_share=FROZEN, epochs=0.6, int8=True),
    "balanced": Preset(frozen_share=None, epochs=1.0, int8=True),
    "best": Preset(frozen_share=None, epochs=1.5, int8=False),
}


@dataclass(frozen=True)
class ClassifierRecipe:
    """All of what a training run does, nothing left open."""

    preset: PresetName
    tuning: Tuning
    learning_rate: float
    head_learning_rate: float
    layer_decay: float
    epochs: int
    train_batch_size: int
    eval_batch_size: int
    label_smoothing: float
    contrastive_weight: float
    neighbours: bool  # the examples are remembered, and answer with the head
    outlier_weight: float
    warmup_share: float
    weight_decay: float
    int8: bool
    seed: int

    @property
    def method(self) -> str:
        return self.tuning.method

    @property
    def balanced(self) -> bool:
        return self.contrastive_weight > 0

    def __str__(self) -> str:
        """Every setting, as `agent.toml` would have it."""
        method = {name: value for name, value in asdict(self.tuning).items() if name in OPTIONS[self.method]}
        values = {"preset": self.preset, "method": self.method, **method}
        values |= {name: value for name, value in asdict(self).items() if name not in ("preset", "tuning")}
        return ", ".join(f"{name} = {_shown(value)}" for name, value in values.items())


def choose_recipe(
    settings: TrainingSettings, labels: Sequence[str], continued: bool, own_head: bool, gpu: bool = False
) -> ClassifierRecipe:
    """The settings with their gaps filled for these training labels: what the user set stays, then the preset says,
    then the data.

    `continued`: training starts from an earlier version, which needs less. `own_head`: the head is the user's.
    """
    counts = Counter(label for label in labels if label != RESERVED_LABEL)
    few = median(counts.values()) < FEW
    name: PresetName = _or(settings.preset, "fast" if counts.total() >= LONG and not gpu else "balanced")
    preset = PRESETS[name]
    contrastive = 0.0 if own_head or settings.method == "head" else 0.5
    frozen = _or(settings.freeze_embeddings, not own_head)
    frozen_share = _or(preset.frozen_share, FROZEN if few else 0.0)
    learning_rate = LEARNING_RATES.get(settings.method, 1.5e-4)
    share = _or(settings.frozen_share, frozen_share if frozen else 0.0) if settings.method == "full" else 0.0
    epochs = _epochs(counts.total(), continued, settings.method == "head") * preset.epochs
    epochs *= FEWER if few and share else 1.0
    return ClassifierRecipe(
        preset=name,
        tuning=_tuning(
            settings,
            freeze_embeddings=frozen,
            frozen_share=share,
        ),
        learning_rate=_or(settings.learning_rate, learning_rate * (0.5 if continued else 1.0)),
        head_learning_rate=_or(settings.head_learning_rate, 1e-3 if own_head else 2e-3),
        # what is added learns from nothing, in the lower layers as in the upper ones
        layer_decay=_or(settings.layer_decay, 1.0 if settings.method in ADDS else 0.9),
        epochs=_or(settings.epochs, max(2, int(epochs + 0.5))),
        train_batch_size=_or(settings.train_batch_size, 64 if contrastive else 32),
        eval_batch_size=settings.eval_batch_size,
        label_smoothing=_or(settings.label_smoothing, 0.0 if few else 0.05),
        contrastive_weight=_or(settings.contrastive_weight, contrastive),
        neighbours=_or(settings.neighbours, few and not own_head),
        outlier_weight=0.5,
        warmup_share=settings.warmup_share,
        weight_decay=settings.weight_decay,
        int8=_or(settings.int8, preset.int8),
        seed=settings.seed,
    )


def _tuning(settings: TrainingSettings, freeze_embeddings: bool, frozen_share: float) -> Tuning:
    return Tuning(
        method=settings.method,
        freeze_embeddings=freeze_embeddings,
        frozen_share=frozen_share,
        last_n=settings.last_n,
        r=settings.r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=settings.target_modules,
        num_virtual_tokens=settings.num_virtual_tokens,
        adapter_size=settings.adapter_size,
    )


def _or(chosen: T | None, default: T) -> T:
    return default if chosen is None else chosen


def _epochs(rows: int, continued: bool, head_only: bool) -> float:
    """More passes over fewer rows: 9 at 450 rows, 7 at 1,500, 5 from 9,000 on."""
    passes: float = 31 / float(max(rows, 100)) ** 0.2
    return passes * (3 if head_only else 1) / (2 if continued else 1)


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
