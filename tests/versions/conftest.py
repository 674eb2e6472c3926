from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autogen.versions.manifest import Manifest
from autogen.versions.registry import Versions

PASSED = {"passed": True, "summary": "Accepted: it is better."}
FAILED = {"passed": False, "summary": "Rejected: better at nothing."}


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path)


def manifest(version: str, **values: Any) -> Manifest:
    defaults = {"agent": "bank", "created_at": "2026-01-01T00:00:00+00:00", "made_by": "train", "parent": None}
    return Manifest.model_validate({"version": version, "config": {}, "skills": {}, **defaults, **values})


def add(versions: Versions, **values: Any) -> str:
    """One more version, of small files."""
    with versions.draft() as draft:
        (draft / "models" / "weights").mkdir(parents=True)
        (draft / "models" / "model.onnx").write_bytes(b"graph")
        (draft / "models" / "weights" / "head.safetensors").write_bytes(b"weights")
        return versions.publish(draft, manifest(versions.next_name(), **values)).version
