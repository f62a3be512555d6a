"""Windows over byte streams: over a stored file, and over what a compressed member of it unpacks to.

One idea: whoever parses says how far it must see (`reach`) and what it no longer needs (`drop`), so one parser serves
plain files and members alike, reads forward, and holds no more than it asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import BinaryIO, Literal

from stages.archives.codecs import Codec
from stages.archives.headers import starts_record
from stages.errors import StoreError

END_OF_FILE = "end of file"
READ_BYTES = 1 << 20
_HEAD_BYTES = 512
_REWINDS = 3  # a member is unpacked again at most so often, however its records lie about their lengths


class Stream(ABC):
    """A window `[start, start + len(data))` that moves forward over a stream of bytes.

    `ended` is true once the stream was found to have no byte after the window; `limit` is the size of the stream where
    that is known beforehand.
    """

    def __init__(self) -> None:
        self.start = 0
        self.data = b""
        self.ended = False
        self.limit: int | None = None
        self._needed = 0

    @property
    def end(self) -> int:
        """Position after the window's last byte."""
        return self.start + len(self.data)

    def reach(self, position: int, inside: int = 0) -> bool:
        """Widen the window until it ends at or after `position`; False when the stream ends before.

        `inside` is the position up to which the caller knows itself to be inside one record: a row of members does
        not end there with a member, because such a record goes on in the next one (as in files made by bgzip).
        """
        end = self.start + len(self.data)
        if end >= position:
            return True
        if self.ended and inside <= end:
            return False
        parts: list[bytes] = []
        self.ended = False
        while end < position:
            part = self._more(end < inside)
            if not part:
                self.ended = True
                break
            parts.append(part)
            end += len(part)
        if parts:
            kept = self.data[max(0, self._needed - self.start) :]
            self.start += len(self.data) - len(kept)
            self.data = b"".join([kept, *parts]) if kept or len(parts) > 1 else parts[0]
        return end >= position

    def drop(self, position: int) -> None:
        """Declare that no byte before `position` is needed any more."""
        self._needed = position

    def move(self, position: int) -> bool:
        """Make `position` the first byte needed, forward or backward; False when the stream cannot be moved there."""
        while self.end < position:
            self._needed = self.end
            if not self.reach(self.end + 1, inside=position):
                return False
        self._needed = position
        return position >= self.start

    @property
    def fault(self) -> str | None:
        """Why the stream ends before its proper end, once it was found to do so."""
        return None

    @property
    def rewinds(self) -> bool:
        """Whether `move` may still go back behind the window."""
        return True

    @abstractmethod
    def _more(self, inside: bool) -> bytes:
        """Return the next bytes, or none at the end."""


class StoredStream(Stream):
    """The stored file itself: `move` seeks for what lies outside the window, everything else reads on.

    Nothing beyond `size` is read, so a file that grows meanwhile reads as it was when it was measured. Raises
    StoreError when the file turns out shorter than `size`.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__()
        self.limit: int = size
        self._file = file
        self._next = 0
        self._position = -1

    def move(self, position: int) -> bool:
        """As in `Stream`; False only beyond the end of the file."""
        if position > self.limit:
            return False
        if not self.start <= position <= self.end:
            self.start = self._next = position
            self.data, self.ended = b"", False
        self._needed = position
        return True

    def portion(self, position: int, size: int) -> memoryview:
        """Return up to `size` bytes from `position`; none only at the end of the file."""
        self.move(position)
        self.reach(position + 1)
        first = position - self.start
        return memoryview(self.data)[first : first + size]

    def _more(self, inside: bool) -> bytes:
        if self._next >= self.limit:
            return b""
        if self._position != self._next:
            self._file.seek(self._next)
        data = self._file.read(min(READ_BYTES, self.limit - self._next))
        if not data:
            raise StoreError(
                f"archive: the file ends at byte {self._next}, but had {self.limit} bytes when it was opened; "
                "let nothing write to it and run again"
            )
        self._next += len(data)
        self._position = self._next
        return data


class MemberStream(Stream):
    """What one compressed member, from stored byte `first`, unpacks to.

    `state` is `open` until the end is known; then `whole` (the member ended well), `cut` (the file ended first) or
    `broken` (the data cannot be unpacked). `at` is the stored byte after the last portion taken.
    """

    def __init__(self, stored: StoredStream, first: int, codec: Codec) -> None:
        super().__init__()
        self.first = first
        self.stored = stored
        self.state: Literal["open", "whole", "cut", "broken"]
        self._rewinds = 0
        self._open(first, codec, 0)

    @property
    def fault(self) -> str | None:
        """`end of file` or `corrupt … data` once the member is known to be cut or broken."""
        if self.state == "cut":
            return END_OF_FILE
        return f"corrupt {self.codec.name} data" if self.state == "broken" else None

    @property
    def rewinds(self) -> bool:
        """As in `Stream`; going back unpacks the member again, which is granted a few times only."""
        return self._rewinds < _REWINDS

    def move(self, position: int) -> bool:
        """As in `Stream`, as long as it `rewinds`."""
        if position < self.start:
            if not self.rewinds:
                return False
            self._rewinds += 1
            self.start, self.data, self.ended = 0, b"", False
            self._open(self.first, self.codec, 0)
        return super().move(position)

    def _open(self, member: int, codec: Codec, known: int) -> None:
        # Begin with the member at stored byte `member`, of whose unpacked bytes `known` were given out before.
        self.at, self.state, self.codec = member, "open", codec
        self._member, self._unpacker = member, codec.unpacker()
        self._given, self._known = 0, known

    def _more(self, inside: bool) -> bytes:
        while True:
            if self.state != "open":
                return self._next_member() if inside and self.state == "whole" else b""
            data = self._unpacked()
            if self.fault is not None and self.codec.reference is not None:
                self._open(self._member, self.codec.reference, max(self._given, self._known))
                continue
            self._given += len(data)
            new = min(len(data), self._given - self._known)
            if new > 0:
                return data if new == len(data) else data[-new:]

    def _unpacked(self) -> bytes:
        portion = self.stored.portion(self.at, self.codec.portion)
        if not portion:
            self.state = "cut"
            return b""
        try:
            data = self._unpacker.decompress(portion)
        except self.codec.errors:
            self.state = "broken"
            return b""
        self.at += len(portion)
        if self._unpacker.eof:
            self.at -= len(self._unpacker.unused_data)
            self.state = "whole"
        return data

    def _next_member(self) -> bytes:
        # Only a member that begins with no record of its own can go on with the record of the one before it.
        if not self.codec.magic.match(self.stored.portion(self.at, _HEAD_BYTES)):
            return b""
        member = MemberStream(self.stored, self.at, self.codec)
        member.reach(_HEAD_BYTES)
        if not member.data or starts_record(member.data.lstrip(b"\r\n")):
            return b""
        self.at, self.state, self.codec = member.at, member.state, member.codec
        self._member, self._unpacker = member._member, member._unpacker
        self._given, self._known = member._given, member._known
        return member.data
