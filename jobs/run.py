"""Running a plan: claim the directory, do the steps that are not done yet, publish.

Everything here can be killed at any moment and run again: a step whose manifest stands is skipped, a part whose receipt
stands is skipped, and what is done again gives the same bytes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jobs.budget import share_out
from jobs.engines.engine import Engine
from jobs.engines.opening import check_engine, open_engine
from jobs.home import MANIFEST, check_directory, forget, open_store
from jobs.lease import Lease
from jobs.publish import build_manifest, publish
from jobs.refusal import store_errors
from jobs.rest import RestPart
from jobs.steps.find import run_find
from jobs.steps.map import run_map
from jobs.steps.move import run_move
from jobs.steps.step import Done, Place, check_whole, done, sweep
from jobs.steps.write import run_write
from jobs.store import HOUSE, LocalStore, Store
from jobs.verify import verify_run
from pipelines.plan import Plan, Step
from stages.errors import EngineError, Fault, PipelineError, StageError

Report = Callable[[str], None]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What the command line adds to a plan. `until`: the name or number of the last step to do."""

    replace: bool = False
    allow_empty: bool = False
    allow_lost: bool = False
    until: str | None = None


@dataclass(slots=True)
class Outcome:
    """How a run ended: its manifest (None with `until`), whether it stood finished already, steps done and reused."""

    manifest: Mapping[str, Any] | None
    already: bool = False
    made: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)


def run_plan(
    plan: Plan,
    settings: RunSettings | None = None,
    *,
    store: Store | None = None,
    report: Report = lambda line: None,
    progress: Progress = lambda step, finished, tasks: None,
) -> Outcome:
    """Run a plan to its end. Raises PipelineError before anything is touched, TextmillError while running.

    A full or broken disk, met here or in a worker, is a StoreError: what is committed stays.
    """
    settings = settings or RunSettings()
    _check_until(plan, settings.until)
    store = store or open_store(plan.home)
    check_engine(plan.run)
    workers, memory = share_out(plan.run, plan.steps)
    finished = check_directory(store, plan, settings.replace)
    if finished is not None and not (settings.replace and _damaged(store, finished)):
        return Outcome(finished, already=True)
    lease = Lease(store)
    lease.acquire()
    try:
        if finished is not None:
            report("this run stands finished, but damaged; it is made anew")
            forget(store)
        if not store.exists(MANIFEST):
            store.replace(f"{HOUSE}/pipeline.yaml", plan.text.encode())
        with store_errors(store.home, "go on"), open_engine(plan.run, workers, memory, _scratch(store)) as engine:
            return _Run(plan, settings, store, engine, lease, report, progress).go()
    finally:
        lease.release()


def _damaged(store: Store, manifest: Mapping[str, Any]) -> bool:
    return not all(check.held for check in verify_run(store, manifest))


def _check_until(plan: Plan, until: str | None) -> None:
    names = [step.name for step in plan.steps]
    if until is not None and until not in names and until not in map(str, range(len(names))):
        known = ", ".join(f"{number} {name}" for number, name in enumerate(names))
        raise PipelineError(Fault(f"--until {until}", "there is no such step", f"give a number or a name: {known}"))


