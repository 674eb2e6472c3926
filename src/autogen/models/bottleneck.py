"""Bottleneck adapters (Houlsby et al. 2019, arXiv 1902.00751), which PEFT does not have.

After each of a layer's two output projections, before the residual is added: x + up(gelu(down(x))). `up` starts at
zero, so an untrained adapter changes nothing. As in the paper, the layer norms learn with them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from autogen.errors import ConfigError

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"  # PEFT's names
KIND = "BOTTLENECK"

# The output projections of attention and of the feed-forward part, by the names that encoders give them.
OUTPUTS = (
    *("attention.output.dense", "output.dense"),  # BERT, RoBERTa, ELECTRA, DeBERTa, XLM-R
    *("attention.out_lin", "ffn.lin2"),  # DistilBERT
    *("attention.attn.o", "attn.Wo", "mlp.Wo"),  # MPNet, ModernBERT
)


class Bottleneck(nn.Module):
    """A linear layer and the adapter behind it: (…, in) → (…, out)."""

    def __init__(self, linear: nn.Linear, size: int) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Linear(linear.out_features, size)
        self.up = nn.Linear(size, linear.out_features)
        nn.init.normal_(self.down.weight, std=0.02)
        for start in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(start)

    def forward(self, values: Tensor) -> Tensor:
        hidden: Tensor = self.linear(values)
        changed: Tensor = self.up(functional.gelu(self.down(hidden)))
        return hidden + changed


def add_bottlenecks(backbone: nn.Module, size: int) -> None:
    """Put an adapter behind every output projection. Raises ConfigError where the architecture has none known."""
    names = [
        module_name
        for module_name, module in backbone.named_modules()
        if isinstance(module, nn.Linear) and module_name.endswith(OUTPUTS)
    ]
    if not names:
        raise ConfigError(
            f'method = "adapter": {type(backbone).__name__} has no layers called {", ".join(OUTPUTS)}. '
            'Use another method, such as "lora".'
        )
    for name in names:
        linear: Any = backbone.get_submodule(name)
        backbone.set_submodule(name, Bottleneck(linear, size))


def bottlenecks(backbone: nn.Module) -> list[Bottleneck]:
    return [module for module in backbone.modules() if isinstance(module, Bottleneck)]


def is_added(parameter_name: str) -> bool:
    """Whether a parameter is an adapter's or a layer norm's, of those that learn with them."""
    parts = parameter_name.split(".")
    return parts[-2] in ("down", "up") or "norm" in parts[-2].lower()


def save_bottlenecks(backbone: nn.Module, folder: Path, base_model: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.contiguous() for name, value in backbone.state_dict().items() if is_added(name)}
    save_file(weights, folder / WEIGHTS_FILE)
    config = {
        "peft_type": KIND,
        "adapter_size": bottlenecks(backbone)[0].down.out_features,
        "base_model_name_or_path": base_model,
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=1), "utf-8")


def load_bottlenecks(backbone: nn.Module, folder: Path) -> None:
    """What `save_bottlenecks` wrote, put into the base model. Raises OSError, ValueError, KeyError."""
    add_bottlenecks(backbone, int(json.loads((folder / CONFIG_FILE).read_text("utf-8"))["adapter_size"]))
    weights = load_file(folder / WEIGHTS_FILE)
    unknown = backbone.load_state_dict(weights, strict=False).unexpected_keys
    if unknown:
        raise ValueError(f"the base model has no {unknown[0]}")
    absent = [name for name in backbone.state_dict() if is_added(name) and name not in weights]
    if absent:
        raise ValueError(f"{WEIGHTS_FILE} has no {absent[0]}")


def kind_of(folder: Path) -> str:
    """The method that an adapter folder is of, in PEFT's words."""
    return str(json.loads((folder / CONFIG_FILE).read_text("utf-8"))["peft_type"])
