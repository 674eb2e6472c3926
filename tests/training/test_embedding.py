from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autogen.models.base_models import BaseModel, find_base_model
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.rows import LabelledText
from autogen.training.embedding import Vectors, frozen_embeddings

EXAMPLES = [LabelledText("my card was stolen", "a"), LabelledText("add money", "b"), LabelledText("card", "a", "money")]


@pytest.fixture
def base(tiny_base_model: Path) -> BaseModel:
    return find_base_model(str(tiny_base_model))


def embedded(base: BaseModel, cache: Path, examples: list[LabelledText] = EXAMPLES) -> Vectors:
    return frozen_embeddings(base, examples, 64, "fp32", cache, TrainingProgress(quiet=True))


def test_embeddings_have_length_one_and_pairs_count(base: BaseModel, tmp_path: Path) -> None:
    vectors = embedded(base, tmp_path)
    assert vectors.shape == (3, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2)
    alone = embedded(base, tmp_path / "other", [LabelledText("card", "a")])
    assert not np.allclose(vectors[2], alone[0], atol=1e-3)


def test_what_is_kept_is_what_was_computed_and_new_texts_join_it(base: BaseModel, tmp_path: Path) -> None:
    first = embedded(base, tmp_path)
    (file,) = tmp_path.glob("*.npz")
    written = file.stat().st_mtime_ns
    assert (embedded(base, tmp_path) == first).all()
    assert file.stat().st_mtime_ns == written
    more = embedded(base, tmp_path, [*EXAMPLES, LabelledText("weather", "c")])
    assert (more[:3] == first).all() and len(more) == 4


@pytest.mark.parametrize("damage", [b"", b"no zip", b"PK\x03\x04half"])
def test_a_broken_file_is_made_anew(base: BaseModel, tmp_path: Path, damage: bytes) -> None:
    first = embedded(base, tmp_path)
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(damage)
    assert np.allclose(embedded(base, tmp_path), first)


def test_a_place_that_cannot_be_written_to_is_no_obstacle(
    base: BaseModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    assert len(frozen_embeddings(base, EXAMPLES, 64, "fp32", tmp_path / "file" / "x", TrainingProgress())) == 3
    assert "not kept" in capsys.readouterr().err
