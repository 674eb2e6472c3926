"""How to fine-tune: the settings that all learners share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from autogen.config.settings import Settings, _as_list, _seconds

PresetName = Literal["fast", "balanced", "best"]


Tracker = Literal["tensorboard", "wandb", "mlflow", "none"]


TuningMethod = Literal["full", "head", "last-n", "bitfit", "lora", "ia3", "prefix", "prompt", "adapter"]


class TrainingSettings(Settings):
    """How to fine-tune. `None` means: chosen from the data, and shown by `autogen check` and in every report."""

    preset: PresetName | None = None  # None: `fast` where training would take hours, else `balanced`
    method: TuningMethod = "full"
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    head_learning_rate: float | None = Field(default=None, gt=0, le=1)
    layer_decay: float | None = Field(default=None, gt=0, le=1)
    last_n: int = Field(default=2, ge=1, le=1_000)  # last-n: top layers that learn
    r: int = Field(default=16, ge=1, le=4_096)  # lora, by PEFT's names from here on
    lora_alpha: int = Field(default=32, ge=1, le=65_536)
    lora_dropout: float = Field(default=0.1, ge=0, lt=1)
    target_modules: str | list[str] | None = None  # lora, ia3
    num_virtual_tokens: int = Field(default=16, ge=1, le=1_024)  # prefix, prompt
    adapter_size: int = Field(default=64, ge=1, le=65_536)  # adapter: width of the bottleneck
    epochs: int | None = Field(default=None, ge=1, le=10_000)
    train_batch_size: int | None = Field(default=None, ge=1, le=65_536)
    eval_batch_size: int = Field(default=32, ge=1, le=65_536)
    label_smoothing: float | None = Field(default=None, ge=0, lt=1)
    contrastive_weight: float | None = Field(default=None, ge=0, le=100)
    neighbours: bool | None = None
    warmup_share: float = Field(default=0.1, ge=0, le=1)
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    max_length: int = Field(default=256, ge=4, le=32_768)
    freeze_embeddings: bool | None = None
    frozen_share: float | None = Field(default=None, ge=0, le=1)  # full: of the layers, from the lowest up
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    int8: bool | None = None
    report_to: Annotated[list[Tracker] | None, BeforeValidator(_as_list)] = None  # None: tensorboard where installed
    gradient_accumulation_steps: int = Field(default=1, ge=1, le=65_536)
    gradient_checkpointing: bool = False
    checkpoint_minutes: float = Field(default=10.0, gt=0)  # within long epochs
    time_limit: Annotated[float, BeforeValidator(_seconds), Field(gt=0)] | None = None  # seconds, or "10m"
    seed: int = Field(default=0, ge=0, lt=2**32)
