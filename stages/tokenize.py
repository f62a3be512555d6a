"""The stage `stages.tokenize`: texts become token ids, or just their number.

The idea: tokens are a column beside the text, and every document's tokens are spelled back and compared with it, so
that what a model will read is what the shards say, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BeforeValidator

from stages.errors import StageError
from stages.fields import ContentPath
from stages.stage import Map
from stages.tokenizers import VOCABULARIES, Tokenizer, decode, open_tokenizer
from stages.tokenizers.tokenizer import ENDS, STARTS, Encoded, control_token, is_control
from stages.verdicts import Mapped, Rule, first_failure

TOKENS: Final = pa.list_(pa.int32())
_PROBE: Final = " The mill's Wheel turned  twice:\n\tonce by Night. "
_SMALL: Final = 2**16
"""So many ids fit into uint16."""


def _known(value: object) -> object:
    """Refuse what is neither a name nor the name of a file we read. Raises ValueError with all names."""
    if isinstance(value, str) and value not in VOCABULARIES and not value.endswith((".json", ".gguf")):
        raise ValueError(f"{value!r} is no file tokenizer.json, no model.gguf and none of {', '.join(VOCABULARIES)}")
    return value


Source = Annotated[
    Literal["cl100k", "o200k", "o200k_harmony", "llama3", "qwen3"] | ContentPath, BeforeValidator(_known)
]
"""What a stage takes for a tokenizer: a file `tokenizer.json` or `.gguf`, or a name in `VOCABULARIES`."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The tokenizer with the ids that stand around a document, and for each id whether no text may make it."""

    tokenizer: Tokenizer
    bos: int | None
    eos: int | None
    control: npt.NDArray[np.bool_]


