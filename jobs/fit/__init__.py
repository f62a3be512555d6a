"""Fitting limits by language to documents: `textmill fit thresholds`."""
