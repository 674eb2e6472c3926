"""Immutable versions, the champion among them, and the gate that a candidate must pass."""
