"""Rows in: readers, checks, splits."""
