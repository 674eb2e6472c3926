from __future__ import annotations

from pathlib import Path

import pytest
import torch

from autogen.models.tuning import tune
from autogen.runtime.encoding import TextEncoder
from autogen.tasks.text_classification.learning.classifier import Classifier
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.tasks.text_classification.recipe import ClassifierRecipe
from autogen.training.loop import frozen
from autogen.training.loop.answers import answers
from autogen.training.loop.frozen import at_rest, frozen_layers, remembered
from autogen.training.loop.trainer import fit
from tests.training.conftest import LABELS, QUIET, encoded, examples, fit_of, recipe


def tuned(source: FromBaseModel, chosen: ClassifierRecipe) -> Classifier:
    model = source.build(LABELS, 0)
    tune(model, chosen.tuning)
    return model


def learnt(source: FromBaseModel, encoder: TextEncoder, chosen: ClassifierRecipe, state: Path) -> Classifier:
    model = tuned(source, chosen)
    rows = encoded(encoder, examples(8, seed=1))
    held_out = [row.encoded for row in encoded(encoder, examples(3, seed=2))]
    fit(fit_of(model, chosen, rows, encoder, state, held_out, lambda found: float(found[0].mean())), QUIET)
    return model


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({"method": "head"}, 3),
        ({"method": "last-n", "last_n": 1}, 2),
        ({"method": "full"}, 0),
        ({"method": "lora"}, 0),
        ({"method": "prefix"}, 0),
    ],
)
def test_the_embeddings_and_the_layers_below_the_first_that_learns_are_frozen(
    source: FromBaseModel, settings: dict[str, object], layers: int
) -> None:
    assert len(frozen_layers(tuned(source, recipe(**settings)))) == layers


@pytest.mark.parametrize("settings", [{"method": "head"}, {"method": "last-n", "last_n": 1}])
@pytest.mark.parametrize("room", [2**30, 0], ids=["in memory", "in a file"])
def test_a_model_learns_the_same_from_kept_hidden_states(
    source: FromBaseModel,
    encoder: TextEncoder,
    settings: dict[str, object],
    room: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = recipe(epochs=2, lora_dropout=0.0, **settings)
    monkeypatch.setattr(frozen, "IN_MEMORY", room)
    kept = learnt(source, encoder, chosen, tmp_path / "kept")
    assert not (tmp_path / "kept/hidden.bin").exists()  # the file goes when the run is over
    monkeypatch.setattr(frozen, "IN_MEMORY", -1)
    monkeypatch.setattr(frozen, "SHARE_OF_DISK", 0.0)
    asked = learnt(source, encoder, chosen, tmp_path / "asked")
    for name, value in kept.state_dict().items():
        assert torch.allclose(value, asked.state_dict()[name], atol=1e-4), name
    rows = [row.encoded for row in encoded(encoder, examples(2, seed=3))]
    assert answers(kept, encoder, rows, False)[0] == pytest.approx(answers(asked, encoder, rows, False)[0], abs=1e-3)


def test_frozen_layers_have_no_dropout_while_the_rest_trains(source: FromBaseModel) -> None:
    model = tuned(source, recipe(method="head"))
    with at_rest(model) as layers:
        model.train()
        assert model.training and not any(layer.training for layer in layers)
    model.train()
    assert all(layer.training for layer in frozen_layers(model))


def test_where_the_parts_are_not_used_as_usual_nothing_is_kept(
    source: FromBaseModel, encoder: TextEncoder, tmp_path: Path
) -> None:
    model = tuned(source, recipe(method="head"))
    rows = [row.encoded for row in encoded(encoder, examples(2, seed=3))]
    layers = frozen_layers(model)
    assert remembered(model, layers, rows, encoder, False, 8, tmp_path) is not None
    model.encoder.encoder.register_forward_pre_hook(lambda _module, given: (-given[0], *given[1:]))  # between them
    assert remembered(model, layers, rows, encoder, False, 8, tmp_path) is None
