"""A fastText classifier as arrays, read from the `.bin` or `.ftz` file that fastText writes.

The idea: the file is a header, a dictionary (`fasttext_file`) and two matrices (`fasttext_matrix`), so no binding is
needed to use it. A dense matrix is mapped from the file, so that all workers of a machine share it; a quantised one is
unpacked, 4 bytes a value (lid.176: 3 MB).
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba.types import int8, int32, int64, uint8, uint64

from stages.kernels.fasttext_file import CUT_OFF, DICTIONARY, HEADER, LABEL, entries_of, label_of_entry, read_part
from stages.kernels.fasttext_matrix import Floats, Ints, in_order_of_buckets, read_matrix
from stages.kernels.native import BYTES, native

HIERARCHICAL: Final = 1
NEGATIVE: Final = 2
SOFTMAX: Final = 3
ONE_VS_ALL: Final = 4
"""The losses: how the output matrix becomes probabilities."""

END_OF_LINE: Final = b"</s>"

FIRST_STATE: Final = 2166136261
"""Where the hash of a word starts."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The dictionary: entry n stands in `data` from `starts[n]` to `ends[n]`, words before labels.

    `kinds`: 0 a word, 1 a label · `slots`: an open-addressed table from a word's hash to its number, -1 = empty.
    """

    data: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int8]
    slots: Ints


@dataclass(frozen=True, slots=True)
class FastText:
    """A classifier, ready for the kernels.

    `labels`: without the prefix `__label__`, in the order of the output · `input`: float32, rows of `width` one after
    the other, first those of the words, then those of the buckets of n-grams · `output_columns`: float32, `width` rows
    with one value per label · `buckets`: how many · `kept`: one bit per bucket of a pruned model, 64 in each uint64,
    and `kept_before`: how many are set before each of those; both empty when nothing was pruned · `shortest`,
    `longest`: characters of the n-grams within words · `word_grams`: longest n-gram of words · `left`, `right`: int32,
    the Huffman tree of the hierarchical loss, one pair per inner node, leaves are labels.
    """

    labels: tuple[str, ...]
    words: Entries
    word_count: int
    width: int
    shortest: int
    longest: int
    word_grams: int
    buckets: int
    kept: npt.NDArray[np.uint64]
    kept_before: Ints
    loss: int
    input: Floats
    output_columns: Floats
    left: Ints
    right: Ints


def read_model(path: Path) -> FastText:
    """The classifier in a file of fastText's. Raises StageError for any other file; OSError where it cannot be read."""
    return read_part(path, _parse)


def _parse(data: mmap.mmap) -> FastText:
    _, _, width, _, _, _, _, word_grams, loss, _, buckets, shortest, longest, _, _ = HEADER.unpack_from(data)
    _, word_count, label_count, _, pruned = DICTIONARY.unpack_from(data, HEADER.size)
    words, counts, at = _read_dictionary(data)
    pairs = np.frombuffer(data, "<i4", 2 * max(0, pruned), at).reshape(-1, 2)
    at += pairs.nbytes
    quantised = bool(data[at])
    matrix, rows, at = read_matrix(data, at + 1, quantised=quantised)
    grams = 0 if longest <= 0 and word_grams <= 1 else buckets if pruned < 0 else pruned
    if rows < word_count + grams or (grams and not buckets):
        raise ValueError(f"its input has {rows} rows, fewer than words and buckets")
    output, targets, _ = read_matrix(data, at + 1, quantised=quantised and bool(data[at]))
    if targets != label_count or len(matrix) != rows * width or len(output) != targets * width:
        raise ValueError("its matrices do not fit its labels and its width")
    kept, kept_before = np.zeros(0, np.uint64), np.zeros(0, np.int32)
    if pruned >= 0:
        matrix, kept, kept_before = in_order_of_buckets(matrix.reshape(rows, width), word_count, pairs, buckets)
    left, right = _huffman_tree(counts[words.kinds == LABEL]) if loss == HIERARCHICAL else (np.zeros(0, np.int32),) * 2
    return FastText(
        _labels(words), words, word_count, width, shortest, longest, word_grams, buckets, kept, kept_before, loss,
        matrix, _turned(output, width), left, right,
    )  # fmt: skip


