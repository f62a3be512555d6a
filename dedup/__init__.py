"""Deduplication: stages for which documents must meet (floor 2)."""
