"""Personal data and secrets: masked in the text, told in columns, or a reason to drop the document.

By default it does to a text what FineWeb did (datatrove's `PIIFormatter`, https://arxiv.org/abs/2406.17557): e-mail and
public IPv4 addresses are replaced by made-up ones. More kinds are there to be switched on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator

from stages.document import with_column
from stages.hashing import hash_ids
from stages.stage import Map
from stages.verdicts import Cuts, Mapped, Rule, first_failure

if TYPE_CHECKING:
    from stages.kernels.pii import PiiSpans

Kind = Literal["email", "ipv4", "ipv6", "phone", "card", "iban", "key"]
Masks = Annotated[tuple[str, ...], Field(min_length=1)]

MASKS: Final[dict[Kind, tuple[str, ...]]] = {
    "email": ("email@example.com", "firstname.lastname@example.org"),
    "ipv4": (
        *("22.214.171.124", "126.96.36.199", "188.8.131.52"),
        *("184.108.40.206", "220.127.116.11", "18.104.22.168"),
    ),
    "ipv6": ("2001:db8::1", "2001:db8::2"),
    "phone": ("+1 202 555 0100", "+1 202 555 0199"),
    "card": ("4000 0000 0000 0000",),
    "iban": ("XX00 0000 0000 0000",),
    "key": ("REDACTED_KEY",),
}
"""E-mail and IPv4 as FineWeb masks them; the others from ranges kept for examples (RFC 3849, 555-01xx), or void."""
SPANS: Final = pa.list_(
    pa.struct([pa.field("kind", pa.string()), pa.field("start", pa.int32()), pa.field("end", pa.int32())])
)


class Pii(Map):
    """Masks, tells of, or drops documents by personal data and secrets in their text.

    | kind | what is found |
    |---|---|
    | `email` | exactly what the regular expression of datatrove's `PIIFormatter` finds |
    | `ipv4` | the same; numbers with leading zeros are none |
    | `ipv6` | RFC 4291, standing alone |
    | `phone` | `+` and 8 to 15 digits (E.164), or North American with separators: `(212) 555-0123`; misses others |
    | `card` | 13 to 19 digits of a known issuer that pass Luhn's check |
    | `iban` | in capitals, of its country's length, with the right check digits (ISO 13616) |
    | `key` | of AWS, GitHub, Google, Slack, Stripe, OpenAI; JSON web tokens; private keys (PEM); secrets behind names |

    A secret behind a name (`api_key=`, `"token":`, …) has 20 characters or more, with digits, and 3.5 bits of entropy.

    Mode `mask` replaces every span by a mask of its kind: the document's id decides with which of several it begins,
    and the others follow in turn, so that the same document is always masked alike. Every span is in the ledger as a
    cut with the rule `pii_<kind>` and, as an excerpt, the text that stood there: a ledger of masked documents is itself
    personal data. Mode `tag` leaves the text and adds `pii_<kind>` (int32, how many) of each kind and `pii_spans` (list
    of kind, start, end; bytes of the text). Mode `drop` drops documents by the rules `too_much_pii` (more spans than
    `max_spans`) and `dense_pii` (a larger share of the text's bytes than `max_share`).
    """

    mode: Literal["mask", "tag", "drop"] = "mask"
    """What is done about it: mask it, tell it in columns, or drop documents with too much of it."""
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = ("email", "ipv4")
    """What is looked for; where two overlap, e-mail addresses come first, then what starts first."""
    addresses: Literal["public", "all"] = "public"
    """Which IP addresses count: those reachable worldwide (RFC 6890), or all."""
    masks: Mapping[Kind, Masks] = Field(default_factory=dict)
    """Other masks for some kinds, one or several of each: `{email: [someone@example.com]}`."""
    max_spans: Annotated[int, Field(ge=0)] | None = None
    """In mode `drop`: more spans than this drop the document; 0 when neither limit is given."""
    max_share: Annotated[float, Field(ge=0, le=1)] | None = None
    """In mode `drop`: a larger share of bytes within spans than this drops the document."""

    @field_validator("kinds")
    @classmethod
    def _are_different(cls, kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
        twice = [kind for at, kind in enumerate(kinds) if kind in kinds[:at]]
        if twice:
            raise ValueError(f"the kind {twice[0]!r} is named twice")
        return kinds

    @model_validator(mode="after")
    def _fits_the_mode(self) -> Pii:
        idle = [kind for kind in self.masks if kind not in self.kinds]
        if idle:
            raise ValueError(f"masks has {idle[0]!r}, which is not looked for: add it to kinds")
        if self.masks and self.mode != "mask":
            raise ValueError(f"masks are for mode mask, and the mode is {self.mode}")
        if self.mode != "drop" and (self.max_spans is not None or self.max_share is not None):
            raise ValueError(f"max_spans and max_share are for mode drop, and the mode is {self.mode}")
        return self

    def adds(self) -> Mapping[str, pa.DataType]:
        if self.mode == "drop":
            return {}
        if self.mode == "mask":
            return {"text": pa.string()}
        return {**{f"pii_{kind}": pa.int32() for kind in self.kinds}, "pii_spans": SPANS}

    def open(self) -> Any:
        """The compiled scanner, loaded so that no batch waits for it."""
        from stages.kernels.pii import pii_spans

        return pii_spans

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        from stages.kernels.texts import texts_of

        texts = texts_of(batch["text"])
        spans = tools(texts, self.kinds, public_addresses_only=self.addresses == "public")
        if self.mode == "mask":
            return self._masked(batch, spans)
        if self.mode == "tag":
            return self._tagged(batch, spans)
        return self._dropped(batch, spans, texts.ends - texts.starts)

    def _masked(self, batch: pa.RecordBatch, spans: PiiSpans) -> pa.RecordBatch | Mapped:
        """The batch with masks in place of the spans, which become cuts."""
        from stages.kernels.pii import KINDS
        from stages.kernels.splice import spliced
        from stages.kernels.texts import texts_of

        if not len(spans.row):
            return batch
        masks: list[bytes] = []
        first, count = np.zeros(len(KINDS), np.int64), np.ones(len(KINDS), np.uint64)
        for kind in self.kinds:
            given = self.masks.get(kind) or MASKS[kind]
            first[KINDS.index(kind)], count[KINDS.index(kind)] = len(masks), len(given)
            masks += [mask.encode() for mask in given]
        rows = np.unique(spans.row)
        begin = np.zeros(batch.num_rows, np.uint64)
        begin[rows] = hash_ids(batch["id"].take(pa.array(rows)), 0) >> np.uint64(1)
        turn = (begin[spans.row] + _turns(spans).astype(np.uint64)) % count[spans.kind]
        pieces = [masks[at] for at in (first[spans.kind] + turn.astype(np.int64)).tolist()]
        text = spliced(texts_of(batch["text"]), spans.row, spans.start, spans.end, pieces)
        if batch["text"].null_count:
            text = pc.if_else(batch["text"].is_valid(), text, None)
        rules = pa.array([f"pii_{kind}" for kind in KINDS]).take(pa.array(spans.kind))
        cuts = Cuts(spans.row, spans.start, spans.end, rules)
        whole = np.arange(batch.num_rows, dtype=np.int32)
        return Mapped(with_column(batch, "text", text), whole, cuts=cuts)

    def _tagged(self, batch: pa.RecordBatch, spans: PiiSpans) -> pa.RecordBatch:
        from stages.kernels.pii import KINDS

        for kind in self.kinds:
            counts = np.bincount(spans.row[spans.kind == KINDS.index(kind)], minlength=batch.num_rows)
            batch = with_column(batch, f"pii_{kind}", pa.array(counts.astype(np.int32)))
        offsets = np.searchsorted(spans.row, np.arange(batch.num_rows + 1)).astype(np.int32)
        fields = [pa.array(KINDS).take(pa.array(spans.kind))]
        fields += [pa.array(edge.astype(np.int32)) for edge in (spans.start, spans.end)]
        told = pa.StructArray.from_arrays(fields, fields=list(SPANS.value_type))
        return with_column(batch, "pii_spans", pa.ListArray.from_arrays(pa.array(offsets), told, type=SPANS))

    def _dropped(self, batch: pa.RecordBatch, spans: PiiSpans, sizes: npt.NDArray[np.int64]) -> Mapped:
        count = np.bincount(spans.row, minlength=batch.num_rows)
        inside = np.bincount(spans.row, weights=spans.end - spans.start, minlength=batch.num_rows)
        share = inside / np.maximum(sizes, 1)
        most = 0 if self.max_spans is None and self.max_share is None else self.max_spans
        rules = []
        if most is not None:
            rules.append(Rule("too_much_pii", count > most, count.astype(np.float64), float(most)))
        if self.max_share is not None:
            rules.append(Rule("dense_pii", share > self.max_share, share, self.max_share))
        drops = first_failure(batch.num_rows, rules)
        kept = np.flatnonzero(drops.rule.is_null().to_numpy(zero_copy_only=False)).astype(np.int32)
        return Mapped(batch.take(pa.array(kept)), kept, drops)


def _turns(spans: PiiSpans) -> npt.NDArray[np.int64]:
    """Of each span, how many of its kind stand before it in its text."""
    order = np.lexsort((spans.start, spans.kind, spans.row))
    group = spans.row[order].astype(np.int64) * 256 + spans.kind[order]
    begins = np.concatenate(([True], group[1:] != group[:-1]))
    place = np.arange(len(group))
    turns = np.empty(len(group), np.int64)
    turns[order] = place - np.maximum.accumulate(np.where(begins, place, 0))
    return turns
