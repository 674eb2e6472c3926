"""Queries in words: parsed, refined through a conversation, and described."""
