"""A Hugging Face `tokenizer.json`, read by the library `tokenizers`, whose ids are the model's by definition.

What the file says about padding, truncation, sampling and added BOS or EOS is switched off: a document's tokens depend
on its text alone, and the stage decides what stands around them. Added tokens that the file does not call special, such
as runs of blanks, are ordinary tokens and stay in use.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from stages.errors import StageError
from stages.tokenizers.tokenizer import Encoded, Ids, Tokenizer, speller, spelling_of


def open_file(path: Path) -> Tokenizer:
    """The tokenizer in a file. Raises StageError where the library is not installed or the file is no tokenizer."""
    tokenizers = import_library(path)
    try:
        library = tokenizers.Tokenizer.from_buffer(path.read_bytes())
    except OSError:
        raise
    except Exception as error:  # the library raises nothing more specific
        raise StageError(
            f"{path} is no tokenizer.json: {error}\n    mend: name the file tokenizer.json of a model"
        ) from error
    return settled(library, path.name)


def import_library(path: Path) -> Any:
    """The library `tokenizers`, on one core. Raises StageError where it is not installed."""
    try:
        import tokenizers
    except ImportError as error:
        raise StageError(
            f"reading {path.name} takes the library tokenizers, which is not installed\n"
            '    mend: pip install "textmill[tokenize]"'
        ) from error
    # The library reads this at every call; a worker has one core, and forked threads would not survive anyway.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    return tokenizers


def settled(library: Any, name: str) -> Tokenizer:
    """The library's tokenizer with everything off that is not about the text."""
    library.no_padding()
    library.no_truncation()
    library.encode_special_tokens = True  # which means: as the letters they are made of
    for chance in ("dropout", "alpha", "nbest_size"):
        if getattr(library.model, chance, None) is not None:
            setattr(library.model, chance, None)
    described = json.loads(library.to_str())
    added = library.get_added_tokens_decoder()
    controls = {token.content: number for number, token in sorted(added.items()) if token.special}
    vocabulary = library.get_vocab(with_added_tokens=True)
    size = max(vocabulary.values(), default=-1) + 1

    def encode(texts: Sequence[str]) -> Encoded:
        found = library.encode_batch_fast(list(texts), add_special_tokens=False)
        offsets = np.zeros(len(found) + 1, np.int64)
        np.cumsum([len(one) for one in found], out=offsets[1:])
        ids = np.empty(int(offsets[-1]), np.int32)
        # Text by text, because the library hands over one Python list for each.
        for one, start, end in zip(found, offsets.tolist(), offsets[1:].tolist()):
            ids[start:end] = one.ids
        return Encoded(ids, offsets)

    def spell(ids: Ids) -> bytes:
        return str(library.decode(ids.tolist(), skip_special_tokens=False)).encode()

    ordinary = {number: token.content for number, token in added.items() if not token.special}
    pieces = _pieces(described["decoder"], {**vocabulary, **dict.fromkeys(controls, -1)}, ordinary, size)
    unknown = _unknown(described["model"], vocabulary)
    if pieces is None:
        return Tokenizer(name, encode, spell, size, controls, unknown=unknown)
    return Tokenizer(name, encode, speller(pieces), size, controls, spelling_of(pieces), unknown)


def _unknown(model: Mapping[str, Any], vocabulary: Mapping[str, int]) -> int | None:
    """The id that a model gives to what it does not know; a unigram model tells it by number, the others by name."""
    number = model["unk_id"] if model.get("unk_id") is not None else vocabulary.get(model.get("unk_token") or "")
    return None if number is None else int(number)


def _pieces(
    decoder: Mapping[str, Any] | None, vocabulary: Mapping[str, int], added: Mapping[int, str], size: int
) -> list[bytes] | None:
    """The bytes of every token in order of id, or None where the decoder does more than map letters to bytes.

    `vocabulary` has -1 for control tokens; `added` are the ordinary ones among added tokens, which are spelled plainly.
    """
    if (decoder or {}).get("type") != "ByteLevel":
        return None
    letters = byte_letters()
    pieces = [b""] * size
    for text, number in vocabulary.items():
        if number in added:
            pieces[number] = added[number].encode()
        elif number >= 0 and all(letter in letters for letter in text):
            pieces[number] = bytes(letters[letter] for letter in text)
    return pieces


@cache
def byte_letters() -> Mapping[str, int]:
    """The letter that stands for each byte in byte-level vocabularies (GPT-2's `bytes_to_unicode`, inverted)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + at): byte for at, byte in enumerate(others)}
