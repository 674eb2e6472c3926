"""Texts that are out of scope for almost every project, packaged, so that declining needs no `oos` rows of its own."""
