"""Tuning methods: which of a model's parameters learn, and what is added to them.

A method is a function from a network and the options to nothing: it sets `requires_grad`, and those that add
parameters put them into the network's backbone. The head learns in every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig, TaskType

from autogen.config.methods import ADDS, Tuning
from autogen.errors import ConfigError
from autogen.models import adapters
from autogen.models.bottleneck import KIND, add_bottlenecks, is_added
from autogen.models.network import Network


def full(model: Network, tuning: Tuning) -> None:
    """Everything learns; the word embeddings, half of a small model and rarely worth moving, may stay as they are, and
    the lowest layers with them."""
    frozen = int(tuning.frozen_share * model.layers)
    _learn_above(model, frozen if frozen else -1)
    if tuning.freeze_embeddings:
        model.word_embeddings().requires_grad_(False)


def head(model: Network, tuning: Tuning) -> None:  # noqa: ARG001 all methods take the same arguments
    """Only the head learns, on the encoder as it is."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(model.is_head(name))


def last_n(model: Network, tuning: Tuning) -> None:
    """The top layers and the head learn."""
    _learn_above(model, model.layers - min(tuning.last_n, model.layers))


def _learn_above(model: Network, layer: int) -> None:
    """The head and the layers above this one learn; the embeddings are layer 0."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(model.is_head(name) or model.layer_of(name) > layer)


def bitfit(model: Network, tuning: Tuning) -> None:  # noqa: ARG001
    """Biases and the head learn (Ben Zaken et al. 2022, arXiv 2106.10199)."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(model.is_head(name) or name.endswith(".bias"))


def lora(model: Network, tuning: Tuning) -> None:
    """Low-rank additions to linear layers (Hu et al. 2021, arXiv 2106.09685)."""
    config = LoraConfig(
        r=tuning.r,
        lora_alpha=tuning.lora_alpha,
        lora_dropout=tuning.lora_dropout,
        target_modules=_modules(tuning.target_modules) or "all-linear",
    )
    _add(model, config, "LORA")


def ia3(model: Network, tuning: Tuning) -> None:
    """Learnt scales of keys, values and feed-forward activations (Liu et al. 2022, arXiv 2205.05638)."""
    targets = _modules(tuning.target_modules)
    feedforward = [name for name in targets or () if "output" in name or "ffn" in name]
    _add(model, IA3Config(target_modules=targets, feedforward_modules=feedforward if targets else None), "IA3")


def prefix(model: Network, tuning: Tuning) -> None:
    """Learnt keys and values before those of the text, in every layer (Li & Liang 2021, arXiv 2101.00190)."""
    config = PrefixTuningConfig(task_type=TaskType.FEATURE_EXTRACTION, num_virtual_tokens=tuning.num_virtual_tokens)
    _add(model, config, "PREFIX_TUNING")


def prompt(model: Network, tuning: Tuning) -> None:
    """Learnt embeddings before those of the text (Lester et al. 2021, arXiv 2104.08691)."""
    if not model.pools_tokens:
        raise ConfigError(
            'method = "prompt" puts its tokens where this model\'s own head looks for the first word. '
            'Use another method, such as "prefix".'
        )
    config = PromptTuningConfig(task_type=TaskType.FEATURE_EXTRACTION, num_virtual_tokens=tuning.num_virtual_tokens)
    _add(model, config, "PROMPT_TUNING")


def adapter(model: Network, tuning: Tuning) -> None:
    """Bottleneck adapters and layer norms learn (Houlsby et al. 2019)."""
    _fold_in_other_kinds(model, KIND)
    if not adapters.is_adapted(model.backbone):
        add_bottlenecks(model.backbone, tuning.adapter_size)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(model.is_head(name) or is_added(name))


METHODS: dict[str, Callable[[Network, Tuning], None]] = {
    "full": full,
    "head": head,
    "last-n": last_n,
    "bitfit": bitfit,
    "lora": lora,
    "ia3": ia3,
    "prefix": prefix,
    "prompt": prompt,
    "adapter": adapter,
}
ADDED_BY_PEFT = (".lora_", ".ia3_", ".prompt_encoder.")  # in the names of what it adds


def tune(model: Network, tuning: Tuning) -> None:
    """Make `model` ready to learn by a method. Raises ConfigError where the method cannot serve the model."""
    if tuning.method not in ADDS and adapters.is_adapted(model.backbone):
        model.fold_in()
    if tuning.method in ADDS and model.base and not model.base.digest:  # before anything of it can change
        model.base = replace(model.base, digest=adapters.weights_digest(model.backbone))
    METHODS[tuning.method](model, tuning)


def _add(model: Network, config: LoraConfig | IA3Config | PrefixTuningConfig | PromptTuningConfig, kind: str) -> None:
    """Wrap the backbone, unless it came with an adapter of this kind, which then learns on."""
    _fold_in_other_kinds(model, kind)
    if not adapters.is_adapted(model.backbone):
        model.put_backbone(adapters.add(model.backbone, config))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(model.is_head(name) or any(part in name for part in ADDED_BY_PEFT))


def _fold_in_other_kinds(model: Network, kind: str) -> None:
    kind_present = adapters.adapter_kind(model.backbone)
    if kind_present not in (None, kind):
        model.fold_in()


def _modules(names: str | Sequence[str] | None) -> list[str] | None:
    return None if names is None else [names] if isinstance(names, str) else list(names)


def trainable_share(model: Network) -> tuple[int, int]:
    """(parameters that learn, all parameters)."""
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, learns in counts if learns), sum(n for n, _ in counts)
