"""The stage that makes tokens: what it adds, that they spell the text, and that a text makes no control token."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tokenizers import decoders, models, normalizers, pre_tokenizers

from stages.errors import StageError
from stages.laws import check_cuts, check_stage
from stages.specimens import hostile_texts, sample_documents
from stages.stage import identity
from stages.tokenize import Tokenize
from stages.tokenizers import decode, open_tokenizer
from stages.verdicts import Mapped

# Every plane of Unicode, and all that is a control token somewhere.
TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["<|endoftext|>", "<s>", "<pad>", "<gear>", "\0"])
).map("".join)


def batch_of(*texts: str | None) -> pa.RecordBatch:
    columns = {"id": [f"{row:032x}" for row in range(len(texts))], "text": pa.array(texts, pa.string())}
    return pa.record_batch(columns)


def tokens_of(stage: Tokenize, *texts: str | None) -> list[list[int]]:
    rows = stage.map(batch_of(*texts), stage.open())
    assert isinstance(rows, pa.RecordBatch)
    ids: list[list[int]] = rows["input_ids"].to_pylist()
    assert rows["tokens"].to_pylist() == [len(one) for one in ids]
    return ids


def saved(tokenizer: tokenizers.Tokenizer, folder: Path) -> Path:
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def test_the_laws_hold() -> None:
    check_stage(Tokenize(tokenizer="cl100k", bos="<|fim_prefix|>"))


def test_the_cut_into_batches_changes_no_token_of_a_file(tokenizer_file: Path) -> None:
    check_cuts(Tokenize(tokenizer=tokenizer_file, bos="auto"), sample_documents(48), seed=0)


def test_an_offline_vocabulary_gives_the_ids_it_is_known_for() -> None:
    assert tokens_of(Tokenize(tokenizer="cl100k", eos=None), "hello world") == [[15339, 1917]]
    assert tokens_of(Tokenize(tokenizer="cl100k"), "hello world", "") == [[15339, 1917, 100257], []]


@given(text=TEXTS)
def test_a_file_spells_every_text_byte_for_byte(tokenizer_file: Path, text: str) -> None:
    check_round_trip(open_tokenizer(tokenizer_file), text)


CL100K = open_tokenizer("cl100k")


@given(text=TEXTS)
def test_a_vocabulary_spells_every_text_byte_for_byte(text: str) -> None:
    check_round_trip(CL100K, text)


def check_round_trip(tokenizer: object, text: str) -> None:
    encoded = tokenizer.encode([text, "x"])
    ids = encoded.ids[: encoded.offsets[1]]

    assert decode(tokenizer, ids) == text.encode()
    assert not set(ids.tolist()) & set(tokenizer.controls.values())


@pytest.mark.parametrize("name", [None, "cl100k"])
def test_hostile_texts_go_through_whole(tokenizer_file: Path, name: str | None) -> None:
    texts = list(hostile_texts().values())
    stage = Tokenize(tokenizer=name or tokenizer_file)
    tokenizer = open_tokenizer(stage.tokenizer)

    assert [decode(tokenizer, ids).decode() for ids in tokens_of(stage, *texts)] == texts


def test_what_the_file_says_beyond_the_text_is_switched_off(tokenizer_file: Path) -> None:
    plain = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    plain.no_padding()
    plain.no_truncation()
    plain.model.dropout = None
    text = "The mill stands where the river bends. <gear>"

    ids = tokens_of(Tokenize(tokenizer=tokenizer_file, eos=None), *[text] * 20)

    assert ids == [plain.encode(text, add_special_tokens=False).ids] * 20
    assert plain.token_to_id("<gear>") in ids[0]


def test_bos_and_eos_stand_around_every_document_that_has_tokens(tokenizer_file: Path) -> None:
    bare = tokens_of(Tokenize(tokenizer=tokenizer_file, eos=None), "wheel", "", None, "stone")
    framed = tokens_of(Tokenize(tokenizer=tokenizer_file, bos="<s>", eos="<pad>"), "wheel", "", None, "stone")

    assert framed == [[1, *bare[0], 2], [], [], [1, *bare[3], 2]]


def test_control_tokens_are_left_out_or_shown(tokenizer_file: Path) -> None:
    stage = Tokenize(tokenizer=tokenizer_file, bos="auto")
    tokenizer = open_tokenizer(tokenizer_file)
    (ids,) = tokens_of(stage, "a <s>")

    assert decode(tokenizer, ids) == b"a <s>"
    assert decode(tokenizer, iter([*ids, *ids]), controls="show") == b"<s>a <s><|endoftext|>" * 2
    assert decode(tokenizer, [], controls="show") == b""
    with pytest.raises(ValueError, match="tokens 0 to"):
        decode(tokenizer, [tokenizer.size])


def test_count_adds_the_same_numbers_without_the_tokens(tokenizer_file: Path) -> None:
    ids, count = Tokenize(tokenizer=tokenizer_file), Tokenize(tokenizer=tokenizer_file, write="count")
    batch = batch_of("Die Mühle", "", "x")

    counted = count.map(batch, count.open())

    assert counted.schema.names == ["id", "text", "tokens", "text_bytes"]
    assert counted["text_bytes"].to_pylist() == [10, 0, 1]
    assert counted["tokens"].equals(ids.map(batch, ids.open())["tokens"])


def test_shards_hold_tokens_as_narrow_as_the_vocabulary_allows(tokenizer_file: Path) -> None:
    assert Tokenize(tokenizer=tokenizer_file).stored() == {"input_ids": pa.list_(pa.uint16())}
    assert Tokenize(tokenizer="cl100k").stored() == {"input_ids": pa.list_(pa.uint32())}
    assert Tokenize(tokenizer="cl100k", write="count").stored() == {}


def test_a_token_that_the_tokenizer_lacks_is_told_before_the_run(tokenizer_file: Path) -> None:
    stage = Tokenize(tokenizer=tokenizer_file, bos="<bos>", eos="</s>")

    faults = stage.check(batch_of().schema)

    assert [fault.split(":")[0] for fault in faults] == ["bos", "eos"]
    assert "no control token '</s>'; its control tokens: <|endoftext|>, <s>, <pad>" in faults[1]
    with pytest.raises(StageError, match="no control token '<bos>'"):
        stage.open()


def test_a_document_that_does_not_come_back_is_dropped_where_it_differs() -> None:
    stage = Tokenize(tokenizer="qwen3")

    mapped = stage.map(batch_of("Cafe\u0301", "Café", "né e\u0301"), stage.open())

    assert isinstance(mapped, Mapped)
    assert mapped.parent.tolist() == [1]
    assert mapped.drops.rule.to_pylist() == ["round_trip", None, "round_trip"]
    assert mapped.drops.value.to_pylist() == [3.0, None, 4.0]
    assert mapped.drops.limit.to_pylist() == [6.0, None, 7.0]
    kept = Tokenize(tokenizer="qwen3", round_trip="allow")
    assert isinstance(kept.map(batch_of("Cafe\u0301"), kept.open()), pa.RecordBatch)


def test_a_tokenizer_that_folds_case_is_refused_unless_allowed(tmp_path: Path) -> None:
    words = tokenizers.Tokenizer(models.WordPiece({"[UNK]": 0, "the": 1, "mill": 2}, unk_token="[UNK]"))
    words.normalizer, words.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    words.decoder = decoders.WordPiece()
    words.add_special_tokens(["[UNK]", "[SEP]"])
    file = saved(words, tmp_path)
    allowed = Tokenize(tokenizer=file, eos="[SEP]", round_trip="allow")

    (fault,) = Tokenize(tokenizer=file, eos="[SEP]").check(batch_of().schema)

    assert "does not give texts back" in fault
    assert "round_trip: allow" in fault
    assert allowed.check(batch_of().schema) == []
    assert tokens_of(allowed, "The mill turns") == [[1, 2, 0, 3]]


def test_a_tokenizer_whose_tokens_lean_on_their_neighbours_is_spelled_whole(tmp_path: Path) -> None:
    letters = {"<unk>": 0, "▁": 1, "a": 2, **{f"<0x{byte:02X}>": 3 + byte for byte in range(256)}}
    leaning = tokenizers.Tokenizer(models.BPE(letters, [], unk_token="<unk>", byte_fallback=True))
    leaning.pre_tokenizer = pre_tokenizers.Metaspace()
    leaning.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    leaning.add_special_tokens(["<unk>", "</s>"])
    stage = Tokenize(tokenizer=saved(leaning, tmp_path))
    tools = stage.open()

    mapped = stage.map(batch_of("a aé", "▁a", ""), tools)

    assert isinstance(mapped, Mapped)
    assert mapped.drops.rule.to_pylist() == [None, "round_trip", None]
    assert decode(tools.tokenizer, mapped.rows["input_ids"].to_pylist()[0]) == "a aé".encode()


def test_a_control_token_that_a_text_makes_is_dropped(tmp_path: Path) -> None:
    words = tokenizers.Tokenizer(models.WordLevel({"go": 0, "halt": 1, "[UNK]": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.add_special_tokens(["halt"])
    stage = Tokenize(tokenizer=saved(words, tmp_path), eos="halt", round_trip="allow")

    mapped = stage.map(batch_of("go go", "go halt", "go on"), stage.open())

    assert isinstance(mapped, Mapped)
    assert mapped.drops.rule.to_pylist() == [None, "control_token", None]
    assert mapped.drops.value.to_pylist() == [None, 1.0, None]
    assert mapped.rows["input_ids"].to_pylist() == [[0, 0, 1], [0, 2, 1]]


def test_what_is_no_tokenizer_is_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    stage = Tokenize(tokenizer=tmp_path / "config.json")

    (fault,) = stage.check(batch_of().schema)

    assert stage.stored() == {}
    assert "is no tokenizer.json" in fault
    assert "; name the file" in fault
    with pytest.raises(ValidationError, match=r"no file tokenizer\.json, no model\.gguf and none of cl100k"):
        Tokenize(tokenizer="gpt2")


@pytest.mark.parametrize(("library", "name"), [("quicktok", "o200k_harmony"), ("tokenizers", None)])
def test_a_missing_library_is_told_with_the_extra_to_install(
    tokenizer_file: Path, monkeypatch: pytest.MonkeyPatch, library: str, name: str | None
) -> None:
    monkeypatch.setitem(sys.modules, library, None)

    (fault,) = Tokenize(tokenizer=name or tokenizer_file).check(batch_of().schema)

    assert "not installed" in fault
    assert 'pip install "textmill[tokenize]"' in fault


def test_the_content_of_the_file_counts_and_not_its_name(tokenizer_file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other.json"
    copy.write_bytes(tokenizer_file.read_bytes())

    assert identity(Tokenize(tokenizer=tokenizer_file)) == identity(Tokenize(tokenizer=copy))
    assert identity(Tokenize(tokenizer=tokenizer_file)) != identity(Tokenize(tokenizer="cl100k"))


def test_texts_of_a_sliced_batch_are_measured_where_they_stand(tokenizer_file: Path) -> None:
    stage = Tokenize(tokenizer=tokenizer_file)
    batch = batch_of("first", "Mühle", "third")

    sliced = stage.map(batch.slice(1, 1), stage.open())

    assert sliced["text_bytes"].to_pylist() == [6]
    assert np.array_equal(sliced["tokens"], stage.map(batch, stage.open())["tokens"][1:2])
