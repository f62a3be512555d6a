"""Make the sample: build the sites, serve them, crawl them, damage what should be damaged, write down the truth.

One idea: `sample.json` is written first as a claim on the directory and last as the proof that all of it is there; so a
finished sample is left alone, a broken-off one is made again, and a directory of somebody else's is never touched.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from jobs.sample.crawl import Crawl, crawl_sites
from jobs.sample.page import Planted, Site
from jobs.sample.pydoc_site import documentation_site
from jobs.sample.server import serving
from jobs.sample.truth import write_truth
from jobs.sample.village import FEWEST_PAGES, build_village
from stages.errors import Fault, PipelineError, StoreError

VERSION = 1
"""Raised whenever the sample's bytes change, so that older ones are made again."""

_PLAIN = ("school", "fr")
"""Sites whose WARC file is not compressed, so that a sample has both kinds."""
_DAMAGE = 24
"""Bytes that are turned over in the middle of a damaged record."""


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What lies in the sample directory: file names below it, WARC records, stored bytes; `made` is False when a
    complete sample was there already."""

    directory: Path
    files: tuple[str, ...]
    records: int
    bytes: int
    made: bool


def make_sample(
    directory: Path,
    *,
    seed: int = 7,
    village_pages: int = 600,
    python_docs: bool = True,
    python_modules: int | None = None,
    report: Callable[[str], None],
) -> SampleReport:
    """Make a crawl of a village of `village_pages` pages and of pydoc's pages in `directory`, without a network.

    Writes `crawl/*.warc.gz` and `crawl/*.warc` (one file a site), `truth.jsonl`, `README.md` and `sample.json`.
    `python_modules` limits the number of documented modules. A complete sample of the same options is left as it is.
    Raises PipelineError for too small a village, and StoreError for a directory that holds something else.
    """
    if village_pages < FEWEST_PAGES:
        fault = Fault("sample", f"a village needs at least {FEWEST_PAGES} pages", "ask for more pages")
        raise PipelineError(fault)
    options = {
        "version": VERSION,
        "seed": seed,
        "village_pages": village_pages,
        "python_docs": python_docs,
        "python_modules": python_modules if python_docs else None,
    }
    claimed = _claimed(directory)
    if claimed.get("options") == options and _complete(directory, claimed):
        report(f"{directory} holds this sample already; it is left as it is")
        return _report(directory, claimed, made=False)
    for name in claimed.get("files", {}):
        (directory / name).unlink(missing_ok=True)
    crawl_folder = directory / "crawl"
    crawl_folder.mkdir(parents=True, exist_ok=True)
    for stale in sorted([*crawl_folder.glob("*.warc"), *crawl_folder.glob("*.warc.gz")]):
        stale.unlink()
    _write_claim(directory, {"options": options, "complete": False})

    report(f"writing a village of {village_pages} pages, seed {seed}")
    village = build_village(seed, village_pages)
    crawl = Crawl(seed)
    files = _crawl(village, crawl_folder, crawl, report)
    if python_docs:
        report("rendering the documentation of the standard library")
        files += _crawl([documentation_site(python_modules)], crawl_folder, crawl, report)
    planted = _damaged([page for site in village for page in site.planted], crawl, crawl_folder)
    write_truth(directory / "truth.jsonl", planted)
    (directory / "README.md").write_text(_readme(options, planted), encoding="utf-8")

    names = [*(f"crawl/{name}" for name in files), "truth.jsonl", "README.md"]
    sizes = {name: (directory / name).stat().st_size for name in names}
    claim = {"options": options, "complete": True, "records": crawl.records, "files": sizes}
    _write_claim(directory, claim)
    made = _report(directory, claim, made=True)
    report(f"{directory}: {made.records:,} records in {len(files)} WARC files, {made.bytes / 1e6:.1f} MB")
    return made


def _crawl(sites: Sequence[Site], folder: Path, crawl: Crawl, report: Callable[[str], None]) -> list[str]:
    """Crawl each site into a file of its own; the names of the files."""
    names = []
    with serving(sites) as port:
        for site in sites:
            name = site.host.partition(".")[0]
            gzip = name not in _PLAIN
            kind = "village" if site.planted else "python"
            file = folder / f"{kind}-{name}.warc{'.gz' if gzip else ''}"
            crawl_sites([site], port, file, crawl, gzip=gzip)
            names.append(file.name)
            report(f"crawled {site.host} into {file.name}")
    return names


def _damaged(planted: Sequence[Planted], crawl: Crawl, folder: Path) -> list[Planted]:
    """Damage the records that are to be damaged, and note where they lie."""
    noted = []
    for page in planted:
        if page.url not in crawl.stored:
            raise StoreError(f"{page.url} was planted but never crawled: no link leads to it")
        if page.expect == "damaged":
            place = crawl.stored[page.url]
            _damage(folder / place.file, place.offset, place.length)
            page = replace(page, file=place.file, offset=place.offset, length=place.length)
        noted.append(page)
    return noted


def _damage(file: Path, offset: int, length: int) -> None:
    """Turn over some bytes in the middle of one gzip member, so that it can no longer be unpacked."""
    with file.open("r+b") as stored:
        stored.seek(offset + length // 2)
        bytes_there = stored.read(_DAMAGE)
        stored.seek(offset + length // 2)
        stored.write(bytes(byte ^ 0xFF for byte in bytes_there))
        stored.seek(offset)
        member = stored.read(length)
    try:
        zlib.decompressobj(31).decompress(member)
    except zlib.error:
        return
    raise StoreError(f"{file}: the record at {offset} could still be read after it was damaged")


def _claimed(directory: Path) -> dict[str, Any]:
    """What `sample.json` says, nothing for an empty directory; StoreError for a directory of something else."""
    claim = directory / "sample.json"
    if claim.is_file():
        try:
            return dict(orjson.loads(claim.read_bytes()))
        except ValueError as error:
            raise StoreError(f"{claim}: not readable as JSON\n    mend: remove the directory") from error
    if directory.is_dir() and any(directory.iterdir()):
        raise StoreError(
            f"{directory}: not empty, and not a sample of textmill's\n    mend: name a directory that is new or empty"
        )
    return {}


def _complete(directory: Path, claim: Mapping[str, Any]) -> bool:
    if not claim.get("complete"):
        return False
    return all(
        (directory / name).is_file() and (directory / name).stat().st_size == size
        for name, size in claim["files"].items()
    )


def _write_claim(directory: Path, claim: Mapping[str, Any]) -> None:
    unfinished = directory / "sample.json.tmp"
    unfinished.write_bytes(orjson.dumps(claim, option=orjson.OPT_INDENT_2) + b"\n")
    unfinished.replace(directory / "sample.json")


def _report(directory: Path, claim: Mapping[str, Any], *, made: bool) -> SampleReport:
    sizes: dict[str, int] = claim["files"]
    return SampleReport(directory, tuple(sizes), claim["records"], sum(sizes.values()), made)


def _readme(options: Mapping[str, Any], planted: Sequence[Planted]) -> str:
    counts: dict[tuple[str, str], int] = {}
    for page in planted:
        counts[page.expect, page.kind] = counts.get((page.expect, page.kind), 0) + 1
    rows = "\n".join(f"| {expect} | {kind} | {count} |" for (expect, kind), count in sorted(counts.items()))
    docs = "and of the standard library's documentation as pydoc renders it" if options["python_docs"] else ""
    return f"""# A sample crawl

Made by `textmill sample`, seed {options["seed"]}: a crawl of a made-up village {docs}.
Everything was served and fetched on 127.0.0.1; people, addresses, numbers and places are invented. The pages of the
village are made by textmill and may be used like textmill itself; the documentation is part of Python (PSF licence).

- `crawl/`: WARC 1.1, requests and responses as they went over the wire, one file a site; `.warc.gz` has one gzip
  member a record, `.warc` is plain.
- `truth.jsonl`: one JSON object for each page of the village: `url`, `kind`, `language`, `expect` (what a run should
  make of it), `cluster` and `twin` of copies, `personal` data, a `phrase` that is readable only in the right charset,
  and where damaged records lie.

Of a cluster of copies just one is to be kept, whichever. What was planted:

| expect | kind | pages |
|---|---|---|
{rows}
"""
