"""Wishes in words: read, kept through a conversation, and described."""
