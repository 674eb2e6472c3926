"""Feedback: kept, curated, reviewed, exchanged."""
