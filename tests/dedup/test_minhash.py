"""What `dedup.minhash` promises: only true near-duplicates of what stays go, whatever the parts and batches."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from dedup.minhash import MinHash
from dedup.minhash_bands import BAND, PAIR, Distinct, Link, Shape, Sign
from dedup.minhash_verify import MEMBER, NEAR, Sets, Verify

WORDS = [f"{first}{second}{third}" for first, second, third in product("bdfgklmn", "aeiou", "prst")]


def prose(seed: int, words: int = 240) -> list[str]:
    chosen = random.Random(seed)
    return [chosen.choice(WORDS) for _ in range(words)]


def changed(words: list[str], seed: int, changes: int) -> list[str]:
    chosen = random.Random(seed)
    copy = list(words)
    for at in chosen.sample(range(len(copy)), changes):
        copy[at] = "changed" + chosen.choice(WORDS)
    return copy


def exact_jaccard(one: str, other: str, ngram: int = 5) -> float:
    def shingles(text: str) -> set[tuple[str, ...]]:
        words = text.lower().split()
        return {tuple(words[at : at + ngram]) for at in range(max(1, len(words) - ngram + 1))}

    left, right = shingles(one), shingles(other)
    return len(left & right) / len(left | right)


def families(count: int, copies: int) -> list[str]:
    """Each family is a text and copies of it with ever more changes; Jaccard similarities from 1 to about .4."""
    texts = []
    for family in range(count):
        base = prose(family)
        texts += [" ".join(changed(base, 1000 * family + copy, copy)) for copy in range(copies)]
    random.Random(0).shuffle(texts)
    return texts


def test_the_first_of_near_copies_with_one_id_stays_in_whatever_order_they_come(corpus: Any, findings: Any) -> None:
    documents = corpus([" ".join(prose(1))] * 4, id=["1"] * 4)
    backwards = replace(documents, rows_at_rest=documents.rows_at_rest.sort_by([("place", "descending")]))

    dropped = [
        [row for row, finding in findings(MinHash(), given).items() if "rule" in finding]
        for given in (documents, backwards)
    ]
    assert dropped == [[1, 2, 3]] * 2


def test_a_near_copy_is_dropped_with_its_similarity_and_the_survivor(corpus: Any, findings: Any) -> None:
    base = prose(1)
    texts = [" ".join(base[:-4]), " ".join(base), " ".join(prose(2))]

    found = findings(MinHash(), corpus(texts))

    near = exact_jaccard(texts[0], texts[1])
    survivor = {"cluster_id": f"{1:032x}", "cluster_size": 2}
    drop = {"rule": "near_duplicate", "value": near, "limit": 0.75, "twin_id": f"{1:032x}", "similarity": near}
    assert found == {0: {**drop, **survivor}, 1: survivor}


def test_whatever_is_dropped_is_truly_near_a_document_that_stays(corpus: Any, findings: Any) -> None:
    texts = families(12, 10)

    found = findings(MinHash(), corpus(texts, cut=7, parts=3))

    dropped = {row: finding for row, finding in found.items() if "rule" in finding}
    assert len(dropped) > 30
    for row, finding in dropped.items():
        twin = int(finding["twin_id"], 16)
        assert twin not in dropped
        assert len(texts[twin]) >= len(texts[row])
        assert finding["similarity"] == exact_jaccard(texts[row], texts[twin]) >= 0.75


def test_no_near_pair_that_shares_a_bucket_stays(corpus: Any, findings: Any) -> None:
    texts = families(8, 8)

    # One row a band makes candidates of everything that shares anything: what is left is the verdicts' doing.
    found = findings(MinHash(bands=64, rows=1), corpus(texts, cut=11))

    kept = [text for row, text in enumerate(texts) if "rule" not in found.get(row, {})]
    assert all(exact_jaccard(one, other) < 0.75 for at, one in enumerate(kept) for other in kept[:at])


@pytest.mark.parametrize(("parts", "cut"), [*product([1, 3, 7], [1, 5, 1000])])
def test_parts_and_batches_do_not_change_the_answer(corpus: Any, findings: Any, parts: int, cut: int) -> None:
    texts = [*families(6, 8), *["the same short text"] * 9, "", " . ", ""]

    found = findings(MinHash(), corpus(texts, parts=parts, cut=cut))

    assert found == findings(MinHash(), corpus(texts, parts=2, cut=17))
    assert len(found) > 20


def test_order_of_the_documents_does_not_matter(corpus: Any, findings: Any) -> None:
    texts = families(6, 8)
    ids = [f"{random.Random(row).getrandbits(128):032x}" for row in range(len(texts))]
    shuffled = random.Random(5).sample(range(len(texts)), len(texts))

    found = findings(MinHash(), corpus(texts, id=ids))
    again = findings(MinHash(), corpus([texts[row] for row in shuffled], id=[ids[row] for row in shuffled]))

    assert found == {shuffled[row]: finding for row, finding in sorted(again.items(), key=lambda it: shuffled[it[0]])}


def test_the_survivor_is_the_longest_or_the_smallest_id(corpus: Any, findings: Any) -> None:
    base = prose(3)
    texts = [" ".join(base[:-2]), " ".join(base), " ".join(base).upper()]

    longest = findings(MinHash(), corpus(texts))
    smallest = findings(MinHash(keep="smallest_id"), corpus(texts))

    assert {row: finding["cluster_id"] for row, finding in longest.items()} == dict.fromkeys(range(3), f"{1:032x}")
    assert {row: finding["cluster_id"] for row, finding in smallest.items()} == dict.fromkeys(range(3), f"{0:032x}")


def test_a_chain_does_not_drag_along_what_is_only_near_a_dropped_one(corpus: Any, findings: Any) -> None:
    base = prose(4, 300)
    texts = [" ".join(base[start : 260 + start]) + " pad" * (40 - start) for start in (0, 20, 40)]
    assert exact_jaccard(texts[0], texts[2]) < 0.75 <= exact_jaccard(texts[1], texts[2])

    found = findings(MinHash(bands=64, rows=1), corpus(texts))

    assert {row: finding.get("rule") for row, finding in found.items()} == {0: None, 1: "near_duplicate"}


def test_short_texts_have_only_equals_and_empty_ones_none(corpus: Any, findings: Any) -> None:
    texts = ["Page not found!", "page NOT  found", "page not here", "", "", None, "...", "!!"]

    assert list(findings(MinHash(), corpus(texts))) == [0, 1]


def test_case_accents_digits_and_punctuation_do_not_count(corpus: Any, findings: Any) -> None:
    texts = [
        "Le caf\u00e9 ouvre \u00e0 10 heures, le 3 mai 2024.",
        "LE CAFE OUVRE A 9 HEURES -- le 31 mai 1999",
        "Le cafe\u0301 ouvre a\u0300 7 heures le 1 mai 1",
    ]

    found = findings(MinHash(threshold=1.0), corpus(texts))

    assert sorted(finding.get("value", 0.0) for finding in found.values()) == [0.0, 1.0, 1.0]


def test_scripts_without_blanks_are_compared_by_character(corpus: Any, findings: Any) -> None:
    text = "".join(chr(0x4E00 + 7 * number % 1999) for number in range(300))

    assert list(findings(MinHash(), corpus([text, text[:290], text[::-1]]))) == [0, 1]


def test_documents_of_two_scopes_never_meet(corpus: Any, findings: Any) -> None:
    texts = [" ".join(prose(5))] * 5

    found = findings(MinHash(within=("dump",)), corpus(texts, dump=["a", "b", "a", None, "b"]))

    sizes = {row: (int(finding["cluster_id"], 16), finding["cluster_size"]) for row, finding in found.items()}
    assert sizes == {0: (0, 2), 1: (1, 2), 2: (0, 2), 4: (1, 2)}


def test_mode_tag_only_adds_columns(corpus: Any, findings: Any) -> None:
    texts = [" ".join(prose(6))] * 3

    found = findings(MinHash(mode="tag"), corpus(texts))

    assert found == {row: {"cluster_id": f"{0:032x}", "cluster_size": 3} for row in range(3)}


def test_documents_without_candidates_are_not_read_again(corpus: Any, findings: Any) -> None:
    assert findings(MinHash(), corpus([" ".join(prose(seed)) for seed in range(9)])) == {}
    assert findings(MinHash(), corpus([])) == {}


def test_impossible_shapes_are_refused() -> None:
    assert MinHash().shape().bands == 14
    for fields, message in (
        ({"threshold": 0}, "greater than 0"),
        ({"bands": 1000, "rows": 50}, "50000 hashes per document; take at most 4096"),
        ({"bands": "auto", "rows": 8}, "leave it out"),
    ):
        with pytest.raises(ValidationError, match=message):
            MinHash.model_validate(fields)


def test_a_document_is_compared_with_so_many_survivors_and_the_rest_is_counted(
    corpus: Any, findings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    base = prose(7, 60)
    texts = [" ".join([*base, *prose(seed, 60)]) for seed in range(10, 20)]
    texts.append(texts[0][:-3])

    bounded = findings(MinHash(bands=64, rows=1, max_compares=2), corpus(texts))

    assert bounded == {}
    assert "were compared with only 2 survivors" in caplog.text
    assert len(findings(MinHash(bands=64, rows=1), corpus(texts))) == 2


def test_forgetting_survivors_depends_on_no_batch_and_drops_nothing_unverified(corpus: Any) -> None:
    texts = families(10, 4)

    def dropped(cut: int, max_survivors: int) -> dict[int, int]:
        shape = Shape(ngram=5, bands=64, rows=1, seed=1)
        verify = Verify(64, 0.75, "near_duplicate", 1000, max_survivors, max_shingles=5000)
        documents = corpus(texts, cut=cut, cluster=[0] * len(texts))
        members = documents.rows(Sets(shape, "longest", 1), MEMBER, ("text", "cluster"))
        found = members.shuffle(1, ["cluster", "rank", "id"]).map(verify, NEAR).collect().to_pylist()
        return {row["place"] & 0xFFFF: int(row["twin_id"], 16) for row in found if row["rule"]}

    forgetful = dropped(1, 8)

    assert forgetful == dropped(4, 8) == dropped(1000, 8)
    assert 0 < len(forgetful) < len(dropped(4, 100_000))
    assert all(exact_jaccard(texts[row], texts[twin]) >= 0.75 for row, twin in forgetful.items())


def test_a_bucket_of_thousands_gives_one_pair_for_each_and_one_cluster(corpus: Any, findings: Any) -> None:
    documents = corpus(["This page was not found."] * 5000, cut=64, parts=3)
    shape = MinHash().shape()

    pairs = documents.rows(Sign(shape, (), 1), BAND).shuffle(1, ["band", "place"]).map(Link(1), PAIR)
    found = findings(MinHash(), documents)

    assert pairs.collect().num_rows <= 14 * 4999
    assert pairs.shuffle(1, ["place", "first"]).map(Distinct(), PAIR).collect().num_rows == 4999
    assert sum("rule" in finding for finding in found.values()) == 4999
    assert {finding["cluster_size"] for finding in found.values()} == {5000}


def test_no_text_travels() -> None:
    assert all("text" not in schema.names for schema in (BAND, PAIR, MEMBER))
