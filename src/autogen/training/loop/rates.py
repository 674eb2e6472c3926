"""What learns, and at which rate: the optimiser's groups of parameters."""

from __future__ import annotations

from typing import Any

import torch

from autogen.models.network import Network
from autogen.training.loop.recipe import LoopRecipe


def trainable_parameters(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """The parameters that learn, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def parameter_groups(model: Network, recipe: LoopRecipe) -> list[dict[str, Any]]:
    """AdamW groups: the head at its own rate; each encoder layer below the top at `layer_decay` times the one above
    (Howard & Ruder 2018); no weight decay on vectors, as is usual."""
    groups: dict[tuple[bool, int, bool], dict[str, Any]] = {}
    for name, parameter in trainable_parameters(model).items():
        head, depth = model.is_head(name), model.layers - model.layer_of(name)
        decays = parameter.ndim > 1 and not head
        rate = recipe.head_learning_rate if head else recipe.learning_rate * recipe.layer_decay**depth
        group = {"params": [], "lr": rate, "weight_decay": recipe.weight_decay if decays else 0.0}
        groups.setdefault((head, depth, decays), group)["params"].append(parameter)
    return list(groups.values())
