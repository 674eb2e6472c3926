"""Base models, heads and losses, tuning methods: everything that is a torch module."""
