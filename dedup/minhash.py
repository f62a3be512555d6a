"""Drops documents that are nearly the same as one that stays: MinHash finds candidates, exact Jaccard decides.

Three exchanges, none with a text: band keys meet in buckets; pairs of a bucket are told once; sets of hashes of the
candidates alone meet for the verdict. In between, the driver joins pairs to clusters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator

from dedup.minhash_bands import BAND, PAIR, Distinct, Link, Shape, Sign, candidates
from dedup.minhash_optimum import best_shape
from dedup.minhash_verify import ADDED, MEMBER, NEAR, RULE, Sets, Verify
from stages.find import Documents, Frame, part_count
from stages.stage import Find

MAX_HASHES: Final = 4096


class MinHash(Find):
    """Drops near-duplicates: documents whose sets of word 5-grams overlap by `threshold` or more with one that stays.

    *Candidates* are found by MinHash (Broder 1997, "On the resemblance and containment of documents") in 14 bands of 8
    hashes, the shape of FineWeb (Penedo et al. 2024, https://arxiv.org/abs/2406.17557; datatrove): two documents of
    Jaccard similarity .75 are compared with probability .77, of .8 with .92, of .85 with .99. Use `bands: auto` to let
    `threshold` choose the shape.

    *Verdicts* are exact: a document goes only if its Jaccard similarity to a survivor, over the sets of 64-bit hashes
    of their n-grams, is at least `threshold`, and that survivor stays. (FineWeb and most others drop whatever shares a
    bucket, and everything that hangs together by chains of it.) Survivors are settled one after the other, the longest
    text first, counted in bytes of UTF-8, then by the smallest `id`: so the answer depends on the documents alone.

    *Words* are compared in FineWeb's normal form: case folded, accents and combining marks removed, every run of digits
    as `0`, and anything that is neither letter nor number as a blank. In scripts without blanks (Chinese, Japanese,
    Thai, Lao, Tibetan, Myanmar, Khmer) each character is a word. A text with fewer than `ngram` words is one n-gram of
    all its words, so it has only equals; texts without any word are never duplicates of each other.

    *The ledger* has the rule `near_duplicate`, with value and similarity = the exact Jaccard similarity, limit = the
    threshold, and `twin_id` = the survivor. *Columns* added to a survivor and to all that was dropped for it:
    `cluster_id` (string, the survivor's id) and `cluster_size` (int64, how many they are); null for documents without
    near-duplicates, or as an earlier pass left them. FineWeb2 repeats documents by that size.

    *Cost*: reads the texts once, and the candidates' a second time. There travel 20 bytes per band and document and
    then 8 bytes per distinct n-gram of the candidates. The driver holds about 70 bytes per document that shares a
    bucket with another one (7 GB for a hundred million of these); where that is too much, run crawls apart, as FineWeb
    does.
    """

    version: ClassVar[int] = 1

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.75
    """The least Jaccard similarity at which a document goes; FineWeb's shape has its steepest point near .72."""
    keep: Literal["longest", "smallest_id"] = "longest"
    """Which of near-duplicates stays: the most bytes of text and then the smallest id, or the smallest id."""
    ngram: Annotated[int, Field(ge=1, le=100)] = 5
    """Words in a shingle."""
    bands: Annotated[int, Field(ge=1, le=MAX_HASHES)] | Literal["auto"] = 14
    """Bands of hashes, any one of which makes two documents candidates; `auto` takes the best for `threshold`."""
    rows: Annotated[int, Field(ge=1, le=MAX_HASHES)] | None = None
    """Hashes in a band, all of which must agree; 8 when left out. Chosen, too, with `bands: auto`."""
    permutations: Annotated[int, Field(ge=1, le=MAX_HASHES)] = 112
    """With `bands: auto`: how many hashes there may be in all."""
    within: Annotated[tuple[str, ...], Field(max_length=8)] = ()
    """Columns that must be equal too: `[dump]` is FineWeb's scope, `[language]` that of FineWeb2."""
    mode: Literal["drop", "tag"] = "drop"
    """`tag` drops nothing and only adds `cluster_id` and `cluster_size`; survivors are where `id` = `cluster_id`."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Chooses the permutations."""
    max_compares: Annotated[int, Field(ge=1)] = 1000
    """Exact comparisons for one document at most, latest survivors first; a warning counts documents that met it."""

    @model_validator(mode="after")
    def _shape_is_possible(self) -> Self:
        if self.bands == "auto":
            if self.rows is not None:
                raise ValueError("`rows` is chosen together with the bands: leave it out, or give `bands` a number")
        elif self.bands * (self.rows or 8) > MAX_HASHES:
            hashes = self.bands * (self.rows or 8)
            raise ValueError(f"bands × rows is {hashes} hashes per document; take at most {MAX_HASHES}, such as 14 × 8")
        return self

    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("text", *self.within)))

    def adds(self) -> Mapping[str, pa.DataType]:
        return ADDED

    def shape(self) -> Shape:
        """The bands and rows that are used."""
        if self.bands == "auto":
            bands, rows = best_shape(self.threshold, self.permutations)
            return Shape(self.ngram, bands, rows, self.seed)
        return Shape(self.ngram, self.bands, self.rows or 8, self.seed)

    def find(self, documents: Documents, tools: Any) -> Frame:
        shape, parts = self.shape(), part_count(documents)
        buckets = documents.rows(Sign(shape, self.within, parts), BAND, self.needs()).shuffle(parts, ["band", "place"])
        # Rows with equal (place, first) are equal altogether: the order of an exchange need not tell them apart.
        pairs = buckets.map(Link(parts), PAIR).shuffle(parts, ["place", "first"]).map(Distinct(), PAIR)
        near = documents.only(documents.table(candidates(pairs.collect())))
        # Ids may repeat where streams of one source meet again, so that the order ends in the place.
        members = near.rows(Sets(shape, self.keep, parts), MEMBER).shuffle(parts, ["cluster", "rank", "id", "place"])
        rule = RULE if self.mode == "drop" else None
        return members.map(Verify(shape.bands, self.threshold, rule, self.max_compares), NEAR)
