"""How right and how careful `stages.language` is: by language, on noise, and on texts in two languages.

    TEXTMILL_DATA=/path/to/data python benchmarks/language_quality.py [--identifiers lid176,resiliparse,cld2 --agree 2]

(with the project installed, or PYTHONPATH set to its folder). Reads from `langid/`: `sentences.jsonl.gz` (one sentence
each, 75 languages), `udhr.jsonl.gz` (paragraphs in some 500), `noise.jsonl.gz` (logs, code, base64, numbers, random
letters: no language) and `mixed.jsonl.gz` (lines in two languages). Prints macro-F1 of languages over all of the file
and over those that an identifier has a label for, F1 of each language, how close languages are taken for each other,
the share of noise that is taken for a language at 0.65, and of the mixed texts the share of bytes that the segments put
into the right language. Scripts do not count; macrolanguages count as their standard language.
"""

from __future__ import annotations

import argparse
import gzip
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from stages.language import Language
from stages.languages.labels import language_code

FLOOR = 0.65
CLOSE = (
    ("bos", "hrv", "srp"),
    ("dan", "nob", "nno"),
    ("ind", "zsm"),
    ("ces", "slk"),
    ("glg", "por", "spa"),
    ("urd", "fas"),
)


def read_lines(name: str) -> list[dict[str, Any]]:
    """The records of one file of the data folder."""
    home = os.environ.get("TEXTMILL_DATA")
    if not home:
        raise SystemExit("set TEXTMILL_DATA to the data folder")
    with gzip.open(Path(home) / "langid" / name) as file:
        return [orjson.loads(line) for line in file]


def columns_of(stage: Language, tools: Any, records: Sequence[dict[str, Any]]) -> pa.RecordBatch:
    texts = [record["text"] for record in records]
    rows = stage.map(pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": texts}), tools)
    assert isinstance(rows, pa.RecordBatch)
    return rows


def told_of(stage: Language, tools: Any, records: Sequence[dict[str, Any]]) -> list[str]:
    """The language of each record, without its script."""
    return [label.partition("_")[0] for label in columns_of(stage, tools, records)["language"].to_pylist()]


def scores_by_language(truth: Sequence[str], told: Sequence[str]) -> dict[str, float]:
    """F1 of each language that occurs in the truth."""
    right = Counter(label for label, other in zip(truth, told) if label == other)
    wanted, given = Counter(truth), Counter(told)
    return {label: 2 * right[label] / (wanted[label] + given[label]) for label in sorted(wanted)}


def print_close(truth: Sequence[str], told: Sequence[str]) -> None:
    for group in CLOSE:
        for language in group:
            taken = Counter(other for label, other in zip(truth, told) if label == language)
            if taken:
                others = ", ".join(f"{other} {taken[other] / taken.total():.0%}" for other in (*group, "und"))
                print(f"    {language} told as {others}")


def bytes_put_right(record: dict[str, Any], segments: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Of one mixed text: bytes of lines that the segments put into the line's language, and all bytes of its lines."""
    right = whole = at = 0
    for line, label in zip(record["text"].split("\n"), record["segments"]):
        end = at + len(line.encode())
        whole += end - at
        for segment in segments:
            if segment["language"].partition("_")[0] == language_code(label):
                right += max(0, min(end, segment["end"]) - max(at, segment["start"]))
        at = end + 1
    return right, whole


def print_mixed(stage: Language, tools: Any, records: Sequence[dict[str, Any]], known: set[str]) -> None:
    told = columns_of(stage, tools, records)["language_segments"].to_pylist()
    wanted = [{language_code(label) for label in record["segments"]} for record in records]
    for name, some in (("all", set.union(*wanted)), ("both languages known", known)):
        rows = [row for row, languages in enumerate(wanted) if languages <= some]
        counts = [bytes_put_right(records[row], told[row]) for row in rows]
        share = sum(right for right, _ in counts) / sum(whole for _, whole in counts)
        found = [{segment["language"].partition("_")[0] for segment in told[row]} for row in rows]
        both = sum(wanted[row] <= languages for row, languages in zip(rows, found)) / len(rows)
        few = sum(len(told[row]) for row in rows) / len(rows)
        print(f"  {name}: {len(rows)} texts, {share:.1%} of bytes put right, both languages found in {both:.1%}")
        print(f"    {few:.1f} segments a text")


def print_texts(name: str, truth: Sequence[str], told: Sequence[str], known: set[str]) -> None:
    scores = scores_by_language(truth, told)
    best_first = sorted(known & scores.keys(), key=lambda label: (-scores[label], label))
    few = sum(label == "und" and true in known for true, label in zip(truth, told)) / sum(
        map(known.__contains__, truth)
    )
    print(f"{name}: {len(truth):,} texts, {len(scores)} languages, {len(best_first)} of them known")
    print(f"  macro-F1 {sum(scores.values()) / len(scores):.4f}, ", end="")
    print(f"of known languages {sum(scores[label] for label in best_first) / len(best_first):.4f}")
    print(f"  und: {told.count('und') / len(told):.2%}, of texts in known languages {few:.2%}")
    if name == "sentences":
        print("  F1: " + " ".join(f"{label} {scores[label]:.2f}" for label in best_first))
        print("  unknown: " + " ".join(sorted(scores.keys() - known)))
        print_close(truth, told)


def stage_of(arguments: argparse.Namespace) -> Language:
    fields = {"agree": arguments.agree, "min_plain": arguments.min_plain, "min_letters": arguments.min_letters}
    if arguments.identifiers:
        fields["identifiers"] = arguments.identifiers.split(",")
    if arguments.model:
        fields["model"] = arguments.model
    return Language.model_validate(fields)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--identifiers", help="names as in the field, between commas")
    parser.add_argument("--agree", type=int, default=1)
    parser.add_argument("--model", type=Path, help="a fastText model")
    parser.add_argument("--min-plain", type=float, default=Language().min_plain)
    parser.add_argument("--min-letters", type=int, default=Language().min_letters)
    stage = stage_of(parser.parse_args())
    tools = stage.open()
    known = {language for one in tools for language in one.languages}
    for name in ("sentences", "udhr"):
        records = read_lines(f"{name}.jsonl.gz")
        truth = [language_code(record["iso639_3"]) for record in records]
        print_texts(name, truth, told_of(stage, tools, records), known)
    noise = read_lines("noise.jsonl.gz")
    told = told_of(stage.model_copy(update={"min_score": FLOOR}), tools, noise)
    taken = Counter(record["noise"] for record, label in zip(noise, told) if label != "und")
    print(f"noise taken for a language at {FLOOR}: {taken.total()} of {len(noise)} ({taken.total() / len(noise):.1%})")
    print("  " + ", ".join(f"{kind} {count}" for kind, count in sorted(taken.items())))
    if any(one.model is not None for one in tools):
        print("mixed")
        print_mixed(stage.model_copy(update={"segments": True}), tools, read_lines("mixed.jsonl.gz"), known)


if __name__ == "__main__":
    main()