class _Run:
    """One run between claiming the directory and its end."""

    def __init__(
        self,
        plan: Plan,
        settings: RunSettings,
        store: Store,
        engine: Engine,
        lease: Lease,
        report: Report,
        progress: Progress,
    ) -> None:
        self.plan = plan
        self.settings = settings
        self.store = store
        self.engine = engine
        self.lease = lease
        self.report = report
        self.progress = progress
        self.outcome = Outcome(None)

    def go(self) -> Outcome:
        self._take_back()
        finished: dict[int, Done] = {}
        for step in self.plan.steps:
            finished[step.number] = self._step(step, finished)
            self.lease.check()
            if self.settings.until in (step.name, str(step.number)):
                return self.outcome
        self._judge(finished)
        manifest = build_manifest(self.plan, finished)
        publish(self.store, self.plan, manifest, finished)
        self.outcome.manifest = manifest
        return self.outcome

    def _take_back(self) -> None:
        """Forget cleared steps whose documents a step that is to be made will read."""
        needed: set[int] = set()
        for step in reversed(self.plan.steps):
            place = Place(self.store, step, self.plan.run)
            stands = place.manifest() is not None
            if stands and step.number in needed and self.store.exists(place.cleared):
                place.forget()
                stands = False
            if not stands:
                needed |= set(step.inputs)

    def _step(self, step: Step, finished: Mapping[int, Done]) -> Done:
        place = Place(self.store, step, self.plan.run)
        manifest = place.manifest()
        if manifest is not None:
            self.outcome.reused.append(place.title)
            if not self.store.exists(place.cleared):
                check_whole(place, manifest)
                sweep(place, manifest)
            self.report(f"{place.title}: stands already")
            return done(manifest)
        self.engine.progress = lambda now, tasks: self.progress(place.title, now, tasks)
        inputs = [
            replace(part, feed=feed)
            for number, feed in zip(step.inputs, step.feeds)
            for part in finished[number].documents
        ]
        try:
            made = self._make(place, step, inputs)
        except EngineError as error:
            raise EngineError(f"step {place.title}: {error}") from error
        self.outcome.made.append(place.title)
        flows = made.flows
        if flows:
            self.report(f"{place.title}: {flows[0].entered:,} documents in, {flows[-1].out:,} out")
        return made

    def _make(self, place: Place, step: Step, inputs: list[RestPart]) -> Done:
        if step.kind == "map":
            source = None if step.source is None else self.plan.sources[step.source]
            return run_map(place, self.engine, source, inputs)
        if step.kind == "find":
            return run_find(place, self.engine, inputs)
        if step.kind == "move":
            return run_move(place, self.engine, inputs)
        return run_write(place, self.engine, inputs, self.plan.seed)

    def _judge(self, finished: Mapping[int, Done]) -> None:
        """Refuse to publish nothing, or less than the input because of this machine, unless that is allowed."""
        flows = [flow for one in finished.values() for flow in one.flows]
        lost = sum(flow.lost_to_machine for flow in flows)
        if lost and not self.settings.allow_lost:
            raise StageError(
                f"{lost} documents were lost to the machine (their worker was killed for memory, three times each)\n"
                "    mend: textmill clean --everything, then run with fewer --workers; or accept it with --allow-lost"
            )
        kept = sum(len(one.manifest["shards"]) for one in finished.values() if "shards" in one.manifest)
        if not kept and not self.settings.allow_empty:
            rules: dict[str, int] = {}
            for flow in flows:
                for rule, times in flow.rules.items():
                    rules[f"{flow.stage}: {rule}"] = times
            worst = sorted(rules.items(), key=lambda item: (-item[1], item[0]))[:3]
            told = "; ".join(f"{rule} ({times:,})" for rule, times in worst)
            what = f"everything was dropped: {told}" if told else "the input holds no documents"
            mend = f"look at {self.store.home}/{HOUSE}/ledger and change the limits" if told else "name other files"
            raise StageError(f"{what}\n    mend: {mend}, or accept an empty result with --allow-empty")


def _scratch(store: Store) -> Path:
    """A folder for spilled rows: in the run directory where that is a disk, so that it is large; swept of old ones."""
    if not isinstance(store, LocalStore):
        return Path(tempfile.mkdtemp(prefix="textmill-"))
    house = store.path(HOUSE)
    house.mkdir(parents=True, exist_ok=True)
    for old in house.glob("scratch-*"):
        shutil.rmtree(old, ignore_errors=True)
    for draft in house.glob(".*.????????"):
        draft.unlink(missing_ok=True)
    return Path(tempfile.mkdtemp(prefix="scratch-", dir=house))
