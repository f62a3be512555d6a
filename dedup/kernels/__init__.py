"""Compiled loops of the dedup stages; imported by workers only when they start, because numba is slow to load."""
