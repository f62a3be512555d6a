"""What `dedup.substring` promises: repeats of a shard are cut, on characters, whatever the batches and workers."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dedup.substring import MEMORY_PER_BYTE, Substring
from jobs.home import open_store
from jobs.overlay import cut_text
from jobs.run import run_plan
from jobs.verify import verify_run
from pipelines.compile import compile_pipeline
from stages.errors import PipelineError

PASSAGE = "This very sentence stands on many of the pages. "


def prose(seed: int, words: int = 60) -> str:
    chosen = random.Random(seed)
    return " ".join("".join(chosen.choices("abcdefghijklmnop", k=chosen.randint(2, 9))) for _ in range(words))


@pytest.fixture
def found(corpus: Any, findings: Any) -> Any:
    """Row number to its finding, of texts that rest in one file."""

    def run(stage: Substring, texts: list[str | None], cut: int = 3) -> dict[int, dict[str, Any]]:
        # The engine of these tests deals documents to two files, half by half: the first one is all empty texts.
        rows = findings(stage, corpus([*[""] * len(texts), *texts], cut=cut, id=[*["-"] * len(texts), *ids(texts)]))
        return {row - len(texts): finding for row, finding in rows.items()}

    return run


def ids(texts: list[str | None]) -> list[str]:
    return [f"{row:032x}" for row in range(len(texts))]


def spans(found: dict[int, dict[str, Any]]) -> dict[int, list[int]]:
    return {row: finding.get("cuts", []) for row, finding in found.items()}


def test_later_copies_of_a_passage_are_cut_with_rule_length_share_and_twin(found: Any) -> None:
    long = prose(9)
    texts = [prose(1) + PASSAGE + long, prose(2) + PASSAGE, long + prose(3) + PASSAGE + prose(4)]

    rows = found(Substring(min_bytes=40), texts)

    two, start = len(prose(2)), len(long + prose(3))
    size = len(long + PASSAGE)
    cut = {"rule": "repeated_substring", "limit": 40.0, "twin_id": f"{0:032x}"}
    assert rows == {
        1: {**cut, "value": 48.0, "similarity": 48 / (two + 48), "cuts": [two, two + 48]},
        2: {
            **cut,
            "value": float(size),
            "similarity": size / len(texts[2]),
            "cuts": [0, len(long), start, start + 48],
        },
    }


def test_every_copy_is_cut_if_none_is_to_stay(found: Any) -> None:
    texts = [prose(1) + PASSAGE, PASSAGE + prose(2), prose(3)]

    rows = found(Substring(min_bytes=40, keep="none"), texts)

    assert spans(rows) == {0: [len(prose(1)), len(texts[0])], 1: [0, 48]}
    assert [row["twin_id"] for row in rows.values()] == [f"{1:032x}", f"{0:032x}"]


def test_the_twin_is_where_the_longest_span_begins_to_stand(found: Any) -> None:
    texts = [PASSAGE, prose(1), PASSAGE + "-" + prose(1) + "-" + PASSAGE]

    [row] = found(Substring(min_bytes=40), texts).values()

    assert row["twin_id"] == f"{1:032x}"


def test_shorter_passages_stay(found: Any) -> None:
    assert spans(found(Substring(min_bytes=48), [PASSAGE, prose(1) + PASSAGE])) != {}
    assert spans(found(Substring(min_bytes=49), [PASSAGE, prose(1) + PASSAGE])) == {}


def test_cuts_are_drawn_in_to_characters(found: Any) -> None:
    # \u00e9 and \u00e8 share their first byte, \u00e9 and \u0129 their last: the bytes in common begin and end within.
    texts = ["\u00e9" + "m" * 20 + "\u00e9", "xx\u0129" + "m" * 20 + "\u00e8"]

    assert spans(found(Substring(min_bytes=20, keep="none"), texts)) == {0: [2, 22], 1: [4, 24]}


def test_a_document_of_which_only_white_space_is_left_is_dropped(found: Any) -> None:
    texts = [PASSAGE, f" \n{PASSAGE}\u3000", f"{PASSAGE}x"]

    rows = found(Substring(min_bytes=40), texts)

    assert rows[1] == {
        "rule": "all_repeated",
        "value": 0.0,
        "limit": 1.0,
        "twin_id": f"{0:032x}",
        "similarity": 48 / 53,
    }
    assert rows[2]["cuts"] == [0, 48]


def test_a_document_of_which_too_little_is_left_is_dropped(found: Any) -> None:
    texts = [PASSAGE, "\u00e9 " + PASSAGE, "ab " + PASSAGE, "abc " + PASSAGE, "ab"]

    rows = found(Substring(min_bytes=46, min_remaining_bytes=3), texts)

    assert {row: (one["rule"], one["value"]) for row, one in rows.items()} == {
        1: ("all_repeated", 2.0),
        2: ("all_repeated", 2.0),
        3: ("repeated_substring", 49.0),
    }


def test_odd_documents_are_no_trouble(found: Any) -> None:
    before = "before\0\u00ffafter"
    texts = ["", None, "short", "\0" * 300, before + "\0" * 40, "=" * 60, "short", None, ""]

    rows = found(Substring(min_bytes=40), texts)

    at = len(before.encode())
    assert spans(rows) == {3: [40, 300], 4: [at, at + 40], 5: [40, 60]}


def test_shards_end_where_the_documents_say_and_repeats_are_found_within_them(found: Any) -> None:
    # Shards of 100 bytes: 0 and 1, 2 and 3, 4 and 5, the long one alone, and the last.
    small = [PASSAGE, PASSAGE + "x", prose(1)[:30], PASSAGE + "z", PASSAGE + "w", PASSAGE + "v"]
    texts = [*small, prose(2) + PASSAGE, PASSAGE]

    for cut in (1, 2, 3, 100):
        assert set(found(Substring(min_bytes=40, shard_bytes=100), texts, cut)) == {1, 5}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text("ab\u00e9 ", max_size=60) | st.just(PASSAGE) | st.just(PASSAGE + "\u00e9"), max_size=8),
    size=st.sampled_from([64, 150, 10000]),
    cut=st.integers(1, 5),
    keep=st.sampled_from(["first", "none"]),
)
def test_batches_change_nothing_and_what_is_left_is_text(
    found: Any, texts: list[str | None], size: int, cut: int, keep: Any
) -> None:
    stage = Substring(min_bytes=16, shard_bytes=size, keep=keep)

    rows = found(stage, texts, cut)

    assert rows == found(stage, texts, 100)
    for row, finding in rows.items():
        if finding["rule"] == "repeated_substring":
            assert cut_text(texts[row] or "", finding["cuts"]).strip()


def test_memory_is_asked_for_by_the_size_of_a_shard() -> None:
    assert Substring(shard_bytes="64MiB").resources().memory == MEMORY_PER_BYTE * 2**26


@pytest.mark.parametrize(
    "fields", [{"min_bytes": 15}, {"shard_bytes": "257MiB"}, {"keep": "last"}, {"min_remaining_bytes": 0}]
)
def test_fields_out_of_bounds_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Substring(**fields)


PIPELINE = """
textmill: 1
name: repeats
read: {{stages.read: {{paths: "{folder}/*.jsonl", split_size: 16kB}}}}
steps: [dedup.substring: {{min_bytes: 40}}]
write: {{to: "{folder}/{to}", shard_size: 20kB}}
"""


def write_documents(folder: Path) -> list[str]:
    chance = random.Random(3)
    texts = []
    for number in range(90):
        pieces = [prose(number, chance.randint(5, 60)) for _ in range(2)]
        texts.append(f"{pieces[0]} {PASSAGE if chance.random() < 0.6 else ''}\u00fc {pieces[1]}")
    texts[7] = texts[40] = PASSAGE
    for at in range(3):
        lines = [json.dumps({"text": text}) + "\n" for text in texts[30 * at : 30 * at + 30]]
        (folder / f"{at}.jsonl").write_text("".join(lines))
    return texts


def test_workers_and_batches_change_no_digest_and_the_books_balance(tmp_path: Path) -> None:
    write_documents(tmp_path)
    digests = set()
    for workers, rows in ((1, 4096), (2, 7)):
        file = tmp_path / "p.yaml"
        file.write_text(PIPELINE.format(folder=tmp_path, to=f"out{workers}"))
        overrides = {"workers": workers, "memory": "8GB"}
        outcome = run_plan(compile_pipeline(file, settings=[f"run.batch_rows={rows}"], overrides=overrides))
        assert outcome.manifest is not None
        store = open_store(str(tmp_path / f"out{workers}"))
        assert [check for check in verify_run(store, outcome.manifest) if not check.held] == []
        digests.add(tuple(outcome.manifest[name] for name in ("digest", "ledger_digest", "content_digest")))
    assert len(digests) == 1
    kept = pq.read_table(tmp_path / "out1/data")["text"].to_pylist()
    ledger = pq.read_table(tmp_path / "out1/_textmill/ledger")
    cuts = ledger.filter(ledger["rule"].to_numpy() == "repeated_substring").to_pylist()
    assert len(cuts) > 20
    assert all(row["span_end"] - row["span_start"] >= 40 and row["kind"] == "cut" for row in cuts)
    assert 1 <= sum(PASSAGE in text for text in kept) <= 12  # once in each file at rest
    assert [row["kind"] for row in ledger.to_pylist() if row["rule"] == "all_repeated"] == ["dropped"] * 2


def test_a_missing_pydivsufsort_is_told_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0.jsonl").write_text(json.dumps({"text": "a"}) + "\n")
    file = tmp_path / "p.yaml"
    file.write_text(PIPELINE.format(folder=tmp_path, to="out"))
    monkeypatch.setitem(sys.modules, "pydivsufsort", None)

    with pytest.raises(PipelineError, match=r"pip install 'textmill\[substring\]'"):
        compile_pipeline(file)
