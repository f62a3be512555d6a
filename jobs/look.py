"""A finished run in a notebook: its documents, its ledger, its books, and the way of any document.

The one idea: everything is read from the run directory when it is asked for, and handed over as Arrow. What may be
large (documents, sequences) comes as a stream of batches; what is asked for by number is never searched by holding it
all. Nothing is ever written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from jobs.card import FLOW_HEAD, FLOW_NUMBERS, flow_rows
from jobs.commands.explain import known_ways, tell
from jobs.flow import Flow
from jobs.home import finished_manifest, open_store
from jobs.ledger import LEDGER
from jobs.shard_reading import check_known, choose_output, read_batches, sample_rows, shard_name, stream_rows
from jobs.store import HOUSE, Store
from jobs.table import html_table
from jobs.way import Way
from pipelines.wording import count_text, size_text
from stages.document import TOKENS
from stages.errors import Fault, PipelineError

FLOWS: Final = pa.schema(
    [("step", pa.string()), ("stage", pa.string())]
    + [(name, pa.int64()) for name, count in Flow("").to_json().items() if isinstance(count, int)]
)
"""What `Run.flows` gives: `in`, `kept`, `dropped`, `failed` … as `docs/run_directory.md` explains them."""

RULES: Final = pa.schema(
    [("step", pa.string()), ("stage", pa.string()), ("rule", pa.string()), ("documents", pa.int64())]
)
"""What `Run.rules` gives."""
SHARDS: Final = pa.schema(
    [("output", pa.string()), ("shard", pa.string()), ("split", pa.string())]
    + [(name, pa.int64()) for name in ("rows", "text_bytes", "bytes")]
    + [("path", pa.string())]
)
"""What `Run.shards` gives: `text_bytes` of documents, `bytes` as stored."""


@dataclass(frozen=True, repr=False)
class Explanation:
    """The ways of the documents asked for; prints as `textmill explain` does."""

    ways: tuple[Way, ...]
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run. `manifest` is `_textmill/manifest.json`; every method reads from the directory anew."""

    store: Store
    manifest: Mapping[str, Any] = field(hash=False)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs."""
        return tuple(output["name"] for output in self.manifest["outputs"])

    def documents(
        self, output: str | None = None, columns: Sequence[str] | None = None, split: str | None = None
    ) -> pa.RecordBatchReader:
        """The documents of an output, in the order of its shards, as a stream; `.read_all()` makes a table of it.

        Without `output`, the only one that has texts. Raises PipelineError for an unknown output, column or split.
        """
        chosen = choose_output(self.store, self.manifest, output, "text", "documents")
        return stream_rows(self.store, chosen, columns, split)

    def sequences(
        self, output: str | None = None, columns: Sequence[str] | None = None, split: str | None = None
    ) -> pa.RecordBatchReader:
        """The rows of tokens of an output (`input_ids`, and of packed ones `doc_ids`, `doc_spans` …), as a stream."""
        chosen = choose_output(self.store, self.manifest, output, TOKENS, "sequences")
        return stream_rows(self.store, chosen, columns, split)

    def sample(
        self, n: int, seed: int = 0, output: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """`n` documents by chance: those whose ids hash lowest, in this order. Another seed gives others.

        The same for the same documents, whatever shards they are in. Reads all ids and then only the row groups that
        hold one of the chosen; at no time more than one row group is in memory.
        """
        chosen = choose_output(self.store, self.manifest, output, "text", "documents")
        return sample_rows(self.store, chosen, columns, n, seed)

    def ledger(self, stage: str | None = None, rule: str | None = None) -> pa.Table:
        """The ledger: a row for every document that was dropped or failed, and for every span that was cut.

        `stage` is the name of a stage (`dedup.exact`) or of a step (`02-exact`), `rule` that of a rule. Raises
        PipelineError for a stage that the run does not have.
        """
        steps = [flow["step"] for flow in self.manifest["flows"]]
        stages = [flow["stage"] for flow in self.manifest["flows"]]
        check_known(self.store, stage, [*stages, *steps], "stage")
        found = [LEDGER.empty_table()]
        for entry in self.manifest["ledger"]:
            if stage in steps and entry["step"] != stage:
                continue
            for batch in read_batches(self.store, entry["name"], LEDGER.names):
                if stage is not None and stage not in steps:
                    batch = batch.filter(pc.equal(batch["stage"], stage))
                if rule is not None:
                    batch = batch.filter(pc.fill_null(pc.equal(batch["rule"], rule), False))
                if batch.num_rows:
                    found.append(pa.Table.from_batches([batch]).cast(LEDGER))
        return pa.concat_tables(found)

    def flows(self) -> pa.Table:
        """The books: for every stage in order what went in, and what became of it. Columns: FLOWS."""
        return pa.Table.from_pylist([{name: flow[name] for name in FLOWS.names} for flow in self._flows()], FLOWS)

    def rules(self) -> pa.Table:
        """How many documents each rule dropped or failed, stage by stage, the most frequent rule first."""
        rows = [
            {"step": flow["step"], "stage": flow["stage"], "rule": rule, "documents": times}
            for flow in self._flows()
            for rule, times in sorted(flow["rules"].items(), key=lambda item: (-item[1], item[0]))
        ]
        return pa.Table.from_pylist(rows, RULES)

    def shards(self) -> pa.Table:
        """The shards of all outputs, with documents, bytes of text, bytes stored, and where they are."""
        rows = [
            {
                "output": output["name"],
                "shard": shard["as"],
                "path": f"{self.store.home}/{shard_name(output, shard)}",
                **{name: shard[name] for name in ("split", "rows", "text_bytes", "bytes")},
            }
            for output in self.manifest["outputs"]
            for shard in output["shards"]
        ]
        return pa.Table.from_pylist(rows, SHARDS)

    def explain(self, id: str | None = None, url: str | None = None) -> Explanation:
        """The whole way of the document with this id, or of all documents from this URL.

        Raises PipelineError when the run never met one.
        """
        if (id is None) == (url is None):
            raise PipelineError(Fault("explain", "which document is not said", "give either id=… or url=…"))
        ways = known_ways(self.store, self.manifest, "url" if id is None else "id", id or url or "")
        return Explanation(tuple(ways), "\n\n".join("\n".join(tell(way, self.manifest)) for way in ways))

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *(f"  {line}" for line in self._output_lines())])

    def _repr_html_(self) -> str:
        lines = "".join(f"<br>{escape(line)}" for line in self._output_lines())
        flows = html_table(FLOW_HEAD, flow_rows(self.manifest), right=FLOW_NUMBERS)
        return f"<p><b>{escape(self._headline())}</b>{lines}</p>{flows}"

    def _headline(self) -> str:
        told = self.manifest
        return f"{told['name']}: {count_text(told['documents'], 'document')}, finished {told['finished']}"

    def _output_lines(self) -> Iterator[str]:
        for output in self.manifest["outputs"]:
            stored = size_text(sum(shard["bytes"] for shard in output["shards"]))
            rows = count_text(sum(shard["rows"] for shard in output["shards"]), "row")
            yield f"{output['name']}: {rows} in {count_text(len(output['shards']), 'shard')} of {stored}"

    def _flows(self) -> Sequence[Mapping[str, Any]]:
        flows: Sequence[Mapping[str, Any]] = self.manifest["flows"]
        return flows


def open_run(directory: str | Path) -> Run:
    """The finished run in a directory. Raises PipelineError when none stands there, or one that is not finished."""
    store = open_store(str(directory))
    manifest = finished_manifest(store)
    if manifest is not None:
        return Run(store, manifest)
    if store.names(HOUSE):
        what, mend = "the run here is not finished", "run the same pipeline again: it goes on where it was stopped"
    else:
        what, mend = "no run stands here", "name the directory that a pipeline writes `to`"
    raise PipelineError(Fault(str(directory), what, mend))
