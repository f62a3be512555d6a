"""What every tokenizer gives: ids of texts, bytes of ids, and which ids are control tokens.

The idea: a text never makes a control token. Whatever a document says, `<|endoftext|>` in it is encoded as the letters
it is made of, so that control tokens in a sequence are those that we put there, and leaving them out when decoding
gives the very document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]

ENDS: Final = (
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
    "<eos>",
    "<|eos|>",
    "<｜end▁of▁sentence｜>",
    "[EOS]",
)
"""What the end of a document is called in published tokenizers, the base model's name before the chat model's."""

STARTS: Final = ("<|begin_of_text|>", "<s>", "<bos>", "<|bos|>", "<|startoftext|>", "<｜begin▁of▁sentence｜>", "[BOS]")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of several texts: `ids` one after the other, text i from `offsets[i]` to `offsets[i + 1]`."""

    ids: Ids
    offsets: Offsets


@dataclass(frozen=True, slots=True)
class Spelling:
    """The bytes of every token: token i is `data[edges[i] : edges[i + 1]]`; control tokens and gaps have none."""

    data: npt.NDArray[np.uint8]
    edges: Offsets


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer, loaded. It is for reading: any number of threads may use it.

    `encode`: texts to ids, without control tokens, on one core. `spell`: ids without control tokens to bytes.
    `size`: the largest id and one. `controls`: control tokens by name; `unknown`: the one among them, if any, that a
    text may make, for what is not in the vocabulary. `spelling`: the bytes of every token, None where a token's bytes
    depend on its neighbours.
    """

    name: str
    encode: Callable[[Sequence[str]], Encoded]
    spell: Callable[[Ids], bytes]
    size: int
    controls: Mapping[str, int]
    spelling: Spelling | None = None
    unknown: int | None = None


def decode(tokenizer: Tokenizer, ids: Iterable[int] | Ids, *, controls: Literal["skip", "show"] = "skip") -> bytes:
    """The bytes that the tokens spell; control tokens are left out, or stand there by their names.

    Raises ValueError for a number that is no token.
    """
    numbers = np.asarray(ids if isinstance(ids, np.ndarray | list) else list(ids), np.int32)
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= tokenizer.size):
        raise ValueError(f"{tokenizer.name} has the tokens 0 to {tokenizer.size - 1}, none outside")
    control = is_control(tokenizer)[numbers]
    if controls == "skip":
        return tokenizer.spell(numbers[~control])
    names = {number: name.encode() for name, number in tokenizer.controls.items()}
    spelled = []
    for run in np.split(np.arange(len(numbers)), np.flatnonzero(control[1:] | control[:-1]) + 1):
        if len(run):
            spelled.append(names[int(numbers[run[0]])] if control[run[0]] else tokenizer.spell(numbers[run]))
    return b"".join(spelled)


def is_control(tokenizer: Tokenizer) -> npt.NDArray[np.bool_]:
    """For each id whether it is a control token."""
    table = np.zeros(tokenizer.size, np.bool_)
    table[list(tokenizer.controls.values())] = True
    return table


def spelling_of(pieces: Sequence[bytes]) -> Spelling:
    """The table of tokens that spell these bytes, in order of id."""
    edges = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum([len(piece) for piece in pieces], out=edges[1:])
    return Spelling(np.frombuffer(b"".join(pieces), np.uint8), edges)


def speller(pieces: Sequence[bytes]) -> Callable[[Ids], bytes]:
    """A `spell` for tokenizers whose tokens have bytes of their own."""
    return lambda ids: b"".join(map(pieces.__getitem__, ids.tolist()))


def control_token(tokenizer: Tokenizer, wanted: str | None, usual: Sequence[str]) -> int | None:
    """The id of the control token `wanted`; of the first usual one for `auto`; None for None.

    Raises ValueError that names the tokens there are.
    """
    if wanted is None:
        return None
    names = usual if wanted == "auto" else (wanted,)
    for name in names:
        if name in tokenizer.controls:
            return tokenizer.controls[name]
    known = sorted(tokenizer.controls, key=lambda name: tokenizer.controls[name])
    there = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    what = "none of the usual names" if wanted == "auto" else f"no control token {wanted!r}"
    raise ValueError(f"{tokenizer.name} has {what}; its control tokens: {there or 'none'}")
