"""Native kernels: what is measured on every byte of text, compiled by numba straight over Arrow's buffers.

Import them inside `open` alone, for they load numba; only `texts`, `characters` and `fasttext_file` are light.
"""
