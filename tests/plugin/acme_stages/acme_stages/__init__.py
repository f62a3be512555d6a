"""Stages for textmill from a package of their own: `acme.shout` and `acme.no_shouting`."""
