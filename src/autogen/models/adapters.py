"""What tuning methods add to a backbone (the encoder without its head): put in, saved, loaded, merged.

PEFT's methods wrap the backbone and keep PEFT's own format; bottleneck adapters are ours and keep the same file names.
"""

from __future__ import annotations

import copy
import hashlib
import warnings
from pathlib import Path
from typing import Any

from peft import PeftConfig, PeftModel, get_peft_model
from torch import nn

from autogen.errors import ConfigError
from autogen.models.bottleneck import KIND, WEIGHTS_FILE, bottlenecks, kind_of, load_bottlenecks, save_bottlenecks

ADAPTER_FOLDER = "adapter"


def is_adapted(backbone: nn.Module) -> bool:
    return isinstance(backbone, PeftModel) or bool(bottlenecks(backbone))


def adapter_kind(backbone: nn.Module) -> str | None:
    """PEFT's name of what was added (LORA, IA3, PREFIX_TUNING, PROMPT_TUNING), BOTTLENECK, or None."""
    if isinstance(backbone, PeftModel):
        return str(backbone.active_peft_config.peft_type.value)
    return KIND if bottlenecks(backbone) else None


def add(backbone: nn.Module, config: PeftConfig) -> nn.Module:
    """The backbone with what `config` describes. Raises ConfigError where PEFT cannot put it there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return get_peft_model(backbone, config)
        except ValueError as error:  # PEFT's word for an architecture or a module that it does not know
            raise ConfigError(
                f"{type(config).__name__.removesuffix('Config')} does not fit {type(backbone).__name__}: {error}"
            ) from error


def save_added(backbone: nn.Module, folder: Path, base_model: str) -> None:
    """Only what was added, as safetensors, into `folder`/adapter."""
    target = folder / ADAPTER_FOLDER
    if not isinstance(backbone, PeftModel):
        save_bottlenecks(backbone, target, base_model)
        return
    backbone.active_peft_config.base_model_name_or_path = base_model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backbone.save_pretrained(str(target), safe_serialization=True, save_embedding_layers=False)
    (target / "README.md").unlink(missing_ok=True)  # a model card with nothing in it


def load_added(backbone: nn.Module, folder: Path) -> nn.Module:
    """The backbone with what `save_added` wrote. Raises OSError, ValueError, KeyError."""
    source = folder / ADAPTER_FOLDER
    if not (source / WEIGHTS_FILE).is_file():  # PEFT would look for a pickle
        raise FileNotFoundError(f"{source / WEIGHTS_FILE} is missing")
    if kind_of(source) == KIND:
        load_bottlenecks(backbone, source)
        return backbone
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PeftModel.from_pretrained(backbone, str(source))
    model.active_peft_config.inference_mode = False
    return model


def merge_adapters(backbone: nn.Module) -> nn.Module:
    """A copy with what was added folded into the weights, where the method can be (LoRA, IA3); else the backbone."""
    if isinstance(backbone, PeftModel) and adapter_kind(backbone) in ("LORA", "IA3"):
        copied: Any = copy.deepcopy(backbone)
        return copied.merge_and_unload()  # type: ignore[no-any-return]
    return backbone


def weights_digest(backbone: nn.Module) -> str:
    """Sixteen hexadecimal digits that stand for a base model's weights, so that an adapter finds out its own."""
    digest = hashlib.sha256()
    for name, value in sorted(backbone.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
