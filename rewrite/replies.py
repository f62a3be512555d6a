"""The reply store: what a model answered once is never asked again, so killed runs resume and replays need no model.

A folder of segment files that only grow. Each open store appends to a segment of its own, made at its first reply and
never renamed, rewritten or shared; it reads those of all others. So any number of worker processes on one file system
share a folder without locks, and `kill -9` costs the one reply that was being written.

Where two workers stored a reply to the same request (only when both held the same document at the same time), the one
in the segment with the smaller name counts, and in one segment the earlier one: every reader of the same files chooses
the same. Names begin with the time the segment was made, which nothing but this choice depends on.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final
from uuid import uuid4

import orjson

from rewrite.llm import Prompt, Reply, Sampling
from rewrite.reply_frames import HEADER_BYTES, frame, header, payload_of, scan
from rewrite.reply_index import ReplyIndex
from stages.errors import StoreError
from stages.hashing import canonical_json

SUFFIX: Final = ".replies"

_OFFSET_BITS: Final = 40
_OPEN_FILES: Final = 64


def reply_key(identity: Mapping[str, str], sampling: Sampling, prompt: Prompt) -> bytes:
    """16 bytes of BLAKE2b over the model's identity, the sampling, and the prompt with its document and chunk.

    Raises TypeError for a prompt that is not valid Unicode.
    """
    request = [prompt.system, prompt.user, prompt.document, prompt.chunk]
    told = [dict(identity), sampling.model_dump(mode="json", exclude_none=True), request]
    return blake2b(canonical_json(told), digest_size=16).digest()


@dataclass(slots=True)
class _Segment:
    name: str
    scanned: int = 0


class ReplyStore:
    """The replies in a folder. Only the places of replies are held in memory, 16 bytes each."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, made when it is missing. Raises StoreError when it cannot be made or read."""
        self._folder = folder
        self._segments: list[_Segment] = []
        self._numbers: dict[str, int] = {}
        self._index = ReplyIndex()
        self._readers: dict[int, int] = {}
        self._writer: int | None = None
        self._written = 0
        self._own = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: the reply store cannot be made: {error}") from error
        self.look_again()
        self._index.sort()

    def __del__(self) -> None:
        self._close_files()

    def __len__(self) -> int:
        """Stored records, those of doubly answered requests counted twice."""
        return len(self._index)

    def find(self, keys: Sequence[bytes]) -> list[Reply | None]:
        """The stored reply of each key. Looks for new segments of others when one is missing."""
        found = [self._get(key) for key in keys]
        missing = [at for at, reply in enumerate(found) if reply is None]
        if missing and self.look_again():
            for at in missing:
                found[at] = self._get(keys[at])
        return found

    def put(self, key: bytes, reply: Reply) -> None:
        """Append a reply; it outlives the death of the process at once, that of the machine after `flush`.

        Raises StoreError when the disk is full; what was stored before stays whole.
        """
        assert reply.finish != "error", "failed requests are not stored: the next run asks again"
        told = [reply.text, reply.finish, reply.prompt_tokens, reply.completion_tokens]
        record = frame(key, orjson.dumps(told))
        writer = self._open_writer()
        try:
            _write_whole(writer, record)
        except OSError as error:
            self._end_segment()
            raise StoreError(f"{self._folder}: a reply cannot be stored: {error}") from error
        self._index.add(key, self._own << _OFFSET_BITS | self._written)
        self._written += len(record)
        self._segments[self._own].scanned = self._written

    def flush(self) -> None:
        """Bring what was appended to the disk itself."""
        if self._writer is not None:
            os.fdatasync(self._writer)

    def look_again(self) -> bool:
        """Take in what others have stored since; whether there was anything."""
        known = len(self._index)
        try:
            with os.scandir(self._folder) as entries:
                sizes = sorted((entry.name, entry.stat().st_size) for entry in entries if entry.name.endswith(SUFFIX))
            for name, size in sizes:
                self._scan(name, size)
        except OSError as error:
            raise StoreError(f"{self._folder}: the reply store cannot be read: {error}") from error
        return len(self._index) > known

    def close(self) -> None:
        """Flush, and close all files."""
        self.flush()
        self._close_files()

    def _scan(self, name: str, size: int) -> None:
        number = self._number(name)
        segment = self._segments[number]
        if size <= segment.scanned:
            return
        with (
            (self._folder / name).open("rb") as file,
            mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as data,
        ):
            for key, offset, end in scan(data, segment.scanned):
                self._index.add(key, number << _OFFSET_BITS | offset)
                segment.scanned = end

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self._segments)
            self._segments.append(_Segment(name))
        return self._numbers[name]

    def _get(self, key: bytes) -> Reply | None:
        places = [(place >> _OFFSET_BITS, place & (1 << _OFFSET_BITS) - 1) for place in self._index.places(key)]
        for number, offset in sorted(places, key=lambda place: (self._segments[place[0]].name, place[1])):
            payload = payload_of(self._read(number, offset), key)
            if payload is not None:
                return Reply(*orjson.loads(payload))
        return None

    def _read(self, number: int, offset: int) -> bytes:
        reader = self._reader(number)
        begin = os.pread(reader, HEADER_BYTES + 4096, offset)
        found = header(begin)
        if found is None or len(begin) >= HEADER_BYTES + found[1]:
            return begin
        return os.pread(reader, HEADER_BYTES + found[1], offset)

    def _reader(self, number: int) -> int:
        if number not in self._readers:
            if len(self._readers) >= _OPEN_FILES:
                os.close(self._readers.pop(next(iter(self._readers))))
            self._readers[number] = os.open(self._folder / self._segments[number].name, os.O_RDONLY | os.O_CLOEXEC)
        return self._readers[number]

    def _open_writer(self) -> int:
        if self._writer is None:
            name = f"{time.time_ns():020d}-{uuid4().hex[:8]}{SUFFIX}"
            flags = os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC
            try:
                self._writer = os.open(self._folder / name, flags, 0o666)
            except OSError as error:
                raise StoreError(f"{self._folder}: a reply cannot be stored: {error}") from error
            self._own, self._written = self._number(name), 0
        return self._writer

    def _close_files(self) -> None:
        self._end_segment()
        for reader in self._readers.values():
            os.close(reader)
        self._readers.clear()

    def _end_segment(self) -> None:
        """Append to this segment no more: what stands behind a torn frame would never be found."""
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None


def _write_whole(writer: int, record: bytes) -> None:
    """Append in one call where the system lets it; a record cut short is completed or ends in OSError."""
    view = memoryview(record)
    while view:
        view = view[os.write(writer, view) :]
