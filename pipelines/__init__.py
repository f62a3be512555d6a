"""Reads pipeline YAML, checks it, compiles it to a plan; the shipped recipes live here (floor 3)."""
