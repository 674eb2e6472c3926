"""Agents: they keep conversations, pick a skill, and answer with a version whose manifest was checked."""

from __future__ import annotations

from autogen.agents.agent import Agent, Response, ResponseChunk

__all__ = ["Agent", "Response", "ResponseChunk"]
