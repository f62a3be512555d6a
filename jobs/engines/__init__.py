"""Engines: four verbs (scan, map, shuffle, collect) over worker processes; none of them knows what a document is."""
