"""Frames: whatever a killed writer leaves behind, all whole frames before it are found and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewrite.reply_frames import HEADER_BYTES, frame, payload_of, scan

KEYS = st.binary(min_size=16, max_size=16)
RECORDS = st.lists(st.tuples(KEYS, st.binary(max_size=80)), min_size=1, max_size=6)


def scanned(data: bytes) -> list[tuple[bytes, bytes | None]]:
    return [(key, payload_of(data[start:end], key)) for key, start, end in scan(memoryview(data))]


@given(RECORDS)
def test_frames_come_back_as_they_were_written(records: list[tuple[bytes, bytes]]) -> None:
    assert scanned(b"".join(frame(key, payload) for key, payload in records)) == records


@given(RECORDS, st.data())
def test_a_cut_anywhere_keeps_every_whole_frame_before_it(
    records: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    frames = [frame(key, payload) for key, payload in records]
    whole = b"".join(frames)
    cut = data.draw(st.integers(0, len(whole)))

    found = scanned(whole[:cut])

    before = sum(1 for number in range(len(frames)) if len(b"".join(frames[: number + 1])) <= cut)
    assert found == records[:before]


@given(RECORDS, st.data())
def test_a_changed_byte_never_gives_a_changed_payload(records: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    whole = bytearray(b"".join(frame(key, payload) for key, payload in records))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))

    found = scanned(bytes(whole))

    assert [one for one in found if one[1] is not None and one not in records] == []
    assert sum(1 for _, payload in found if payload is not None) < len(records)


def test_zeros_after_a_power_failure_are_no_frame() -> None:
    good = frame(b"k" * 16, b"reply")
    assert scanned(good + bytes(4096)) == [(b"k" * 16, b"reply")]
    assert payload_of(good[:HEADER_BYTES] + bytes(5), b"k" * 16) is None


def test_a_frame_answers_to_its_own_key_alone() -> None:
    assert payload_of(frame(b"k" * 16, b"reply"), b"l" * 16) is None


def test_keys_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        frame(b"short", b"")