def _labels(words: Entries) -> tuple[str, ...]:
    spans = zip(words.starts[words.kinds == LABEL].tolist(), words.ends[words.kinds == LABEL].tolist())
    return tuple(label_of_entry(words.data[start:end].tobytes()) for start, end in spans)


def _turned(output: Floats, width: int) -> Floats:
    return np.ascontiguousarray(output.reshape(-1, width).T).reshape(-1)


def _read_dictionary(data: mmap.mmap) -> tuple[Entries, npt.NDArray[np.int64], int]:
    """The dictionary, how often each entry was seen, and where the file goes on."""
    size, at = entries_of(data)
    starts, ends, counts = (np.zeros(size, np.int64) for _ in range(3))
    kinds = np.zeros(size, np.int8)
    slots = np.full(1 << max(4, (3 * size).bit_length()), -1, np.int32)
    everything = np.frombuffer(data, np.uint8)
    stop = _scan_entries(everything, at, starts, ends, counts, kinds, slots)
    if stop < 0:
        raise ValueError(CUT_OFF)
    return Entries(everything[:stop], starts, ends, kinds, slots), counts, stop


def _huffman_tree(counts: npt.NDArray[np.int64]) -> tuple[Ints, Ints]:
    """The children of each inner node, built as fastText builds it: labels stand in falling order of count."""
    labels = len(counts)
    weights = [*counts.tolist(), *[10**15] * (labels - 1)]
    left, right = np.zeros(labels - 1, np.int32), np.zeros(labels - 1, np.int32)
    leaf, inner = labels - 1, labels
    for node in range(labels, 2 * labels - 1):
        picked = []
        for _ in range(2):
            if leaf >= 0 and weights[leaf] < weights[inner]:
                picked.append(leaf)
                leaf -= 1
            else:
                picked.append(inner)
                inner += 1
        left[node - labels], right[node - labels] = picked
        weights[node] = weights[picked[0]] + weights[picked[1]]
    return left, right


@native(uint64(uint64, uint8))
def next_state(state: Any, byte: Any) -> Any:
    """One step of FNV-1a of 32 bits as fastText has it: the byte is taken as a signed one."""
    wide = np.uint64(byte)
    if byte >= 128:
        wide |= np.uint64(0xFFFFFF00)
    return ((state ^ wide) * np.uint64(16777619)) & np.uint64(0xFFFFFFFF)


@native(uint64(BYTES, int64, int64))
def word_hash(data: npt.NDArray[np.uint8], start: int, end: int) -> Any:
    """The hash of the word [start, end)."""
    state = np.uint64(FIRST_STATE)
    for at in range(np.uint64(start), np.uint64(end)):
        state = next_state(state, data[at])
    return state


@native(uint64(uint64, uint64))
def first_slot(wanted: Any, mask: Any) -> Any:
    """Where the search for a hash starts in a table of `mask` + 1 slots."""
    return ((wanted * np.uint64(0x9E3779B1)) >> np.uint64(7)) & mask


@native(int64(BYTES, int64, int64[::1], int64[::1], int64[::1], int8[::1], int32[::1]))
def _scan_entries(
    data: npt.NDArray[np.uint8],
    at: int,
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.int8],
    slots: Ints,
) -> int:
    """Fill the columns and the slots; where the dictionary ends, or -1 when the file ends before it does."""
    mask = np.uint64(len(slots) - 1)
    for number in range(len(starts)):
        start = at
        while at < len(data) and data[at] != 0:
            at += 1
        if at + 10 > len(data):
            return -1
        starts[number] = start
        ends[number] = at
        count = np.int64(0)
        for byte in range(8):
            count |= np.int64(data[at + 1 + byte]) << np.int64(8 * byte)
        counts[number] = count
        kinds[number] = data[at + 9]
        slot = first_slot(word_hash(data, start, at), mask)
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = number
        at += 10
    return at
