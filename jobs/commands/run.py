"""`textmill run`: compile, run, and print the table of flows, the digests, and what to try next."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.card import flows_table
from jobs.console import Console
from jobs.home import data_name, open_store
from jobs.offer import command_line, short_path
from jobs.pandas_later import meet_pandas_later
from jobs.parquet import read_parquet
from jobs.recipes import find_pipeline
from jobs.run import Outcome, RunSettings, run_plan
from pipelines.compile import compile_pipeline
from pipelines.wording import count_text, size_text


def run_command(
    pipeline: str, settings: Sequence[str], limit: int | None, overrides: Mapping[str, Any], choice: RunSettings
) -> Outcome:
    """Compile and run a pipeline, telling how it goes."""
    meet_pandas_later()
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
    for line in summary(
        outcome.manifest, plan.home, None if outcome.already else _told_of(outcome.manifest, plan.home)
    ):
        print(line)
    if not outcome.already:
        print(f"{time.monotonic() - started:.1f} s", file=sys.stderr)
    return outcome


def summary(manifest: Mapping[str, Any], home: str, example: str | None) -> list[str]:
    """The closing lines: shards, digests, and three commands to try next, `explain` with the id `example`."""
    shards = [shard for output in manifest["outputs"] for shard in output["shards"]]
    text = sum(shard["text_bytes"] for shard in shards)
    stored = sum(shard["bytes"] for shard in shards)
    rows = sum(entry["rows"] for entry in manifest["ledger"])
    directory = short_path(home)
    written = f"{count_text(len(shards), 'shard')} of {size_text(stored)}"
    return [
        f"{count_text(manifest['documents'], 'document')}, {size_text(text)} of text, in {written}",
        f"{count_text(rows, 'row')} in the ledger",
        f"digest          {manifest['digest']}",
        f"ledger digest   {manifest['ledger_digest']}",
        f"content digest  {manifest['content_digest']}",
        "",
        "next:",
        f"    {command_line('inspect', directory)}",
        f"    {command_line('explain', directory, '--id', example or 'ID')}",
        f"    {command_line('verify', directory)}",
    ]


def _told_of(manifest: Mapping[str, Any], home: str) -> str | None:
    """The id of a document of which the ledger's last file tells, else of one in the shards: for a command to try."""
    names = [entry["name"] for entry in reversed(manifest["ledger"]) if entry["rows"]]
    names += [data_name(output["folder"], shard["as"]) for output in manifest["outputs"] for shard in output["shards"]]
    return str(read_parquet(open_store(home), names[0], ["id"])["id"][0]) if names else None
