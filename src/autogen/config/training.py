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

    preset: PresetName | None = Field(
        default=None,
        description=(
            'How much time to spend. `"fast"`: fewer epochs and, where a text has one label, fewer layers that learn; '
            '`"best"`: more epochs, and no int8 form. Without it `"balanced"`, or `"fast"` for texts of one label '
            "with 50,000 rows and more and no GPU."
        ),
    )
    method: TuningMethod = Field(
        default="full",
        description="The tuning method: which weights learn, or which small modules are added and learn.",
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description=(
            "The learning rate of the encoder's top layer, or of the modules that the method adds. Without it the "
            "recipe's."
        ),
    )
    head_learning_rate: float | None = Field(
        default=None, gt=0, le=1, description="The learning rate of the head. Without it the recipe's."
    )
    layer_decay: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description=(
            "The rate of each layer is so many times that of the layer above it. Without it 0.9, and 1 for methods "
            "that add modules."
        ),
    )
    last_n: int = Field(
        default=2, ge=1, le=1_000, description="Of the method `last-n`: how many of the top layers learn."
    )
    r: int = Field(default=16, ge=1, le=4_096, description="Of `lora`: the rank of the added matrices.")
    lora_alpha: int = Field(
        default=32, ge=1, le=65_536, description="Of `lora`: what is added is scaled by `lora_alpha / r`."
    )
    lora_dropout: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Of `lora`: the share of the added modules' inputs that is dropped while training.",
    )
    target_modules: str | list[str] | None = Field(
        default=None,
        description=(
            "Of `lora` and `ia3`: names of the modules that are adapted. Without it PEFT's choice for the architecture."
        ),
    )
    num_virtual_tokens: int = Field(
        default=16, ge=1, le=1_024, description="Of `prefix` and `prompt`: how many virtual tokens are learnt."
    )
    adapter_size: int = Field(default=64, ge=1, le=65_536, description="Of `adapter`: the width of the bottleneck.")
    epochs: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Passes over the train rows. Without it the recipe's: the more, the fewer rows there are.",
    )
    train_batch_size: int | None = Field(
        default=None, ge=1, le=65_536, description="Rows in a training step. Without it the recipe's."
    )
    eval_batch_size: int = Field(
        default=32, ge=1, le=65_536, description="Rows at a time when measuring while training."
    )
    label_smoothing: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="The share of each target that is spread over all labels. Without it the recipe's.",
    )
    contrastive_weight: float | None = Field(
        default=None,
        ge=0,
        le=100,
        description=(
            "Where a text has one label: the weight of the supervised contrastive loss beside the cross-entropy. "
            "Without it the recipe's."
        ),
    )
    neighbours: bool | None = Field(
        default=None,
        description=(
            "Where a text has one label: whether train rows are remembered and answer together with the head. Without "
            "it, where rows are few."
        ),
    )
    warmup_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="The share of the steps in which the learning rate rises; it then falls linearly.",
    )
    weight_decay: float = Field(default=0.01, ge=0, le=1, description="AdamW's weight decay of the encoder's matrices.")
    max_length: int = Field(
        default=256,
        ge=4,
        le=32_768,
        description=(
            "Tokens of a text that are read, at most what the base model can read. Longer texts are cut, or, "
            "where their parts are labelled, read in windows of this length."
        ),
    )
    freeze_embeddings: bool | None = Field(
        default=None,
        description=(
            "Of `full` and `last-n`: whether the word embeddings stay as they are. Without it they do, except under"
            " a head of your own."
        ),
    )
    frozen_share: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description=(
            "Of `full`: the share of the layers, from the lowest up, that stay as they are. Without it the recipe's."
        ),
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto",
        description=(
            'Of the numbers while training. `"auto"`: bf16 where a probe of the processor finds it faster, or the '
            "GPU has it."
        ),
    )
    int8: bool | None = Field(
        default=None,
        description=(
            "Whether an int8 form may answer; it does only where it loses at most half a point. Without it yes, "
            'unless the preset is `"best"`.'
        ),
    )
    report_to: Annotated[
        list[Tracker] | None, BeforeValidator(_as_list, json_schema_input_type=Tracker | list[Tracker] | None)
    ] = Field(
        default=None,
        description=(
            "Where curves are tracked besides the report. Without it TensorBoard's files, where `tensorboardX` is "
            "installed."
        ),
    )
    gradient_accumulation_steps: int = Field(
        default=1,
        ge=1,
        le=65_536,
        description="The batches whose gradients are added up for one step: larger steps in the same memory.",
    )
    gradient_checkpointing: bool = Field(
        default=False,
        description=(
            "Whether activations are computed again in the backward pass, layer by layer: less memory, more time."
        ),
    )
    checkpoint_minutes: float = Field(
        default=10.0,
        gt=0,
        description=(
            "The minutes between checkpoints within an epoch: the most that is lost when the process is killed."
        ),
    )
    time_limit: Annotated[float, BeforeValidator(_seconds, json_schema_input_type=float | str), Field(gt=0)] | None = (
        Field(
            default=None,
            description=(
                'Seconds, or a time such as `"90s"`, `"10m"` or `"2h"`, after which fine-tuning ends. Without it there '
                "is no limit."
            ),
        )
    )
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**32,
        description="Of everything that chance decides: splits, order, weights that begin at random.",
    )
