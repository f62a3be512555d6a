"""Which files a source has: named, sorted and marked, before anything is read.

One idea: a file is known by its *locator*, the path below the root, and by its *mark*, a hash of its size, head and
tail. Neither depends on where the data stands or on the order in which a store lists it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import xxhash

from stages.errors import Fault, PipelineError
from stages.read.dataset_folders import dataset_files, is_dataset
from stages.read.formats import EXTENSIONS, format_by_head, format_by_name, packing_of
from stages.read.globbing import files_below, fixed_folder, is_pattern, matches, would_match
from stages.read.inputs import InputFile
from stages.read.stage import Read, patterns_of
from stages.read.storage import facts, full_path, is_file, is_folder, open_file, parent_of
from stages.read.streams import unpacked_head

MARKED: Final = 64 * 2**10
"""Bytes of head and of tail that enter a file's mark."""


def list_inputs(read: Read) -> tuple[InputFile, ...]:
    """The files of a source, sorted by locator. Raises PipelineError with every fault found.

    Faults: no file matches, two files with one locator, a file that cannot be read, a format that nothing tells.
    """
    found: dict[str, tuple[str, str]] = {}
    faults: list[Fault] = []
    for pattern in patterns_of(read.paths):
        try:
            for path, locator, format_name in _matched(read, pattern):
                found.setdefault(path, (locator, format_name))
        except OSError as error:
            faults.append(Fault(pattern, f"cannot be listed: {_reason(error)}", "check the name and the permissions"))
        except PipelineError as error:
            faults.extend(error.faults)
    faults.extend(_clashes(found))
    files = []
    for path, (locator, format_name) in sorted(found.items(), key=lambda item: item[1][0]):
        try:
            files.append(_measured(path, locator, format_name))
        except OSError as error:
            faults.append(
                Fault(path, f"cannot be read: {_reason(error)}", "check the permissions, or leave the file out")
            )
        except PipelineError as error:
            faults.extend(error.faults)
    if faults:
        raise PipelineError(faults)
    return tuple(files)


def would_read(read: Read, path: str) -> bool:
    """Whether a file at this absolute path, which need not exist yet, would be one of the source's files."""
    for pattern in map(full_path, patterns_of(read.paths)):
        if is_pattern(pattern) and not is_file(pattern):
            if would_match(pattern, path):
                return True
        elif path == pattern:
            return True
        elif is_folder(pattern) and read.format != "datasets" and not (read.format == "auto" and is_dataset(pattern)):
            known = read.format == "auto" or format_by_name(path) == read.format
            if known and would_match(f"{pattern.rstrip('/')}/**/*", path):
                return True
    return False


def changed_inputs(files: Sequence[InputFile]) -> list[str]:
    """Locators of files whose size or mark is no longer what it was when they were listed, or that are gone."""
    return [file.locator for file in files if _changed(file)]


def _changed(file: InputFile) -> bool:
    try:
        size = facts(file.path).size
        return size != file.size or mark_of(file.path, size)[0] != file.mark
    except OSError:
        return True


def mark_of(path: str, size: int) -> tuple[str, bytes]:
    """xxh3-128 over size, first and last 64 KiB, in hex; and those first bytes."""
    with open_file(path) as file:
        head = file.read(MARKED)
        if size > MARKED:
            file.seek(max(MARKED, size - MARKED))
        tail = file.read(MARKED) if size > MARKED else b""
    return xxhash.xxh3_128_hexdigest(size.to_bytes(8, "little") + head + tail), head


def _matched(read: Read, pattern: str) -> Iterator[tuple[str, str, str]]:
    """(path, locator, format or `auto`) of each file that one entry of `paths` names."""
    path = full_path(pattern)
    if is_pattern(path) and not is_file(path):
        base, picked = fixed_folder(path), matches(path) if is_folder(fixed_folder(path)) else iter(())
    elif is_folder(path):
        base, picked = path, _files_of_folder(read, path)
    else:
        base, picked = parent_of(path), iter([path] if is_file(path) else [])
    root = base if read.root is None else full_path(read.root)
    count = 0
    for file in picked:
        count += 1
        if not file.startswith(root.rstrip("/") + "/"):
            raise PipelineError(Fault(file, f"is not below the root {root}", "set root to a folder above all paths"))
        yield file, file[len(root.rstrip("/")) + 1 :], read.format
    if not count:
        near = _nearest_folder(base)
        what = f"no file matches (looked in {near})" if near == base else f"no file matches: {near} has no such folder"
        raise PipelineError(Fault(pattern, what, "check the pattern and the working directory"))


def _files_of_folder(read: Read, folder: str) -> Iterator[str]:
    """All files of a folder; with a stated format, those with one of its extensions; of a dataset, its data files."""
    if read.format == "datasets" or (read.format == "auto" and is_dataset(folder)):
        yield from dataset_files(folder)
        return
    for path in files_below(folder):
        if read.format == "auto" or format_by_name(path) == read.format:
            yield path


def _nearest_folder(path: str) -> str:
    while not is_folder(path) and parent_of(path) != path:
        path = parent_of(path)
    return path


def _clashes(found: dict[str, tuple[str, str]]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for path, (locator, _) in sorted(found.items()):
        if locator in first:
            mend = "set root to a folder above both, so that their locators differ"
            yield Fault(path, f"has the same locator {locator!r} as {first[locator]}", mend)
        first.setdefault(locator, path)


def _measured(path: str, locator: str, format_name: str) -> InputFile:
    """One file with size, mark, format and, for Parquet, its number of rows."""
    known = facts(path)
    mark, head = mark_of(path, known.size)
    packing = packing_of(head)
    if format_name in ("auto", "datasets"):
        format_name = _told_format(path, head, packing)
    if format_name == "jsonl" and ".json" in path.lower() and ".jsonl" not in path.lower():
        _refuse_array(path, unpacked_head(head, packing))
    records = None
    if format_name == "parquet":
        from stages.read.parquet import footer

        records = sum(footer(path, mark).rows)
    return InputFile(locator, path, known.size, mark, format_name, records, known.modified, packing)


def _told_format(path: str, head: bytes, packing: str) -> str:
    told = format_by_name(path)
    if told is None:
        told = format_by_head(unpacked_head(head, packing))
    if told is None:
        known = " ".join(EXTENSIONS)
        mend = f"say format:, name the files by a pattern, or use one of the extensions {known}"
        raise PipelineError(Fault(path, "neither its name nor its first bytes tell its format", mend))
    return told


def _refuse_array(path: str, head: bytes) -> None:
    """A file called .json may hold JSON Lines; one big array it may not."""
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        mend = f"write one object a line, for example: jq -c '.[]' {path} > {path}l"
        raise PipelineError(Fault(path, "it holds one JSON array, not one object a line", mend))


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
