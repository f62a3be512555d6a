"""The dataset card: a README.md that lets `datasets` load the shards and tells a reader where they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobs.table import text_table
from pipelines.wording import count_text, size_text

FLOW_HEAD: Final = ("stage", "in", "dropped", "failed", "new", "out", "most frequent rules")
FLOW_NUMBERS: Final = range(1, 6)
"""Which of these columns hold numbers."""


def dataset_card(manifest: Mapping[str, Any], output: Mapping[str, Any]) -> str:
    """The card of one output: YAML header with `configs`, then sources, stages, and how to make it."""
    splits = list(dict.fromkeys(shard["split"] for shard in output["shards"]))
    rows = sum(shard["rows"] for shard in output["shards"])
    # `datasets` takes from its cache what it once loaded under this folder's name, unless the configuration differs:
    # the digest in it keeps a later run from being answered with the documents of an earlier one.
    header = ["---", "configs:", "- config_name: default", f"  description: digest {output['digest']}"]
    folders = list(dict.fromkeys(shard["folder"] for shard in output["shards"] if "folder" in shard))
    header += _data_files(splits, "data/*/" if folders else "data/")
    for folder in folders:
        here = dict.fromkeys(shard["split"] for shard in output["shards"] if shard.get("folder") == folder)
        header += [f"- config_name: {folder}", f"  description: digest {output['digest']}"]
        header += _data_files(list(here), f"data/{folder}/")
    header += ["size_categories:", f"- {_size_category(rows)}", "---"]
    sources = [
        [name, str(len(source["files"])), size_text(sum(file["size"] for file in source["files"]))]
        for name, source in manifest["sources"].items()
    ]
    size = f"{count_text(rows, 'document')} in {count_text(len(output['shards']), 'shard')}"
    body = [
        f"# {manifest['name']}",
        "",
        f"{size}, made by textmill {manifest['textmill']}.",
        "",
        "## Sources",
        "",
        *_markdown(["source", "files", "stored"], sources),
        "",
        "## Stages",
        "",
        *_markdown(
            ["stage", "in", "kept", "dropped", "failed", "out"],
            [
                [str(flow["stage"]), *(f"{flow[key]:,}" for key in ("in", "kept", "dropped", "failed", "out"))]
                for flow in manifest["flows"]
            ],
        ),
        "",
        "Every document that is not in the shards is in `_textmill/ledger`, with the rule, the value and the limit.",
        "",
        *_measured(manifest),
        "## Making it again",
        "",
        "    textmill run PIPELINE.yaml",
        "",
        "The pipeline is kept as `_textmill/pipeline.yaml`; relative paths in it start where it was first run.",
        "",
        f"digest `{output['digest']}`",
    ]
    return "\n".join([*header, *body]) + "\n"


def _measured(manifest: Mapping[str, Any]) -> list[str]:
    """What stages told of themselves, if any did."""
    rows = measures_rows(manifest)
    return ["## Measured", "", *_markdown(["step", "what", "count"], rows), ""] if rows else []


def measures_rows(manifest: Mapping[str, Any]) -> list[list[str]]:
    """Step, name and value of what stages count of themselves, such as the shares of a mix, and of their notes."""
    measures = [
        [step["step"], name, f"{value:,}"]
        for step in manifest["steps"]
        for name, value in step.get("measures", {}).items()
    ]
    notes = [
        [flow["step"], f"{flow['stage']}: {note}", f"{times:,}"]
        for flow in manifest["flows"]
        for note, times in flow["notes"].items()
    ]
    return [*measures, *notes]


def _data_files(splits: Sequence[str], below: str) -> list[str]:
    """The part of a configuration that says which shards belong to which split."""
    lines = ["  data_files:" if splits else "  data_files: []"]
    for split in splits:
        lines += [f"  - split: {split}", f"    path: {below}{split}-*.parquet"]
    return lines


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def flows_table(manifest: Mapping[str, Any]) -> str:
    """The table of flows that `textmill run` prints."""
    return text_table(FLOW_HEAD, flow_rows(manifest), right=FLOW_NUMBERS)


def flow_rows(manifest: Mapping[str, Any]) -> list[list[str]]:
    """The cells of that table, below FLOW_HEAD."""
    rows = []
    for flow in manifest["flows"]:
        rules = sorted(flow["rules"].items(), key=lambda item: (-item[1], item[0]))[:3]
        told = ", ".join(f"{rule} {times:,}" for rule, times in rules) + (", …" if len(flow["rules"]) > 3 else "")
        if flow["cuts"]:
            told = f"{flow['cuts']:,} spans cut" + (f", {told}" if told else "")
        if flow["rejected"]:
            told = f"{flow['rejected']:,} new ones rejected" + (f", {told}" if told else "")
        if flow["not_applied"]:
            told = f"{flow['not_applied']:,} not applied" + (f", {told}" if told else "")
        new = flow["children"] - flow["replaced"]
        numbers = (flow["in"], flow["dropped"], flow["failed"], new, flow["out"])
        rows.append([str(flow["stage"]), *(f"{number:,}" if number else "" for number in numbers), told])
    return rows


def _size_category(rows: int) -> str:
    bounds = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
    bounds += [(10**7, "1M<n<10M"), (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B")]
    return next((name for bound, name in bounds if rows < bound), "n>1T" if rows > 10**12 else "10B<n<100B")
