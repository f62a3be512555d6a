"""`textmill run`: compile, run, and print the table of flows, the digests, and what to try next."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.card import flows_table
from jobs.console import Console
from jobs.recipes import find_pipeline
from jobs.run import Outcome, RunSettings, run_plan
from pipelines.compile import compile_pipeline


def run_command(
    pipeline: str, settings: Sequence[str], limit: int | None, overrides: Mapping[str, Any], choice: RunSettings
) -> Outcome:
    """Compile and run a pipeline, telling how it goes."""
    plan = compile_pipeline(find_pipeline(pipeline), settings=settings, limit=limit, overrides=overrides)
    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    started = time.monotonic()
    with Console() as console:
        outcome = run_plan(plan, choice, report=console.line, progress=console.progress)
    if outcome.manifest is None:
        print(f"stopped after {choice.until}; the same command without --until goes on")
        return outcome
    if outcome.already:
        print(f"this run stands finished in {plan.home}; nothing to do")
    print()
    print(flows_table(outcome.manifest))
    print()
    for line in summary(outcome.manifest, plan.home):
        print(line)
    if not outcome.already:
        print(f"{time.monotonic() - started:.1f} s", file=sys.stderr)
    return outcome


def summary(manifest: Mapping[str, Any], home: str) -> list[str]:
    """The closing lines: shards, digests, and three commands to try next."""
    shards = [shard for output in manifest["outputs"] for shard in output["shards"]]
    text = sum(shard["text_bytes"] for shard in shards) / 1e6
    stored = sum(shard["bytes"] for shard in shards) / 1e6
    rows = sum(entry["rows"] for entry in manifest["ledger"])
    return [
        f"{manifest['documents']:,} documents, {text:,.1f} MB of text, in {len(shards)} shards of {stored:,.1f} MB",
        f"{rows:,} rows in the ledger",
        f"digest          {manifest['digest']}",
        f"ledger digest   {manifest['ledger_digest']}",
        f"content digest  {manifest['content_digest']}",
        "",
        "next:",
        f"    textmill inspect {home}",
        f"    textmill explain {home} --url URL",
        f"    textmill verify {home}",
    ]
