"""The vocabulary inside a GGUF file: a model for llama.cpp carries its tokenizer, and often nothing else has it.

Only the metadata at the file's beginning is read (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). A GGUF
names its way of splitting texts instead of describing it, so only ways that we know are taken: byte-level BPE that
splits as GPT-2 does, or as SmolLM does (the same, with every digit by itself).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stages.errors import StageError
from stages.tokenizers.huggingface import import_library, settled
from stages.tokenizers.tokenizer import Tokenizer

_NUMBERS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9
_CONTROL, _USER_DEFINED = 3, 4
_SPLITS: Final = ("gpt-2", "smollm")


def open_gguf(path: Path) -> Tokenizer:
    """The tokenizer of a GGUF file. Raises StageError for a file that is none, and for vocabularies of other kinds."""
    tokenizers = import_library(path)
    known = read_metadata(path)
    try:
        model, split = known["tokenizer.ggml.model"], known["tokenizer.ggml.pre"]
        tokens, merges = known["tokenizer.ggml.tokens"], known["tokenizer.ggml.merges"]
        kinds = known["tokenizer.ggml.token_type"]
    except KeyError as error:
        raise StageError(f"{path} has no {error.args[0]}\n    mend: use the model's own tokenizer.json") from error
    if model != "gpt2" or split not in _SPLITS:
        raise StageError(
            f"{path} has a vocabulary of the kind {model}, split as {split}; known are gpt2, split as "
            f"{' or '.join(_SPLITS)}\n    mend: use the model's own tokenizer.json"
        )
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    library = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, pairs))
    letters = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = tokenizers.pre_tokenizers.Digits(individual_digits=True)
    library.pre_tokenizer = letters if split == "gpt-2" else tokenizers.pre_tokenizers.Sequence([digits, letters])
    library.decoder = tokenizers.decoders.ByteLevel()
    library.add_special_tokens([token for token, kind in zip(tokens, kinds) if kind == _CONTROL])
    library.add_tokens([token for token, kind in zip(tokens, kinds) if kind == _USER_DEFINED])
    return settled(library, path.name)


def read_metadata(path: Path) -> Mapping[str, Any]:
    """All keys and values at the beginning of a GGUF file. Raises StageError where it is none or breaks off."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] != b"GGUF":
            raise StageError(f"{path} is no GGUF file\n    mend: name a model's .gguf or tokenizer.json")
        try:
            version, _, pairs = struct.unpack_from("<IQQ", data, 4)
            if version not in (2, 3):
                raise StageError(f"{path} is GGUF of version {version}; 2 and 3 are known\n    mend: convert it anew")
            return _pairs(data, 24, pairs)
        except (struct.error, UnicodeDecodeError, KeyError, RecursionError) as error:
            raise StageError(f"{path} breaks off or is damaged: {error}\n    mend: fetch the file again") from error


def _pairs(data: mmap.mmap, at: int, count: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(count):
        key, at = _value(data, at, _TEXT)
        (kind,) = struct.unpack_from("<I", data, at)
        found[key], at = _value(data, at + 4, kind)
    return found


def _value(data: mmap.mmap, at: int, kind: int) -> tuple[Any, int]:
    """The value of this type at an offset, and the offset behind it. KeyError for a type that is none."""
    if kind == _TEXT:
        (length,) = struct.unpack_from("<Q", data, at)
        if at + 8 + length > len(data):
            raise struct.error(f"a text of {length} bytes at {at} passes the file's end")
        return data[at + 8 : at + 8 + length].decode(), at + 8 + length
    if kind == _ARRAY:
        kind, count = struct.unpack_from("<IQ", data, at)
        at += 12
        if kind in _NUMBERS:
            form = f"<{count}{_NUMBERS[kind]}"
            return list(struct.unpack_from(form, data, at)), at + struct.calcsize(form)
        values = []
        for _ in range(count):
            value, at = _value(data, at, kind)
            values.append(value)
        return values, at
    form = f"<{_NUMBERS[kind]}"
    return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