class Tokenize(Map):
    """Adds the tokens of the text.

    | column | type | |
    |---|---|---|
    | `input_ids` | list<int32> | the tokens, with BOS and EOS where wanted; left out with `write: count` |
    | `tokens` | int32 | how many they are, BOS and EOS counted |
    | `text_bytes` | int64 | bytes of the text in UTF-8 |

    An empty text has no tokens at all, not even BOS or EOS. In the final shards `input_ids` are uint16 where the
    vocabulary has at most 65,536 ids, else uint32.

    A text never makes a control token: `<|endoftext|>` in a document is encoded as the letters it is made of. Added
    tokens that a `tokenizer.json` does not call special are ordinary tokens. Should a tokenizer make a control token
    all the same (other than for what it does not know), the document is dropped by the rule `control_token`: value =
    the token's id, limit = the largest id.

    With `round_trip: require` the tokens of every document are spelled back; where they give other bytes than the
    text's, the document is dropped by the rule `round_trip`: value = the first byte that differs, limit = the text's
    bytes. Byte-level vocabularies pass every text, but for those that bring it into a normal form first (`qwen3`: NFC)
    and those that lack some bytes (SmolLM's).
    """

    tokenizer: Source
    """A Hugging Face `tokenizer.json`, a model's `.gguf`, or a name: cl100k, o200k, o200k_harmony, llama3, qwen3."""
    bos: str | None = None
    """The control token before each document; `auto` = what the tokenizer calls its beginning; null = none."""
    eos: str | None = "auto"
    """The control token behind each document; `auto` = what the tokenizer calls its end; null = none."""
    write: Literal["ids", "count"] = "ids"
    """`ids` adds all three columns; `count` leaves `input_ids` out."""
    round_trip: Literal["require", "allow"] = "require"
    """`require` drops documents that their tokens do not spell byte for byte; `allow` keeps them."""

    def adds(self) -> Mapping[str, pa.DataType]:
        counts = {"tokens": pa.int32(), "text_bytes": pa.int64()}
        return counts if self.write == "count" else {"input_ids": TOKENS, **counts}

    def stored(self) -> Mapping[str, pa.DataType]:
        """`input_ids` as narrow as the vocabulary allows; nothing where `check` has said that there is none."""
        if self.write == "count":
            return {}
        try:
            size = open_tokenizer(self.tokenizer).size
        except StageError:
            return {}
        return {"input_ids": pa.list_(pa.uint16() if size <= _SMALL else pa.uint32())}

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the tokenizer: it cannot be loaded, lacks a token, or does not spell texts back."""
        try:
            tokenizer = open_tokenizer(self.tokenizer)
        except StageError as error:
            return [str(error).replace("\n    mend: ", "; ")]
        faults = []
        for field, wanted, usual in (("bos", self.bos, STARTS), ("eos", self.eos, ENDS)):
            try:
                control_token(tokenizer, wanted, usual)
            except ValueError as error:
                faults.append(f"{field}: {error}; name one of them, or write `{field}: null` for none")
        spelled = decode(tokenizer, tokenizer.encode([_PROBE]).ids).decode(errors="replace")
        if self.round_trip == "require" and spelled != _PROBE:
            faults.append(
                f"{tokenizer.name} does not give texts back: {_PROBE!r} becomes {spelled!r}, so most documents would "
                "be dropped; write `round_trip: allow` to keep them"
            )
        return faults

    def open(self) -> Tools:
        """The loaded tokenizer. Raises StageError for a file that is none, and for control tokens it does not have."""
        import stages.kernels.spelling  # noqa: F401

        tokenizer = open_tokenizer(self.tokenizer)
        try:
            bos, eos = control_token(tokenizer, self.bos, STARTS), control_token(tokenizer, self.eos, ENDS)
        except ValueError as error:
            raise StageError(f"stages.tokenize: {error}\n    mend: name one of them, or null for none") from error
        control = is_control(tokenizer)
        if tokenizer.unknown is not None:
            control[tokenizer.unknown] = False
        return Tools(tokenizer, bos, eos, control)

    def map(self, batch: pa.RecordBatch, tools: Tools) -> pa.RecordBatch | Mapped:
        text = batch["text"].fill_null("")
        encoded = tools.tokenizer.encode(text.to_pylist())
        drops = first_failure(batch.num_rows, self._rules(text, encoded, tools))
        size = pa.array(_text_bytes(text))
        ids, offsets = _framed(encoded, tools.bos, tools.eos)
        columns = {
            "input_ids": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(ids)),
            "tokens": pa.array(np.diff(offsets), pa.int32()),
            "text_bytes": size,
        }
        for name in self.adds():
            batch = _with_column(batch, name, columns[name])
        if drops.rule.null_count == batch.num_rows:
            return batch
        kept = np.flatnonzero(drops.rule.is_null().to_numpy(zero_copy_only=False)).astype(np.int32)
        return Mapped(batch.take(pa.array(kept)), kept, drops)

    def _rules(self, text: pa.StringArray, encoded: Encoded, tools: Tools) -> list[Rule]:
        """Documents whose tokens are not those of plain text, or do not spell it."""
        control = _first_controls(encoded, tools)
        rules = [Rule("control_token", control >= 0, control.astype(np.float64), tools.tokenizer.size - 1)]
        if self.round_trip == "require":
            differs = _first_differences(text, encoded, tools.tokenizer)
            limit = _text_bytes(text).astype(np.float64)
            rules.append(Rule("round_trip", differs >= 0, differs.astype(np.float64), limit))
        return rules


def _text_bytes(text: pa.StringArray) -> npt.NDArray[np.int64]:
    from stages.kernels.texts import texts_of

    texts = texts_of(text)
    return texts.ends - texts.starts


def _first_controls(encoded: Encoded, tools: Tools) -> npt.NDArray[np.int64]:
    """The first control token of each text, -1 where there is none, as it should be."""
    found = np.full(len(encoded.offsets) - 1, -1, np.int64)
    at = np.flatnonzero(tools.control[encoded.ids])
    row = np.searchsorted(encoded.offsets, at, side="right") - 1
    # Backwards, so that the first one of a text is what stays.
    found[row[::-1]] = encoded.ids[at[::-1]]
    return found


def _first_differences(text: pa.StringArray, encoded: Encoded, tokenizer: Tokenizer) -> npt.NDArray[np.int64]:
    """The first byte of each text that its tokens spell otherwise, -1 where there is none."""
    from stages.kernels.spelling import first_differences
    from stages.kernels.texts import texts_of

    found = np.full(len(text), -1, np.int64)
    if tokenizer.spelling is not None:
        texts, spelling = texts_of(text), tokenizer.spelling
        first_differences(
            texts.data, texts.starts, texts.ends, spelling.data, spelling.edges, encoded.ids, encoded.offsets, found
        )
        return found
    # Text by text: these tokenizers decode in Python's strings, and few of them are in use.
    for row, wanted in enumerate(text.to_pylist()):
        spelled = tokenizer.spell(encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]])
        found[row] = _first_difference(spelled, wanted.encode())
    return found


def _first_difference(one: bytes, other: bytes) -> int:
    if one == other:
        return -1
    unequal = (at for at, (byte, twin) in enumerate(zip(one, other)) if byte != twin)
    return next(unequal, min(len(one), len(other)))


def _framed(encoded: Encoded, bos: int | None, eos: int | None) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """The tokens with those around each text, and their offsets; an empty text gets none."""
    lengths = np.diff(encoded.offsets)
    before, behind = int(bos is not None), int(eos is not None)
    full = lengths > 0
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths + full * (before + behind), out=offsets[1:])
    ids = np.empty(int(offsets[-1]), np.int32)
    shift = offsets[:-1] + before - encoded.offsets[:-1]
    ids[np.arange(len(encoded.ids)) + np.repeat(shift, lengths)] = encoded.ids
    if bos is not None:
        ids[offsets[:-1][full]] = bos
    if eos is not None:
        ids[offsets[1:][full] - 1] = eos
    return ids, offsets


def _with_column(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    """The batch with this column, in the place of one that has its name or at the end."""
    at = batch.schema.get_field_index(name)
    return batch.append_column(name, values) if at < 0 else batch.set_column(at, name, values)
