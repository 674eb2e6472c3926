"""Which settings of fine-tuning a classifier are searched. What is left out, and why: docs/decisions/0013-search.md."""

from __future__ import annotations

from collections.abc import Collection

from autogen.tasks.text_classification.recipe import ClassifierRecipe
from autogen.training.search.space import Categorical, Fraction, Knob, layer_knobs, optimiser_knobs


def search_space(recipe: ClassifierRecipe, fixed: Collection[str]) -> dict[str, Knob]:
    """The settings left open for this tuning method, less those that are `fixed` (the user's own)."""
    alone = recipe.method == "head"
    rate = recipe.head_learning_rate if alone else recipe.learning_rate
    knobs = optimiser_knobs(recipe.method, rate, recipe.epochs, recipe.train_batch_size)
    knobs["label_smoothing"] = Fraction(0.0, 0.2)
    if not alone:
        knobs["contrastive_weight"] = Categorical(tuple(sorted({0.0, 0.25, 0.5, 1.0, recipe.contrastive_weight})))
    knobs |= layer_knobs(recipe.method)
    return {name: knob for name, knob in knobs.items() if name not in fixed}
