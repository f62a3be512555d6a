"""Whether textmill's filters decide as datatrove's do, on real documents and datatrove's own default settings.

    python benchmarks/parity/compare.py --words same|default [--limit N] [--language en] FILE...

FILE: Parquet, JSONL or JSONL.gz with `text` (and `id`, `lang`). datatrove is installed into an environment of its own
(`--environment`, default `.venv-parity` in the project's folder) and is asked once about each batch of documents: its
answers are kept there. Compared are, per filter, the decision, the reason, every value that a rule measures (to 1e-9,
of rules that did not decide too), and the text that C4's rules leave.

    --words same      both sides cut words at white space: everything has to be equal
    --words default   datatrove's default (spaCy, English) against textmill's default: 99.5 % of decisions

C4's words are those of `str.split()` in either, so it is compared under `--words same` alone; the sentences that it
counts are those of spaCy's sentencizer on datatrove's side. Exits with 1 below the mark.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from documents import batch_name, batches, gather
from environment import DATATROVE, environment, versions
from report import Difference, compared
from textmill_side import answers

PROJECT: Final = Path(__file__).parent.parent.parent
MARKS: Final = {"same": 1.0, "default": 0.995}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--words", choices=MARKS, required=True)
    parser.add_argument("--limit", type=int, help="documents of each file at most")
    parser.add_argument("--language", help="only documents whose lang is this")
    parser.add_argument("--environment", type=Path, default=PROJECT / ".venv-parity")
    parser.add_argument("--processes", type=int, default=2, help="of datatrove's side")
    given = parser.parse_args()
    python = environment(given.environment, DATATROVE)
    documents = gather(given.files, given.environment / "answers", limit=given.limit, language=given.language)
    theirs = datatrove_answers(python, documents, given.words, given.processes)
    ours = pa.concat_tables(answers(batches(documents), given.words))
    print(f"{ours.num_rows} documents, --words {given.words}; {versions(python, 'datatrove', 'spacy')}\n")
    reports = compared(theirs, ours)
    print("| filter | documents | decisions | reasons | values | texts |")
    print("| --- | --- | --- | --- | --- | --- |")
    for report in reports:
        print(report.row())
    for report in reports:
        for difference in report.differences:
            print_difference(report.name, difference)
    whole = given.words == "same"
    failing = [report.name for report in reports if report.lowest(whole=whole) < MARKS[given.words]]
    if failing:
        print(f"\nbelow the mark of {MARKS[given.words]:.1%}: {', '.join(failing)}")
        sys.exit(1)


def datatrove_answers(python: Path, documents: Path, words: str, processes: int) -> pa.Table:
    """datatrove's answers; each batch of documents is put to it once."""
    script = Path(__file__).parent / "datatrove_side.py"
    version = blake2b(f"{words} {DATATROVE}".encode() + script.read_bytes(), digest_size=6).hexdigest()
    folder = documents.parent / f"datatrove-{words}-{version}"
    folder.mkdir(exist_ok=True)
    files = [folder / f"{batch_name(batch)}.parquet" for batch in batches(documents)]
    if missing := sum(not file.exists() for file in files):
        print(f"datatrove answers {missing} batches of documents", file=sys.stderr)
        command = [python, script, documents, folder, "--words", words, "--processes", str(processes)]
        subprocess.run(command, check=True)
    return pa.concat_tables(pq.read_table(file) for file in files)


def print_difference(name: str, difference: Difference) -> None:
    print(f"\n{name}: {difference.what}, {difference.documents} documents")
    for example in difference.examples:
        print(f"    {example}")


if __name__ == "__main__":
    main()
