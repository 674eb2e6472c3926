"""Base models, networks and tuning methods: every torch module that is no task's own."""
