"""The task `token-classification`: entities in a text, each a span of characters with a label."""
