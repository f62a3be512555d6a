"""The three kinds of step: what a worker does with one part, and how the driver commits the whole."""
