"""The adapter between stages and the books: passes a batch through a chain of stages and accounts for every row.

For each stage it applies `where`, calls it, halves the batch when it raises until the one row at fault is alone, checks
that every input row went on or was dropped, makes the ids of derived documents, and writes the ledger rows. A batch is
a run of neighbouring documents, so sorting its ledger rows by (document, stage) gives one order, whatever the batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs import ledger
from jobs.calling import Loaded, Rows, apply, empty_after, joined_rejected, load, taken
from jobs.flow import Flow
from pipelines.plan import Link
from stages.counting import Counter, Wanted, shared_counts, without_counts
from stages.document import child_id, with_column
from stages.errors import StageError
from stages.stage import Filter
from stages.verdicts import Mapped, Rejected, Verdicts, keep_all, verdicts_of

TOO_LARGE: Final = "too_large"


class Chain:
    """Stages of one step, open and ready, with their flows so far."""

    def __init__(self, links: Sequence[Link], step: str, max_document_bytes: int) -> None:
        self.step = step
        self.max_document_bytes = max_document_bytes
        self.flows = [Flow(link.name) for link in links]
        self._links = [load(link) for link in links]
        shared = _shared(self._links)
        self._counting = {first: Counter(wanted) for first, _, wanted in shared}
        self._counted = {last for _, last, _ in shared}

    def start(self) -> None:
        """Begin the books of a new part."""
        self.flows = [Flow(loaded.link.name) for loaded in self._links]

    def run(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """Documents that go on, and the ledger rows of those that do not, both in the order of the input."""
        origin: Rows = np.arange(batch.num_rows)
        buried: list[tuple[Rows, pa.RecordBatch]] = []
        for place, (loaded, flow) in enumerate(zip(self._links, self.flows)):
            flow.entered += batch.num_rows
            if place in self._counting:
                batch = self._counting[place].with_counts(batch)
            if batch.num_rows:
                mapped = _checked(apply(loaded, batch, flow), batch, loaded)
                mapped = self._without_giants(mapped, batch, loaded)
                buried += self._book(mapped, batch, origin, loaded, flow)
                batch, origin = _with_child_ids(mapped, batch, loaded), origin[mapped.parent]
            else:
                batch = empty_after(loaded.stage, batch)
            if place in self._counted:
                batch = without_counts(batch)
        return batch, in_order(buried)

    def _without_giants(self, mapped: Mapped, batch: pa.RecordBatch, loaded: Loaded) -> Mapped:
        """Drop documents whose new text is above the limit."""
        if "text" not in loaded.stage.adds():
            return mapped
        size = text_sizes(mapped.rows)
        giants = size > self.max_document_bytes
        if not giants.any():
            return mapped
        gone = np.setdiff1d(mapped.parent[giants], mapped.parent[~giants]).astype(np.int64)
        value = np.zeros(batch.num_rows)
        value[mapped.parent[giants]] = size[giants]
        drops = _add_verdict(
            mapped.drops or keep_all(batch.num_rows), gone, TOO_LARGE, value, float(self.max_document_bytes)
        )
        derived = None if mapped.derived is None else mapped.derived[~giants]
        return replace(
            mapped,
            rows=mapped.rows.filter(pa.array(~giants)),
            parent=mapped.parent[~giants],
            drops=drops,
            derived=derived,
            rejected=self._with_giants(mapped, np.flatnonzero(giants & ~np.isin(mapped.parent, gone)), size),
        )

    def _with_giants(self, mapped: Mapped, giants: Rows, size: npt.NDArray[np.int64]) -> Rejected | None:
        """The rejected documents, with those among them that are too large and whose parent goes on otherwise."""
        if not len(giants):
            return mapped.rejected
        limit = float(self.max_document_bytes)
        verdicts = verdicts_of([(TOO_LARGE, float(value), limit, None) for value in size[giants].tolist()])
        picks = pa.array(giants)
        more = Rejected(mapped.parent[giants].astype(np.int32), mapped.rows["text"].take(picks), verdicts)
        whole = joined_rejected([(one, 0) for one in (mapped.rejected, more) if one is not None])
        assert whole is not None
        order = np.argsort(whole.parent, kind="stable")
        back = pa.array(order)
        return Rejected(whole.parent[order], whole.text.take(back), taken(whole.verdicts, back))

    def _book(
        self, mapped: Mapped, batch: pa.RecordBatch, origin: Rows, loaded: Loaded, flow: Flow
    ) -> list[tuple[Rows, pa.RecordBatch]]:
        """Count one stage's result and write its ledger rows."""
        buried: list[tuple[Rows, pa.RecordBatch]] = []
        lost = np.zeros(0, np.int64)
        if mapped.drops is not None:
            lost = np.flatnonzero(mapped.drops.rule.is_valid().to_numpy(zero_copy_only=False))
        if len(lost):
            assert mapped.drops is not None
            rows = ledger.burial(batch, lost, mapped.drops, self.step, loaded.link.name)
            buried.append((origin[lost], rows))
            failed = int(pc.sum(pc.equal(rows["kind"], "failed")).as_py())
            flow.failed += failed
            flow.dropped += len(lost) - failed
            flow.count({entry["values"]: entry["counts"] for entry in rows["rule"].value_counts().to_pylist()})
        if mapped.cuts is not None and len(mapped.cuts.row):
            rows = ledger.cut_rows(batch, mapped.cuts, self.step, loaded.link.name)
            buried.append((origin[mapped.cuts.row], rows))
            flow.cuts += rows.num_rows
        if mapped.rejected is not None and len(mapped.rejected.parent):
            rows = ledger.rejected_rows(batch, mapped.rejected, self.step, loaded.link.name)
            buried.append((origin[mapped.rejected.parent], rows))
            flow.rejected += rows.num_rows
            flow.count({entry["values"]: entry["counts"] for entry in rows["rule"].value_counts().to_pylist()})
        flow.kept += batch.num_rows - len(lost)
        if mapped.derived is not None:
            stayed = np.zeros(batch.num_rows, np.bool_)
            stayed[mapped.parent[~mapped.derived]] = True
            flow.children += int(mapped.derived.sum())
            flow.replaced += batch.num_rows - len(lost) - int(stayed.sum())
        return buried


