"""A tuning method by its name and options. No torch: what will be done can be said before it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ADDS = frozenset({"lora", "ia3", "prefix", "prompt", "adapter"})  # the base model itself stays as it is
OPTIONS: dict[str, tuple[str, ...]] = {
    "full": ("freeze_embeddings", "frozen_share"),
    "head": (),
    "last-n": ("last_n",),
    "bitfit": (),
    "lora": ("r", "lora_alpha", "lora_dropout", "target_modules"),
    "ia3": ("target_modules",),
    "prefix": ("num_virtual_tokens",),
    "prompt": ("num_virtual_tokens",),
    "adapter": ("adapter_size",),
}  # what each method reads


@dataclass(frozen=True)
class Tuning:
    """A method with its options, by PEFT's names. Sizes are in units of the backbone's own: layers, ranks, tokens."""

    method: str
    freeze_embeddings: bool  # full, last-n: the word embeddings stay as they are
    frozen_share: float  # full: of the layers, from the lowest up; with them the embeddings
    last_n: int  # last-n: how many of the top layers learn
    r: int  # lora: rank
    lora_alpha: int
    lora_dropout: float
    target_modules: str | Sequence[str] | None  # lora, ia3: names of modules; None: PEFT's choice for the architecture
    num_virtual_tokens: int  # prefix, prompt
    adapter_size: int  # adapter: width of the bottleneck
