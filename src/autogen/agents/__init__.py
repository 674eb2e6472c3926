"""Agents: they keep conversations, pick a skill, and answer with a version whose manifest was checked."""

from __future__ import annotations

from autogen.agents.agent import Agent, Piece, Response

__all__ = ["Agent", "Piece", "Response"]
