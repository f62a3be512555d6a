"""Rewriting and synthesis with language models (floor 2)."""
