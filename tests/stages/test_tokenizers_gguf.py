"""The vocabulary inside a GGUF gives the ids of the tokenizer it was made of, and broken files are told as such."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
import tokenizers

from stages.errors import StageError
from stages.specimens import sample_documents
from stages.tokenize import Tokenize
from stages.tokenizers import decode, open_tokenizer
from stages.tokenizers.gguf import read_metadata

NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def value_of(value: Any) -> bytes:
    """A value with its type before it, as the format has them: strings, int32, and lists of either."""
    if isinstance(value, str):
        return struct.pack("<IQ", 8, len(value.encode())) + value.encode()
    if isinstance(value, int):
        return struct.pack("<Ii", 5, value)
    return struct.pack("<IIQ", 9, 8 if isinstance(value[0], str) else 5, len(value)) + b"".join(
        value_of(item)[4:] for item in value
    )


def gguf_of(keys: dict[str, Any], version: int = 3) -> bytes:
    pairs = b"".join(value_of(key)[4:] + value_of(value) for key, value in keys.items())
    return b"GGUF" + struct.pack("<IQQ", version, 0, len(keys)) + pairs + b"tensors"


@pytest.fixture(scope="module")
def keys(tokenizer_file: Path) -> dict[str, Any]:
    """The metadata of a model that has the tokenizer of our own making."""
    library = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    tokens = sorted(library.get_vocab(), key=library.get_vocab().__getitem__)
    added = {token.content: token.special for token in library.get_added_tokens_decoder().values()}
    kinds = [NORMAL if token not in added else CONTROL if added[token] else USER_DEFINED for token in tokens]
    merges = [" ".join(pair) for pair in orjson.loads(library.to_str())["model"]["merges"]]
    return {
        "general.name": "mill",
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.eos_token_id": 0,
    }


def saved(folder: Path, content: bytes) -> Path:
    file = folder / "model.gguf"
    file.write_bytes(content)
    return file


def test_the_ids_are_those_of_the_tokenizer_it_was_made_of(
    keys: dict[str, Any], tokenizer_file: Path, tmp_path: Path
) -> None:
    texts = [*sample_documents(60)["text"].to_pylist(), "<gear> 2024 <|endoftext|>"]
    inside, whole = open_tokenizer(saved(tmp_path, gguf_of(keys))), open_tokenizer(tokenizer_file)

    assert inside.encode(texts).ids.tolist() == whole.encode(texts).ids.tolist()
    assert inside.controls == whole.controls
    assert [decode(inside, inside.encode([text]).ids).decode() for text in texts] == texts


def test_smollm_gives_every_digit_a_token(keys: dict[str, Any], tmp_path: Path) -> None:
    file = saved(tmp_path, gguf_of(keys | {"tokenizer.ggml.pre": "smollm"}, version=2))
    stage = Tokenize(tokenizer=file)
    batch = pa.record_batch({"id": ["a"], "text": ["in 1911"]})

    assert stage.check(batch.schema) == []
    ids = stage.map(batch, stage.open())["input_ids"].to_pylist()[0]
    tokenizer = open_tokenizer(file)
    assert [decode(tokenizer, [one], controls="show") for one in ids[-5:]] == [b"1", b"9", b"1", b"1", b"<|endoftext|>"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokenizer.ggml.model": "llama"}, "of the kind llama, split as gpt-2"),
        ({"tokenizer.ggml.pre": "tekken"}, "split as tekken; known are gpt2, split as gpt-2 or smollm"),
    ],
)
def test_other_kinds_of_vocabulary_are_refused(
    keys: dict[str, Any], tmp_path: Path, change: dict[str, str], message: str
) -> None:
    with pytest.raises(StageError, match=message):
        open_tokenizer(saved(tmp_path, gguf_of(keys | change)))


def test_a_model_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="has no tokenizer"):
        open_tokenizer(saved(tmp_path, gguf_of({"general.name": "mute"})))


def test_a_file_that_is_no_gguf_or_breaks_off_is_told_as_such(keys: dict[str, Any], tmp_path: Path) -> None:
    whole = gguf_of(keys).removesuffix(b"tensors")
    small = gguf_of({"a": "b", "c": [1, 2], "d": ["e"], "f": 3}).removesuffix(b"tensors")

    for end in [*range(4, len(small)), *range(4, len(whole), 997)]:
        broken = small[:end] if end < len(small) else whole[:end]
        with pytest.raises(StageError, match="breaks off or is damaged"):
            read_metadata(saved(tmp_path, broken))
    with pytest.raises(StageError, match="no GGUF file"):
        read_metadata(saved(tmp_path, b"PK\x03\x04"))
    with pytest.raises(StageError, match="version 1"):
        read_metadata(saved(tmp_path, gguf_of({}, version=1)))
    assert read_metadata(saved(tmp_path, small)) == {"a": "b", "c": [1, 2], "d": ["e"], "f": 3}
