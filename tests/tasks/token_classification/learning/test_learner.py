"""Every tuning method, going on from a version, and the user's own model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autogen.config.training import TrainingSettings
from autogen.data.rows import Row
from autogen.models.tuning import METHODS
from autogen.progress import TrainingProgress
from autogen.tasks.task import Fitted, Job, Need, Start
from autogen.tasks.token_classification import TASK
from autogen.tasks.token_classification.learning.learner import LEARNER
from autogen.tasks.token_classification.settings import TokenClassificationOptions
from tests.choosing import quick_and_slow
from tests.tasks.token_classification.annotated import annotated

RATES = {"bitfit": 2e-2, "lora": 1e-2, "adapter": 1e-2, "ia3": 5e-2, "prefix": 5e-2, "prompt": 5e-2}
MORE = {"text": "can you help with this refund", "entities": [{"start": 23, "end": 29, "label": "refund"}]}


def fit(folder: Path, start: Start, rows: list[dict[str, Any]], method: str = "full", epochs: int = 1) -> Fitted:
    settings = TrainingSettings(
        method=method,  # type: ignore[arg-type] # the names are checked as they are read
        epochs=epochs,
        learning_rate=RATES.get(method, 5e-3),
        freeze_embeddings=False,  # the tiny model's were never learnt
        precision="fp32",
        report_to=["none"],
    )
    need = Need("model", TASK.name, start.base_model, {}, {}, settings, TokenClassificationOptions())
    samples = {"train": rows, "eval": annotated(4, seed=2)}
    read = {role: [Row(row, role, at) for at, row in enumerate(part, 1)] for role, part in samples.items()}
    job = Job(TASK.from_rows(read, need), need, start, folder / "model", folder / "state", folder / "cache")
    with TrainingProgress(quiet=True) as progress:
        return LEARNER.fit(job, progress)


@pytest.mark.parametrize("method", quick_and_slow(METHODS, quick=("full", "lora")))
def test_a_method_learns_is_exported_and_goes_on_to_a_new_label(
    method: str, tiny_base_model: Path, tmp_path: Path
) -> None:
    start = Start(str(tiny_base_model))
    fitted = fit(tmp_path / "first", start, annotated(8, seed=1), method, epochs=2)
    assert fitted.parity < 0.01 and 0 < fitted.record["trainable"] <= fitted.record["parameters"]
    first = TASK.load(tmp_path / "first/model")
    assert first.card.method == method and "refund" not in first.answers
    before = Start(str(tiny_base_model), before=tmp_path / "first/model")
    fit(tmp_path / "more", before, [*annotated(8, seed=1), MORE], method)
    more = TASK.load(tmp_path / "more/model")
    assert more.answers == (*first.answers, "refund")
    assert more.digest != first.digest


def test_it_learns_what_there_is_to_learn(tiny_base_model: Path, tmp_path: Path) -> None:
    fitted = fit(tmp_path, Start(str(tiny_base_model)), annotated(40, seed=1), epochs=4)
    assert fitted.metrics["entity_f1"] > 0.9
    assert [entry["eval_score"] for entry in fitted.record["history"] if "eval_score" in entry]


@pytest.mark.parametrize("head", ["AutoModel", "AutoModelForTokenClassification"])
def test_the_users_own_model_gives_its_encoder_and_stays_as_it_is(
    head: str, tiny_base_model: Path, tmp_path: Path
) -> None:
    import torch
    import transformers

    own = getattr(transformers, head).from_pretrained(tiny_base_model)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_base_model)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    fit(tmp_path, Start("own", own=(own, tokenizer)), annotated(8, seed=1))
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())
    assert len(TASK.load(tmp_path / "model").answers) == 4
