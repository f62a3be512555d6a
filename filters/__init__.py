"""Filters: stages that keep or drop single documents by published rules (floor 2)."""
