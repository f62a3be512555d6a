"""Bodies: every coding is undone, lies are seen through, damage keeps what came before it, bombs stop."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from stages.html.body import BodyError, decode_body, read_body

_PAGE = b"<!doctype html><html><body><p>" + b"All roads lead to the mill, they say. " * 200 + b"</p></body></html>"
_LIMIT = 1 << 20


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def _chunked(data: bytes, size: int = 700) -> bytes:
    chunks = [data[place : place + size] for place in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw": _raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("name", _PACKERS)
def test_a_declared_coding_is_undone(name: str) -> None:
    coding = "deflate" if name == "raw" else name

    body = read_body(_PACKERS[name](_PAGE), [("Content-Encoding", coding.upper())], max_bytes=_LIMIT)

    assert body.data == _PAGE
    assert not body.damaged


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "identity"])
def test_a_header_that_lies_about_plain_text_is_seen_through(coding: str) -> None:
    assert decode_body(_PAGE, [("content-encoding", coding)], max_bytes=_LIMIT) == _PAGE


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_coding_that_nobody_declared_is_known_by_its_first_bytes(pack: Callable[[bytes], bytes]) -> None:
    assert decode_body(pack(_PAGE), [], max_bytes=_LIMIT) == _PAGE


def test_stacked_codings_are_undone_from_the_outside_in() -> None:
    payload = gzip.compress(brotli.compress(_PAGE))

    assert decode_body(payload, [("Content-Encoding", "br, gzip")], max_bytes=_LIMIT) == _PAGE
    assert decode_body(payload, [("Content-Encoding", "br"), ("Content-Encoding", "gzip")], max_bytes=_LIMIT) == _PAGE


def test_chunks_are_joined_whether_the_header_says_so_or_not() -> None:
    payload = _chunked(gzip.compress(_PAGE), 100)

    for headers in ([("Transfer-Encoding", "chunked")], []):
        body = read_body(payload, [*headers, ("Content-Encoding", "gzip")], max_bytes=_LIMIT)
        assert (body.data, body.damaged) == (_PAGE, False)


@pytest.mark.parametrize("body", [_PAGE, b"7\nis a lucky number", b"a1\r\n", b""])
def test_a_body_that_only_claims_or_seems_to_be_chunked_stays_whole(body: bytes) -> None:
    assert decode_body(body, [], max_bytes=_LIMIT) == body
    assert decode_body(_PAGE, [("Transfer-Encoding", "chunked")], max_bytes=_LIMIT) == _PAGE


def test_a_garbled_first_chunk_size_is_cut_off_the_page() -> None:
    body = read_body(b"zz\r\n" + _PAGE, [("Transfer-Encoding", "chunked")], max_bytes=_LIMIT)

    assert (body.data, body.damaged) == (_PAGE, True)


@pytest.mark.parametrize("name", _PACKERS)
def test_a_truncated_stream_gives_what_came_before_the_break(name: str) -> None:
    noisy = b"<p>" + bytes(range(32, 127)) * 30 + str([number * number for number in range(60000)]).encode()
    payload = _PACKERS[name](noisy)[: len(_PACKERS[name](noisy)) // 2]

    body = read_body(payload, [("Content-Encoding", "deflate" if name == "raw" else name)], max_bytes=_LIMIT)

    assert body.damaged
    assert len(body.data) > 1000
    assert noisy.startswith(body.data)


def test_a_corrupt_gzip_member_keeps_the_bytes_up_to_the_fault() -> None:
    noisy = str([number * number for number in range(9000)]).encode()
    payload = bytearray(gzip.compress(noisy))
    payload[len(payload) // 2 :] = b"\xff" * (len(payload) // 2)

    body = read_body(gzip.compress(_PAGE) + bytes(payload), [("Content-Encoding", "gzip")], max_bytes=_LIMIT)

    assert body.damaged
    assert body.data.startswith(_PAGE + noisy[: len(noisy) // 4])


def test_all_members_and_frames_count_and_padding_does_not() -> None:
    assert (
        decode_body(gzip.compress(b"one ") * 2 + b"\0" * 9, [("Content-Encoding", "gzip")], max_bytes=99) == b"one one "
    )
    assert decode_body(zstandard.compress(b"one ") * 2, [("Content-Encoding", "zstd")], max_bytes=99) == b"one one "


@pytest.mark.parametrize("name", _PACKERS)
def test_a_bomb_stops_at_the_limit(name: str) -> None:
    payload = _PACKERS[name](b" " * (4 << 20))

    with pytest.raises(BodyError) as caught:
        decode_body(payload, [("Content-Encoding", "deflate" if name == "raw" else name)], max_bytes=_LIMIT)

    assert (caught.value.rule, caught.value.limit) == ("too_large", _LIMIT)


def test_a_plain_body_above_the_limit_is_too_large() -> None:
    with pytest.raises(BodyError) as caught:
        decode_body(b"x" * 11, [], max_bytes=10)

    assert (caught.value.rule, caught.value.value, caught.value.limit) == ("too_large", 11, 10)


def test_what_cannot_be_undone_says_which_coding_it_is() -> None:
    with pytest.raises(BodyError, match="'dcb'") as caught:
        decode_body(b"\x01\x02\x03\xff", [("Content-Encoding", "dcb")], max_bytes=_LIMIT)

    assert caught.value.rule == "unknown_coding"


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "gzip", "deflate", "br", "zstd", "gzip, br", "nonsense"]),
    st.sampled_from([b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"5\r\n", b"\x78\x9c"]),
    st.booleans(),
)
def test_random_bytes_give_bytes_or_a_body_error(data: bytes, coding: str, magic: bytes, chunked: bool) -> None:
    headers = [("Content-Encoding", coding), ("Transfer-Encoding", "chunked" if chunked else "")]
    with contextlib.suppress(BodyError):
        assert len(decode_body(magic + data, headers, max_bytes=1000)) <= 1000
