from __future__ import annotations

from tests.models.conftest import batch, encoder, own_model, source

__all__ = ["batch", "encoder", "own_model", "source"]
