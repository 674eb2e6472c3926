"""Base models that an ordinary package index carries: one file for each, and the table of them all.

Another one is a file with a PackagedModel and a function that makes a transformers folder of its packages' files, and
an entry here.
"""

from __future__ import annotations

from autogen.models.packaged.minilm import MINILM
from autogen.models.packaged.multilingual_e5_small import MULTILINGUAL_E5_SMALL
from autogen.models.packaged.packaged_model import PackagedModel
from autogen.models.packaged.smollm2_135m import SMOLLM2_135M

PACKAGED: dict[str, PackagedModel] = {model.name: model for model in (MINILM, MULTILINGUAL_E5_SMALL, SMOLLM2_135M)}

__all__ = ["PACKAGED", "PackagedModel"]
