"""The contract of a stage, the document schema, text kernels, and the stages every pipeline uses (floor 1)."""
