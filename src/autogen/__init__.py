"""AutoGen: from a small labelled data set to a working agent that gets better from every conversation.

`AutoGen` and `Project` bring torch when they train; `Agent` answers without it. Each is imported when first used.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from autogen.installation import WAY_OUT, is_mixed

if TYPE_CHECKING:
    from autogen.agents import Agent, Response
    from autogen.auto_gen import AutoGen
    from autogen.project import Project

__all__ = ["Agent", "AutoGen", "Project", "Response"]
__version__ = "0.1.0"

_HOMES = {
    "Agent": "autogen.agents",
    "Response": "autogen.agents",
    "AutoGen": "autogen.auto_gen",
    "Project": "autogen.project",
}


if is_mixed(Path(__file__).parent):
    warnings.warn(
        f"Another package has put files into {Path(__file__).parent}. {WAY_OUT}", RuntimeWarning, stacklevel=2
    )


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'autogen' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
