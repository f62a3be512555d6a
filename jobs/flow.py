"""The books of a run: what went into each stage and what became of it.

Law of conservation, per part and stage: in = kept + dropped + failed, and out = kept + children - replaced parents,
where a stage's in is the out of the one before it. Checked wherever flows are made, added up or read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stages.errors import StageError

_COUNTS: Final = (
    "kept",
    "dropped",
    "failed",
    "errors",
    "children",
    "replaced",
    "rejected",
    "not_applied",
    "cuts",
    "lost_to_machine",
)


@dataclass(slots=True)
class Flow:
    """The counts of one stage: documents, and the cuts and rules behind them."""

    stage: str
    entered: int = 0
    kept: int = 0
    dropped: int = 0
    failed: int = 0
    errors: int = 0
    """Of the failed, those where the stage raised: they count against `max_error_rate`, damaged input does not."""
    children: int = 0
    replaced: int = 0
    rejected: int = 0
    """New documents that the stage made and did not find good enough: they were never among those that went on."""
    not_applied: int = 0
    cuts: int = 0
    lost_to_machine: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    """Documents by what the stage told of how it judged them (`stages.stage.Stage.notes`)."""

    @property
    def out(self) -> int:
        return self.kept + self.children - self.replaced

    def count(self, rules: Mapping[str, int]) -> None:
        for rule, times in rules.items():
            self.rules[rule] = self.rules.get(rule, 0) + times

    def note(self, notes: Mapping[str, int]) -> None:
        for note, times in notes.items():
            self.notes[note] = self.notes.get(note, 0) + times

    def to_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "in": self.entered,
            "kept": self.kept,
            "dropped": self.dropped,
            "failed": self.failed,
            "errors": self.errors,
            "children": self.children,
            "replaced": self.replaced,
            "rejected": self.rejected,
            "out": self.out,
            "not_applied": self.not_applied,
            "cuts": self.cuts,
            "lost_to_machine": self.lost_to_machine,
            "rules": dict(sorted(self.rules.items())),
            "notes": dict(sorted(self.notes.items())),
        }


def flow_from_json(data: Mapping[str, Any]) -> Flow:
    """The flow that `to_json` wrote."""
    return Flow(
        stage=data["stage"],
        entered=data["in"],
        rules=dict(data["rules"]),
        notes=dict(data["notes"]),
        **{name: int(data[name]) for name in _COUNTS},
    )


def add_flows(parts: Iterable[list[Flow]]) -> list[Flow]:
    """Sum the flows of parts, stage by stage; all parts must name the same stages in the same order."""
    total: list[Flow] = []
    for flows in parts:
        if not total:
            total = [Flow(flow.stage) for flow in flows]
        if [flow.stage for flow in flows] != [flow.stage for flow in total]:
            raise StageError("the receipts of one step name different stages: the run directory was mixed up")
        for sum_, flow in zip(total, flows):
            for name in ("entered", *_COUNTS):
                setattr(sum_, name, getattr(sum_, name) + getattr(flow, name))
            sum_.count(flow.rules)
            sum_.note(flow.notes)
    return total


def check_conservation(flows: list[Flow], entered: int, left: int, where: str) -> None:
    """Hold the law over a chain of stages. Raises StageError naming the stage and the numbers that do not add up."""
    before = entered
    for flow in flows:
        if flow.entered != before:
            raise StageError(f"{where}: {flow.stage} took in {flow.entered} documents, but {before} came out before it")
        if flow.entered != flow.kept + flow.dropped + flow.failed:
            raise StageError(
                f"{where}: {flow.stage} lost count: in {flow.entered}, kept {flow.kept}, dropped {flow.dropped}, "
                f"failed {flow.failed}"
            )
        before = flow.out
    if before != left:
        raise StageError(f"{where}: {before} documents came out of the last stage, but {left} were written")
