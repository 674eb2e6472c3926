"""The recipe: every training setting that the user left open, chosen from the data.

The defaults are provisional. They come from trials on parts of WNUT17, CoNLL04, SciERC and ATIS with a small encoder
(22 million parameters): small batches and a rate well above the customary 5e-5 learn rows as few as these in eight
epochs, all layers learning and word embeddings staying as they are, and every sub-token is taught its tag (with the
first of each word alone, rare entities were found less).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TypeVar

from autogen.config.methods import ADDS, OPTIONS, Tuning
from autogen.config.training import PresetName, TrainingSettings

T = TypeVar("T")

# of the methods that do not move the pretrained weights, or few of them
LEARNING_RATES = {"bitfit": 1e-3, "lora": 1e-3, "adapter": 1e-3, "ia3": 5e-3, "prefix": 1e-2, "prompt": 2e-2}
FULL_RATE, HEAD_RATE = 3e-4, 2e-3
EPOCH_SHARE: dict[PresetName, float] = {"fast": 0.5, "balanced": 1.0, "best": 1.5}
FEW, MANY = 3_000, 20_000  # train rows up to which a batch has 8 rows, and from which it has 32


@dataclass(frozen=True)
class TaggingRecipe:
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
    warmup_share: float
    weight_decay: float
    int8: bool
    seed: int

    @property
    def method(self) -> str:
        return self.tuning.method

    def __str__(self) -> str:
        """Every setting, as `agent.toml` would have it."""
        method = {name: value for name, value in asdict(self.tuning).items() if name in OPTIONS[self.method]}
        values = {"preset": self.preset, "method": self.method, **method}
        values |= {name: value for name, value in asdict(self).items() if name not in ("preset", "tuning")}
        return ", ".join(f"{name} = {_shown(value)}" for name, value in values.items())


def choose_recipe(settings: TrainingSettings, rows: int, continued: bool) -> TaggingRecipe:
    """The settings with their gaps filled for so many train rows: what the user set stays, then the preset says, then
    the data. `continued`: training starts from an earlier version, which needs less."""
    preset: PresetName = _or(settings.preset, "balanced")
    rate = LEARNING_RATES.get(settings.method, FULL_RATE) * (0.5 if continued else 1.0)
    return TaggingRecipe(
        preset=preset,
        tuning=_tuning(settings),
        learning_rate=_or(settings.learning_rate, rate),
        head_learning_rate=_or(settings.head_learning_rate, HEAD_RATE),
        # what is added learns from nothing, in the lower layers as in the upper ones
        layer_decay=_or(settings.layer_decay, 1.0 if settings.method in ADDS else 0.9),
        epochs=_or(settings.epochs, _epochs(rows, continued, EPOCH_SHARE[preset])),
        train_batch_size=_or(settings.train_batch_size, 8 if rows <= FEW else 16 if rows < MANY else 32),
        eval_batch_size=settings.eval_batch_size,
        label_smoothing=_or(settings.label_smoothing, 0.0),
        warmup_share=settings.warmup_share,
        weight_decay=settings.weight_decay,
        int8=_or(settings.int8, preset != "best"),
        seed=settings.seed,
    )


def _tuning(settings: TrainingSettings) -> Tuning:
    return Tuning(
        method=settings.method,
        freeze_embeddings=_or(settings.freeze_embeddings, True),
        frozen_share=_or(settings.frozen_share, 0.0),
        last_n=settings.last_n,
        r=settings.r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=settings.target_modules,
        num_virtual_tokens=settings.num_virtual_tokens,
        adapter_size=settings.adapter_size,
    )


def _epochs(rows: int, continued: bool, share: float) -> int:
    """More passes over fewer rows: 12 up to 500, 8 at 1,500, 6 at 4,500, 3 from 20,000 on."""
    passes = 12.0 if rows <= 500 else 8.0 if rows <= 2_000 else 6.0 if rows <= 8_000 else 3.0
    return max(1, round(passes * share / (2 if continued else 1)))


def _or(chosen: T | None, default: T) -> T:
    return default if chosen is None else chosen


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
