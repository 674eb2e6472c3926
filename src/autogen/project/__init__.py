"""The loop: train, evaluate, improve, promote, on a folder with an `agent.toml`."""

from __future__ import annotations

from autogen.project.project import Project

__all__ = ["Project"]
