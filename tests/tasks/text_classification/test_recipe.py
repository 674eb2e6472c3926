from __future__ import annotations

from dataclasses import asdict

import pytest

from autogen.config.training import TrainingSettings
from autogen.tasks.text_classification.recipe import FEW, LONG, ClassifierRecipe, choose_recipe


def chosen(settings: TrainingSettings, rows: int, continued: bool = False, own_head: bool = False) -> ClassifierRecipe:
    labels = [label for label in "abcd" for _ in range(rows)] + ["oos"] * 100
    return choose_recipe(settings, labels, continued, own_head)


@pytest.mark.parametrize("rows", [1, FEW - 1, FEW, 2000])
@pytest.mark.parametrize("own_head", [False, True])
def test_nothing_is_left_open(rows: int, own_head: bool) -> None:
    assert None not in asdict(chosen(TrainingSettings(), rows, own_head=own_head)).values()


def test_what_was_set_is_kept() -> None:
    settings = TrainingSettings(
        method="head",
        learning_rate=0.5,
        head_learning_rate=0.25,
        epochs=77,
        train_batch_size=3,
        label_smoothing=0.0,
        contrastive_weight=0.0,
        freeze_embeddings=False,
        seed=9,
    )
    for rows in (3, 300):
        recipe = asdict(chosen(settings, rows, continued=True))
        values = recipe | recipe.pop("tuning")
        assert all(
            values[key] == value for key, value in settings.model_dump().items() if key in values and value is not None
        )


def test_fewer_rows_are_passed_over_more_often() -> None:
    epochs = [chosen(TrainingSettings(), rows).epochs for rows in (FEW, 50, 500, 5000)]
    assert epochs == sorted(epochs, reverse=True) and epochs[-1] >= 2


def test_a_continued_model_needs_less_and_the_head_alone_takes_more() -> None:
    usual = chosen(TrainingSettings(), 50)
    continued, head = chosen(TrainingSettings(), 50, continued=True), chosen(TrainingSettings(method="head"), 50)
    assert continued.epochs < usual.epochs < head.epochs
    assert continued.learning_rate < usual.learning_rate


def test_examples_are_contrasted_where_the_encoder_learns_under_our_head() -> None:
    assert chosen(TrainingSettings(), FEW - 1).balanced
    assert chosen(TrainingSettings(), FEW).balanced
    assert not chosen(TrainingSettings(), FEW - 1, own_head=True).balanced
    assert not chosen(TrainingSettings(method="head"), FEW - 1).balanced


def test_few_rows_tune_the_top_layers_alone() -> None:
    assert chosen(TrainingSettings(), FEW - 1).tuning.frozen_share > 0.5
    assert chosen(TrainingSettings(), FEW).tuning.frozen_share == 0
    assert chosen(TrainingSettings(freeze_embeddings=False), FEW - 1).tuning.frozen_share == 0
    assert chosen(TrainingSettings(), FEW - 1, own_head=True).tuning.frozen_share == 0


def test_few_rows_are_remembered_as_neighbours() -> None:
    assert chosen(TrainingSettings(), FEW - 1).neighbours and not chosen(TrainingSettings(), FEW).neighbours
    assert not chosen(TrainingSettings(neighbours=False), FEW - 1).neighbours


def test_a_preset_says_what_the_user_did_not() -> None:
    fast, balanced, best = (chosen(TrainingSettings(preset=name), 100) for name in ("fast", "balanced", "best"))
    assert fast.epochs < balanced.epochs < best.epochs
    assert fast.tuning.frozen_share > 0.5 and balanced.tuning.frozen_share == best.tuning.frozen_share == 0
    assert (fast.int8, balanced.int8, best.int8) == (True, True, False)
    assert balanced == chosen(TrainingSettings(), 100)


def test_what_the_user_set_wins_over_the_preset() -> None:
    recipe = chosen(TrainingSettings(preset="best", epochs=3, int8=True, frozen_share=0.5), 100)
    assert (recipe.epochs, recipe.int8, recipe.tuning.frozen_share) == (3, True, 0.5)


def test_training_that_would_take_hours_is_fast_unless_there_is_a_gpu() -> None:
    labels = [str(at % 100) for at in range(LONG)]
    assert choose_recipe(TrainingSettings(), labels, False, False).preset == "fast"
    assert choose_recipe(TrainingSettings(), labels[:-1], False, False).preset == "balanced"
    assert choose_recipe(TrainingSettings(), labels, False, False, gpu=True).preset == "balanced"


def test_every_setting_is_said() -> None:
    words = str(chosen(TrainingSettings(method="lora"), 100))
    assert words.startswith("preset = balanced, method = lora, r = 16, ") and "learning_rate = 0.001" in words
    assert all(f"{name} = " in words for name in ("epochs", "train_batch_size", "neighbours", "int8", "seed"))
    assert "num_virtual_tokens" not in words and "tuning" not in words