def _shared(links: Sequence[Loaded]) -> list[tuple[int, int, Wanted]]:
    """Where filters share their counts. A filter under `where` joins in, but never makes others count for it.

    Nor does it spare them anything: it does not drop the documents that it does not judge.
    """
    wants: list[Wanted | None] = []
    begun = False
    for loaded in links:
        wanted = loaded.stage.shared_counts() if isinstance(loaded.stage, Filter) else None
        if wanted is not None and loaded.where is not None:
            wanted = replace(wanted, stops=frozenset())
        begun = begun or (wanted is not None and loaded.where is None)
        wants.append(wanted if begun else None)
        begun = begun and "text" not in loaded.stage.adds()
    return shared_counts(wants, ["text" in loaded.stage.adds() for loaded in links])


def in_order(buried: Sequence[tuple[Rows, pa.RecordBatch]]) -> pa.RecordBatch:
    """Ledger rows of several stages in order of document, then stage, then as they were."""
    if not buried:
        return ledger.fill(0)
    rows = pa.concat_batches([rows for _, rows in buried])
    return rows.take(pa.array(np.argsort(np.concatenate([origin for origin, _ in buried]), kind="stable")))


def text_sizes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Bytes of UTF-8 text per row; a null text has 0."""
    return np.asarray(pc.fill_null(pc.binary_length(batch["text"]), 0).to_numpy(zero_copy_only=False), np.int64)


def _checked(mapped: Mapped, batch: pa.RecordBatch, loaded: Loaded) -> Mapped:
    """Hold the law that every input row goes on or is dropped, never both, never neither."""
    parent = mapped.parent
    if len(parent) != mapped.rows.num_rows or (len(parent) and (np.diff(parent) < 0).any()):
        raise StageError(f"{loaded.link.name}: `parent` must name an input row for each output row, ascending")
    seen = np.zeros(batch.num_rows, np.bool_)
    seen[parent] = True
    gone = np.zeros(batch.num_rows, np.bool_)
    if mapped.drops is not None:
        gone = mapped.drops.rule.is_valid().to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(seen == gone)
    if len(wrong):
        act = "both kept and dropped" if seen[wrong[0]] else "neither kept nor dropped"
        raise StageError(f"{loaded.link.name}: document {batch['id'][int(wrong[0])]} was {act}")
    if mapped.derived is None and len(parent) != int(seen.sum()):
        raise StageError(f"{loaded.link.name}: one document became several, but none of them is marked as derived")
    return mapped


def _with_child_ids(mapped: Mapped, batch: pa.RecordBatch, loaded: Loaded) -> pa.RecordBatch:
    """Give derived documents their ids: hash(parent id, stage key, ordinal among the parent's children)."""
    if mapped.derived is None or not mapped.derived.any():
        return mapped.rows
    if "parent_id" not in mapped.rows.schema.names:
        raise StageError(f"{loaded.link.name}: a stage that derives documents must add the column parent_id (string)")
    ids, parents = mapped.rows["id"].to_pylist(), mapped.rows["parent_id"].to_pylist()
    sources = batch["id"].to_pylist()
    ordinals: dict[int, int] = {}
    # Children are few beside texts, and each id is a hash of its own: a Python step per child.
    for row in np.flatnonzero(mapped.derived).tolist():
        parent = int(mapped.parent[row])
        ordinal = ordinals.get(parent, 0)
        ordinals[parent] = ordinal + 1
        ids[row], parents[row] = child_id(sources[parent], loaded.key, ordinal), sources[parent]
    rows = with_column(mapped.rows, "id", pa.array(ids, pa.string()))
    return with_column(rows, "parent_id", pa.array(parents, pa.string()))


def _add_verdict(verdicts: Verdicts, at: Rows, rule: str, value: npt.NDArray[np.float64], limit: float) -> Verdicts:
    hit = np.zeros(len(verdicts), np.bool_)
    hit[at] = True
    mask = pa.array(hit)
    return Verdicts(
        pc.if_else(mask, rule, verdicts.rule),
        pc.if_else(mask, pa.array(value), verdicts.value),
        pc.if_else(mask, limit, verdicts.limit),
        verdicts.message,
    )
