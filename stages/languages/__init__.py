"""Telling languages: one scheme of labels, the identifiers, what makes a text tell no language, and segments."""
