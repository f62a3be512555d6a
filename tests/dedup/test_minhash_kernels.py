"""What the kernels of `dedup.minhash` promise: an unbiased estimate, exact similarities, one normal form."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash as SketchMinHash
from datasketch.lsh import _optimal_param
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.components import join_pairs, roots_of
from dedup.kernels.hash_sort import EDGES, distinct_sorted
from dedup.kernels.normal_form import normal_form
from dedup.kernels.shingles import hash_words, shingle_sets
from dedup.kernels.verify import similarity
from dedup.minhash_bands import Shape, candidates, coefficients, keys_of, keys_of_sets, signatures
from dedup.minhash_optimum import best_shape, chance
from stages.kernels.texts import texts_of

COEFFICIENTS = ["0x2d0f28c7e7e786b3", "0x75856f745165f253", "0x8674bbc2735955af", "0x5c1d49a70d26949a"]
KEYS = ["0xc2b75a08ffdf6188", "0xc5a206f37d9af863"]


def words_of(text: str) -> list[int]:
    form, data = normal_form(), np.frombuffer(text.encode(), np.uint8)
    words = np.empty(len(data) // 2 + 2, np.uint64)
    return words[: hash_words(data, 0, len(data), form.entries, form.spellings, words)].tolist()


def written_sets(texts: list[str], ngram: int) -> tuple[np.ndarray, np.ndarray]:
    form, read = normal_form(), texts_of(pa.array(texts))
    sets = np.empty(len(read.data) // 2 + 2 * len(read), np.uint64)
    edges = np.empty(len(read) + 1, np.int64)
    written = shingle_sets(read.data, read.starts, read.ends, form.entries, form.spellings, ngram, sets, edges)
    return sets[:written], edges


def sets_of(texts: list[str], ngram: int = 5) -> list[set[int]]:
    sets, edges = written_sets(texts, ngram)
    found = [sets[start:end].tolist() for start, end in pairwise(edges.tolist())]
    assert all(one == sorted(set(one)) for one in found)
    return [set(one) for one in found]


def overlapping(shared: int, alone: int, seed: int) -> tuple[str, str]:
    chosen = random.Random(seed)
    pool = ["".join(chosen.choices("abcdefghijklmnop", k=10)) for _ in range(shared + 2 * alone)]
    same = " ".join(pool[:shared])
    return f"{same} {' '.join(pool[shared : shared + alone])}", f"{same} {' '.join(pool[shared + alone :])}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Caf\u00e9", "CAFE\u0301"),
        ("stra\u00dfe", "STRASSE"),
        ("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03c3\u03b9\u03c3\u03c5\u03c6\u03bf\u03c3"),
        ("a1b", "a2024b"),
        ("\u0661\u0662", "7"),
        ("x, y", "x\u2014y!"),
        ("x y", "\U0001f389x\u00a0\ny\U0001f389"),
        ("soft\u00adhyphen", "softhyphen"),
        ("\ud55c\uae00", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
        ("\u4e2d\u6587", "\u4e2d \u6587"),
        ("\u304c", "\u304b\u3099"),
        ("", " .\t\u3000\u0301"),
    ],
)
def test_these_spellings_are_the_same_words(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("one", 1), ("one two", 2), ("\u0e01\u0e34\u0e19x", 3), ("a\u4e2db", 3), ("it's", 2)]
)
def test_words_are_counted(text: str, count: int) -> None:
    assert len(words_of(text)) == count


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_broken_utf8_is_read_to_its_end_and_never_past_it(data: bytes) -> None:
    form = normal_form()
    words = np.empty(len(data) // 2 + 2, np.uint64)
    padded = np.frombuffer(data + b"\xf0\x9f\x8e\x89", np.uint8)

    count = hash_words(padded, 0, len(data), form.entries, form.spellings, words)

    assert 0 <= count <= len(words)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 6))
def test_sets_of_shingles_are_those_of_the_words(one: list[str], other: list[str], ngram: int) -> None:
    def grams(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[at : at + ngram]) for at in range(max(1, len(words) - ngram + 1))} if words else set()

    found, again = sets_of([" ".join(one), " ".join(other)], ngram)

    assert len(found) == len(grams(one))
    assert len(found & again) == len(grams(one) & grams(other))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=200), st.sampled_from([0, 1, 56, 64]))
def test_hashes_are_sorted_and_left_once_each_however_they_crowd(numbers: list[int], spread: int) -> None:
    hashes = np.array([(number << spread | number) % 2**64 for number in numbers], np.uint64)
    expected = sorted(set(hashes.tolist()))

    count = distinct_sorted(hashes, len(hashes), np.empty(len(hashes), np.uint64), np.empty(EDGES, np.int64))

    assert hashes[:count].tolist() == expected


@pytest.mark.parametrize("count", [25, 1000, 200_000])
def test_many_hashes_are_sorted(count: int) -> None:
    hashes = np.random.default_rng(count).integers(0, 2**64, count, np.uint64, endpoint=False)
    hashes[::3] = hashes[0]
    expected = np.unique(hashes)

    left = distinct_sorted(hashes, count, np.empty(count, np.uint64), np.empty(EDGES, np.int64))

    assert np.array_equal(hashes[:left], expected)


def test_a_set_of_shingles_has_the_keys_of_its_text() -> None:
    shape = Shape(ngram=2, bands=5, rows=3, seed=7)
    texts = ["a rose is a rose is a rose", "", "one", "\u4e2d\u6587 and then some", "a rose is a rose"]

    keys, _ = keys_of(pa.array(texts), shape)

    assert np.array_equal(keys, keys_of_sets(*written_sets(texts, shape.ngram), shape))


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.sampled_from([0.1, 0.5, 0.75, 0.8, 1.0]))
def test_similarity_is_exact_or_known_to_be_too_low(one: set[int], other: set[int], least: float) -> None:
    left, right = np.array(sorted(one), np.uint64), np.array(sorted(other), np.uint64)
    if len(left) + len(right) == 0:
        return

    exact = len(one & other) / len(one | other)

    assert similarity(left, 0, len(left), right, 0, len(right), least) == (exact if exact >= least else 0.0)


@pytest.mark.parametrize(("shared", "alone"), [(400, 0), (380, 20), (300, 60), (200, 100), (40, 180)])
def test_the_estimate_is_unbiased_like_that_of_datasketch(shared: int, alone: int) -> None:
    shape = Shape(ngram=1, bands=64, rows=8, seed=1)
    truth = shared / (shared + 2 * alone)
    ours, theirs = [], []
    for seed in range(12):
        one, other = overlapping(shared, alone, seed)
        signed, _ = signatures(pa.array([one, other]), shape)
        ours.append(float(np.mean(signed[0] == signed[1])))
        sketches = [SketchMinHash(num_perm=256, seed=seed + 1) for _ in range(2)]
        for sketch, text in zip(sketches, (one, other)):
            sketch.update_batch([word.encode() for word in text.split()])
        theirs.append(sketches[0].jaccard(sketches[1]))

    # Five standard errors of the mean of twelve estimates.
    slack = 5 * np.sqrt(truth * (1 - truth) / 12)
    assert abs(np.mean(ours) - truth) <= slack / np.sqrt(512)
    assert abs(np.mean(ours) - np.mean(theirs)) <= slack * (1 / np.sqrt(512) + 1 / np.sqrt(256))


@pytest.mark.parametrize(("shared", "alone"), [(300, 50), (240, 80), (150, 125)])
def test_candidates_are_found_with_the_stated_chance(shared: int, alone: int) -> None:
    shape, trials = Shape(ngram=1, bands=14, rows=8, seed=3), 400
    texts = [text for seed in range(trials) for text in overlapping(shared, alone, seed)]

    keys, _ = keys_of(pa.array(texts), shape)

    found = float(np.mean((keys[::2] == keys[1::2]).any(axis=1)))
    expected = chance(shared / (shared + 2 * alone), 14, 8)
    assert abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / trials) + 0.01


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.75, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("permutations", [16, 64, 112, 128])
def test_the_best_shape_is_that_of_datasketch(threshold: float, permutations: int) -> None:
    assert best_shape(threshold, permutations) == _optimal_param(threshold, permutations, 0.5, 0.5)


def test_signatures_are_the_same_for_ever() -> None:
    factors, summands = coefficients(1, 2)
    keys, worded = keys_of(pa.array(["The quick brown fox jumps over 13 lazy dogs.", ""]), Shape(5, 2, 2, 1))

    assert [hex(number) for number in (*factors.tolist(), *summands.tolist())] == COEFFICIENTS
    assert [hex(key) for key in keys[0].tolist()] == KEYS
    assert worded.tolist() == [True, False]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=20))
def test_components_are_named_by_their_smallest_member(pairs: list[tuple[int, int]]) -> None:
    expected = list(range(16))
    for _ in expected:
        for one, other in pairs:
            expected[one] = expected[other] = min(expected[one], expected[other])
    parents = np.arange(16)

    join_pairs(
        np.array([one for one, _ in pairs], np.int64), np.array([other for _, other in pairs], np.int64), parents
    )

    assert roots_of(np.arange(16), parents).tolist() == expected


@pytest.mark.parametrize("seed", range(3))
def test_components_of_long_chains_are_found_whatever_the_order_and_the_cut(seed: int) -> None:
    chance, rows = np.random.default_rng(seed), 20_000
    names = chance.permutation(rows)
    # Chains of a thousand documents, each the near-duplicate of the next one alone.
    chained = np.flatnonzero(np.arange(rows - 1) % 1000 != 999)
    expected = np.repeat(names.reshape(-1, 1000).min(axis=1), 1000)
    parents = np.arange(rows)

    for pairs in np.array_split(chance.permutation(chained), 7):
        join_pairs(names[pairs], names[pairs + 1], parents)

    assert np.array_equal(roots_of(np.arange(rows), parents)[names], expected)


def test_candidates_are_the_documents_in_pairs() -> None:
    pairs = pa.table({"place": pa.array([9, 7, 5], pa.int64()), "first": pa.array([7, 3, 4], pa.int64())})

    assert candidates(pairs).to_pydict() == {"place": [3, 4, 5, 7, 9], "cluster": [3, 4, 4, 3, 3]}
