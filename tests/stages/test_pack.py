"""What packing promises: every kept document comes back byte for byte, and every token is accounted for."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.document import child_id
from stages.move import EVEN, Gathered
from stages.pack import Pack
from stages.stage import stage_key
from stages.tokenize import Tokenize, Tools
from stages.tokenizers import decode

TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.sampled_from(["", "<|endoftext|>", "a <s><pad>", "mill wheel " * 30, "👩‍👩‍👧‍👦 水車 \0"]),
    max_size=12,
)
WAYS = [
    Pack(how="concat", length=16),
    Pack(how="best_fit", length=16),
    Pack(how="best_fit", length=2**16),
    Pack(how="buckets", smallest=4, largest=16),
    Pack(how="buckets", smallest=4, largest=16, rest="pack", label="extra"),
]


@pytest.fixture(scope="module", params=["file", "cl100k"])
def tokenizer(request: pytest.FixtureRequest, tokenizer_file: Path) -> tuple[Tokenize, Tools]:
    stage = Tokenize(tokenizer=tokenizer_file if request.param == "file" else "cl100k")
    return stage, stage.open()


def documents_of(lengths: list[int | None]) -> pa.RecordBatch:
    """Documents whose tokens are numbered through, document by document, with 3 bytes a token."""
    tokens = [None if size is None else [1000 * row + at for at in range(size)] for row, size in enumerate(lengths)]
    return pa.record_batch(
        {
            "id": [f"{row:032x}" for row in range(len(lengths))],
            "url": [f"https://x.example/{row}" for row in range(len(lengths))],
            "input_ids": pa.array(tokens, pa.list_(pa.int32())),
            "text_bytes": pa.array([3 * (size or 0) + 1 for size in lengths], pa.int64()),
        }
    )


def gathered(stage: Pack, *batches: pa.RecordBatch) -> list[Gathered]:
    return list(stage.gather(iter(batches), stage.open()))


def rows_of(stage: Pack, *batches: pa.RecordBatch) -> list[dict[str, Any]]:
    """The sequences, once each was found to be what its row says."""
    rows = [row for one in gathered(stage, *batches) for row in one.rows.to_pylist()]
    for row in rows:
        edges = [0, *np.cumsum(row["seq_lens"]).tolist()]
        assert [(span["start"], span["end"]) for span in row["doc_spans"]] == list(pairwise(edges))
        assert len(row["doc_ids"]) == len(row["doc_starts"]) == len(row["seq_lens"])
        assert row["tokens"] == edges[-1] <= row["length"]
        assert len(row["input_ids"]) == (row["tokens"] if stage.pad is None else row["length"])
    return rows


def joined(rows: list[dict[str, Any]]) -> dict[str, list[int]]:
    """The tokens of every document, put together from its pieces; these leave no gap and do not overlap."""
    pieces: dict[str, list[tuple[int, list[int]]]] = defaultdict(list)
    for row in rows:
        for name, span, start in zip(row["doc_ids"], row["doc_spans"], row["doc_starts"]):
            pieces[name].append((start, row["input_ids"][span["start"] : span["end"]]))
    found: dict[str, list[int]] = {}
    for name, mine in pieces.items():
        tokens: list[int] = []
        for start, piece in sorted(mine):
            assert start == len(tokens)
            tokens += piece
        found[name] = tokens
    return found


def measures_of(results: list[Gathered]) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for one in results:
        for name, count in one.measures.items():
            total[name] += count
    return dict(total)


@pytest.mark.parametrize("stage", WAYS, ids=lambda stage: f"{stage.how}-{stage.length or stage.rest}")
@settings(max_examples=40)
@given(texts=TEXTS)
def test_every_kept_document_comes_back_byte_for_byte(
    tokenizer: tuple[Tokenize, Tools], stage: Pack, texts: list[str]
) -> None:
    tokenize, tools = tokenizer
    batch = pa.record_batch({"id": [f"{row:032x}" for row in range(len(texts))], "text": pa.array(texts, pa.string())})
    batch = tokenize.map(batch, tools)
    assert isinstance(batch, pa.RecordBatch)

    results = gathered(stage, batch)
    packed = joined(rows_of(stage, batch))

    lost = 0
    for name, text, ids in zip(*(batch[column].to_pylist() for column in ("id", "text", "input_ids"))):
        back = packed.get(name, [])
        lost += len(ids) - len(back)
        assert back == ids[: len(back)]
        assert text.encode().startswith(decode(tools.tokenizer, back))
        if stage.how != "buckets" or stage.rest == "pack":
            assert decode(tools.tokenizer, back) == text.encode()
    assert measures_of(results).get("dropped_tokens", 0) == lost


@pytest.mark.parametrize("stage", WAYS, ids=lambda stage: f"{stage.how}-{stage.length or stage.rest}")
def test_the_measures_are_what_the_rows_say(stage: Pack) -> None:
    lengths = [5, 40, 0, 3, 17, 16, 70, 1]
    results = gathered(stage, documents_of(lengths))
    rows = rows_of(stage, documents_of(lengths))

    told = measures_of(results)

    pieces = [(name, size) for row in rows for name, size in zip(row["doc_ids"], row["seq_lens"])]
    names = [name for name, _ in pieces]
    whole = {f"{row:032x}": size for row, size in enumerate(lengths)}
    held = sum(size for _, size in pieces)
    assert told["sequences"] == len(rows)
    assert told["documents"] == len(set(names))
    assert told["tokens"] == held == sum(row["tokens"] for row in rows)
    assert told["padding"] == sum(row["length"] - row["tokens"] for row in rows)
    assert told["split_documents"] == sum(names.count(name) > 1 for name in set(names))
    assert told["truncated_documents"] == sum(len(ids) < whole[name] for name, ids in joined(rows).items())
    assert told["dropped_tokens"] == sum(lengths) - held
    assert told["attention_cost"] == sum(size**2 for _, size in pieces)
    assert told["attention_cost_unmasked"] == sum(row["tokens"] ** 2 for row in rows)
    assert told["text_bytes"] == sum(row["text_bytes"] for row in rows)
    rooms = [row["length"] for row in rows]
    counts = {f"length_{room}.sequences": rooms.count(room) for room in set(rooms)}
    assert {name: told[name] for name in counts if stage.how == "buckets"} == (counts if stage.how == "buckets" else {})


def test_the_bytes_of_cut_documents_are_dealt_out_whole() -> None:
    rows = rows_of(Pack(how="concat", length=7), documents_of([5, 40, 3]))

    assert sum(row["text_bytes"] for row in rows) == sum(3 * size + 1 for size in (5, 40, 3))
    without = documents_of([5, 40]).drop_columns(["text_bytes"])
    assert {row["text_bytes"] for row in rows_of(Pack(how="concat", length=7), without)} == {0}


def test_best_fit_keeps_documents_whole_that_fit() -> None:
    lengths = [5, 9, 3, 16, 11, 40]
    rows = rows_of(Pack(how="best_fit", length=16), documents_of(lengths))

    names = [name for row in rows for name in row["doc_ids"]]
    assert [names.count(f"{row:032x}") for row in range(len(lengths))] == [1, 1, 1, 1, 1, 3]


@pytest.mark.parametrize("stage", WAYS, ids=lambda stage: f"{stage.how}-{stage.length or stage.rest}")
def test_the_cut_into_batches_changes_nothing(stage: Pack) -> None:
    documents = documents_of([5, 40, 0, 3, 17, 16, 70, 1, None, 8])

    whole = rows_of(stage, documents)
    cut = rows_of(stage, documents.slice(0, 2), documents.slice(2, 1), documents.slice(3))

    assert cut == whole
    assert measures_of(gathered(stage, documents)) == measures_of(gathered(stage, documents[:4], documents[4:]))


def test_documents_without_a_place_are_dropped_by_a_rule() -> None:
    documents = documents_of([0, 9, None, 3])

    plain = [one.drops for one in gathered(Pack(), documents) if one.drops]
    bucket = [one.drops for one in gathered(Pack(how="buckets", smallest=4, label="extra"), documents) if one.drops]

    ((batch, verdicts),) = plain
    assert batch["url"].to_pylist() == documents["url"].to_pylist()
    assert verdicts.rule.to_pylist() == ["no_tokens", None, "no_tokens", None]
    ((_, verdicts),) = bucket
    assert verdicts.rule.to_pylist() == ["no_tokens", None, "no_tokens", "below_smallest"]
    assert verdicts.value.to_pylist()[3] == 3.0
    assert verdicts.limit.to_pylist()[3] == 5.0


def test_a_part_without_documents_gives_no_sequences() -> None:
    assert gathered(Pack()) == []
    assert [one.rows.num_rows for one in gathered(Pack(), documents_of([0, None]))] == [0]


def test_buckets_give_each_length_a_folder() -> None:
    stage = Pack(how="buckets", smallest=4, largest=16)
    rows = rows_of(stage, documents_of([30, 21, 70]))

    lengths = [row["length"] for row in rows]
    assert stage.folders() == "length"
    assert lengths == sorted(lengths)
    assert set(lengths) == {4, 8, 16}
    assert all(len(row["doc_ids"]) == 1 and row["tokens"] == row["length"] for row in rows)
    assert Pack().folders() is None


def test_ids_are_made_of_the_first_document_and_the_stage() -> None:
    stage = Pack(how="concat", length=8, order="keep")
    rows = rows_of(stage, documents_of([5, 12]))

    key = stage_key(stage)
    first, second = documents_of([5, 12])["id"].to_pylist()
    assert [row["id"] for row in rows] == [child_id(first, key, 0), child_id(second, key, 3), child_id(second, key, 11)]
    other = rows_of(Pack(how="concat", length=8, order="keep", seed=1), documents_of([5, 12]))
    assert {row["id"] for row in rows}.isdisjoint(row["id"] for row in other)


def test_sequences_have_ids_of_their_own_where_a_document_comes_twice() -> None:
    once = documents_of([16, 16])
    rows = rows_of(Pack(length=16), once, once)

    assert len({row["id"] for row in rows}) == len(rows) == 4


def test_shuffled_sequences_lie_in_the_order_of_their_ids() -> None:
    documents = documents_of([size % 30 + 1 for size in range(0, 1400, 7)])
    shuffled, kept = (rows_of(Pack(length=32, order=order), documents) for order in ("shuffle", "keep"))

    ids = [row["id"] for row in shuffled]
    assert ids == sorted(ids)
    firsts = [row["doc_ids"][0] for row in kept]
    assert firsts == sorted(firsts)
    assert sorted(row["doc_ids"] for row in shuffled) == sorted(row["doc_ids"] for row in kept)


def test_documents_are_routed_by_the_pipelines_seed() -> None:
    documents = documents_of([1] * 200).append_column("place", pa.array(range(200), pa.int64()))
    stage = Pack()
    seeded = [stage.placed(Path(), seed) for seed in (1, 1, 2)]

    routes = [one.route(documents, 5, one.open()) for one in seeded]

    assert set(routes[0][0].tolist()) == set(range(5))
    assert np.array_equal(routes[0][1], routes[1][1])
    assert not np.array_equal(routes[0][1], routes[2][1])
    assert Pack(seed=9).placed(Path(), 1) == Pack(seed=9)
    even = documents.append_column(EVEN, pa.array([0] * 100 + [3] * 100, pa.int32()))
    part, rank = Pack(order="keep").route(even, 5, "")
    assert part.tolist() == even[EVEN].to_pylist()
    assert rank.tolist() == list(range(200))


def test_padding_fills_sequences_and_counts_in_no_target() -> None:
    stage = Pack(how="best_fit", length=8, pad=7, loss_mask="padding", order="keep")
    (row,) = rows_of(stage, documents_of([3, 2]))

    assert row["input_ids"] == [0, 1, 2, 1000, 1001, 7, 7, 7]
    assert row["loss_mask"] == [True] * 5 + [False] * 3
    starts = Pack(how="best_fit", length=8, pad=7, loss_mask="starts", order="keep")
    assert rows_of(starts, documents_of([3, 2]))[0]["loss_mask"] == [False, True, True, False, True] + [False] * 3
    short = Pack(how="best_fit", length=8, loss_mask="starts")
    assert rows_of(short, documents_of([3, 2]))[0]["loss_mask"] == [False, True, True, False, True]


def test_large_parts_come_in_several_batches() -> None:
    tokens = pa.ListArray.from_arrays(
        pa.array(range(0, 10_000_001, 1000), pa.int32()), pa.array(np.arange(10_000_000, dtype=np.int32))
    )
    documents = pa.record_batch({"id": [f"{row:032x}" for row in range(10_000)], "input_ids": tokens})

    batches = [one.rows for one in gathered(Pack(length=4096), documents)]

    assert len(batches) == 3
    found = np.concatenate([batch["input_ids"].flatten().to_numpy() for batch in batches])
    assert np.array_equal(np.sort(found), np.arange(10_000_000))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"smallest": 4}, "`smallest` belongs to `how: buckets`, not to `how: best_fit`"),
        ({"how": "concat", "rest": "pack"}, "`rest` belongs to `how: buckets`"),
        ({"how": "buckets", "length": 4}, "has no one `length`"),
        ({"how": "buckets", "smallest": 100}, "no power of two, such as 128"),
        ({"how": "buckets", "smallest": 512, "largest": 256}, "`smallest` is 512, more than `largest`, 256"),
        ({"length": 0}, "greater than or equal to 1"),
        ({"pad": -1}, "greater than or equal to 0"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Pack(**fields)
    assert message in str(caught.value)


def test_columns_of_another_type_are_told_before_the_run() -> None:
    (fault,) = Pack().check(pa.schema([("id", pa.string()), ("input_ids", pa.list_(pa.int64()))]))

    assert "'input_ids' is list<item: int64>, not list<item: int32>" in fault


@pytest.mark.parametrize("mask", ["none", "padding"])
def test_the_declared_columns_are_those_of_the_rows(mask: Any) -> None:
    stage = Pack(loss_mask=mask)

    (one,) = gathered(stage, documents_of([3]))

    assert one.rows.schema == pa.schema(list(stage.adds().items()))
    assert Pack.model_validate(stage.model_dump(mode="json")) == stage
