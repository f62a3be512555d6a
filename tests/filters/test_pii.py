"""Personal data: each kind against the expressions that define it, masks, columns, limits, and hostile texts."""

from __future__ import annotations

import ipaddress
import re
import time
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import ValidationError

from filters.pii import MASKS, Pii
from stages.kernels.pii import KINDS, pii_spans
from stages.kernels.pii_addresses import is_public_ipv4
from stages.kernels.texts import texts_of
from stages.laws import check_stage
from stages.verdicts import Mapped

EMAIL = re.compile(
    r"\b[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:(?:[A-Za-z0-9](?:["
    r"A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?|\[(?:(?:25[0-5]|2[0-4][0-9]|["
    r"01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?|[A-Za-z0-9-]*[A-Za-z0-9]:)])"
)
IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)")
"""The two expressions of datatrove's PIIFormatter."""


def found(text: str, *kinds: str, addresses: str = "public") -> list[tuple[str, str]]:
    spans = pii_spans(texts_of(pa.array([text])), kinds or KINDS, public_addresses_only=addresses == "public")
    data = text.encode()
    return [(KINDS[kind], data[at:end].decode()) for kind, at, end in zip(spans.kind, spans.start, spans.end)]


def expected(text: str) -> list[tuple[str, str]]:
    """What two passes of the expressions find, the second one over what the first has left."""
    spans = [(match.start(), match.end(), "email") for match in EMAIL.finditer(text)]
    blanked = EMAIL.sub(lambda match: "x" * len(match[0]), text)
    for match in IPV4.finditer(blanked):
        if all(str(int(part)) == part for part in match[0].split(".")) and is_public_ipv4(
            int(ipaddress.ip_address(match[0]))
        ):
            spans.append((match.start(), match.end(), "ipv4"))
    return [(kind, text[start:end]) for start, end, kind in sorted(spans)]


def batch_of(*texts: str | None) -> pa.RecordBatch:
    ids = [f"{number:032x}" for number in range(len(texts))]
    return pa.record_batch({"id": ids, "text": pa.array(texts, pa.string())})


def mapped(stage: Pii, *texts: str | None) -> Mapped:
    result = stage.map(batch_of(*texts), stage.open())
    assert isinstance(result, Mapped)
    return result


PIECES = [
    "a",
    "b.c",
    "@",
    "..",
    "-",
    ".",
    "[",
    "]:",
    ":",
    " ",
    "é",
    "٣",
    "%",
    "_",
    "@x.y",
    "1.2.3.4",
    "8.8.8.8",
    "255",
    "300",
]
PIECES += ["10.0.0.1", "01", ".1", "1.", "[1.2.3.4]", "[1.2.3.a-b:]", "0", "@b-.c", "\n"]


@settings(max_examples=200, deadline=None)
@given(some.lists(some.sampled_from(PIECES), max_size=14).map("".join))
def test_addresses_are_those_of_the_published_expressions(text: str) -> None:
    assert found(text, "email", "ipv4") == expected(text)


def test_public_addresses_are_those_of_the_registry() -> None:
    edges = [0, 2**32 - 1]
    for network in ipaddress.IPv4Address._constants._private_networks:  # type: ignore[attr-defined]
        first, last = int(network.network_address), int(network.broadcast_address)
        edges += [max(first - 1, 0), first, last, min(last + 1, 2**32 - 1)]
    edges += [
        int(ipaddress.ip_address(one)) for one in ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0")
    ]
    # 192.0.0.0/24 is reserved but for two addresses; Pythons before 3.11.10 know only a part of it.
    edges = [edge for edge in edges if edge >> 8 != 0xC00000]
    assert [bool(is_public_ipv4(edge)) for edge in edges] == [ipaddress.ip_address(edge).is_global for edge in edges]
    assert [bool(is_public_ipv4(0xC0000000 + low)) for low in (0, 8, 9, 10, 11, 255)] == [0, 0, 1, 1, 0, 0]


def test_private_addresses_count_when_told() -> None:
    text = "10.0.0.1 and fe80::1 but not 10.0.0.01"
    assert found(text, "ipv4", "ipv6") == []
    assert found(text, "ipv4", "ipv6", addresses="all") == [("ipv4", "10.0.0.1"), ("ipv6", "fe80::1")]


@pytest.mark.parametrize(
    "address", ["2a00:1450:4001:81b::200e", "2606:4700::1111", "2A00:1:2:3:4:5:6:7", "2a00::", "2a00:1:2:3:4:5:6::"]
)
def test_ipv6_addresses_stand_alone(address: str) -> None:
    assert found(f"at {address}, and [{address}].", "ipv6") == [("ipv6", address)] * 2
    assert found(f"x{address} {address}x :{address}", "ipv6") == []


@given(some.text(some.sampled_from("2afF:::1 ."), max_size=40))
def test_every_ipv6_found_is_one(text: str) -> None:
    for _, address in found(text, "ipv6", addresses="all"):
        assert ipaddress.ip_address(address).version == 6


@pytest.mark.parametrize(
    "text", ["12:30:45", "std::vector", "a::b::c", "2001:db8::1", "2002:808:808::1", "::", "1::2::3"]
)
def test_what_only_looks_like_ipv6_is_left(text: str) -> None:
    assert found(text, "ipv6") == []


@pytest.mark.parametrize(
    "text",
    [
        "+49 30 1234567",
        "+442071838750",
        "+1 (212) 555-0123",
        "(212) 555-0123",
        "212-555-0123",
        "1.212.555.0123",
        "(212)555-0123",
    ],
)
def test_phone_numbers(text: str) -> None:
    assert found(f"Call {text}.", "phone") == [("phone", text)]


@pytest.mark.parametrize(
    "text",
    [
        "+12",
        "+0123456789",
        "2125550123",
        "112-555-0123",
        "212-155-0123",
        "x+4930123456",
        "+1234567890123456",
        "212-555-0123-4",
        "3-212-555-01234",
    ],
)
def test_other_numbers_are_no_phones(text: str) -> None:
    assert found(text, "phone") == []


def luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


@given(
    some.sampled_from(["4", "51", "2221", "34", "6011", "36", "9"]), some.text("0123456789", min_size=10, max_size=16)
)
def test_cards_pass_luhns_check(head: str, rest: str) -> None:
    number = head + rest
    lengths = {
        "4": (13, 16, 19),
        "51": (16,),
        "2221": (16,),
        "34": (15,),
        "6011": (16, 17, 18, 19),
        "36": (14,),
        "9": (),
    }
    is_card = luhn(number) and len(number) in lengths[head]
    assert found(f"card {number}!", "card") == ([("card", number)] if is_card else [])


def test_cards_may_be_grouped_as_printed() -> None:
    cards = ["4111 1111 1111 1111", "5500-0000-0000-0004", "3400 000000 00009", "378282246310005"]
    assert [text for _, text in found(", ".join(cards), "card")] == cards
    assert found("4111 1111 1111 1112; 4111 1111-1111 1111; 4111 1111 1111 1111-1; 0.4111111111111111", "card") == []


def test_accounts_have_the_length_and_the_check_digits_of_their_country() -> None:
    accounts = [
        "DE89370400440532013000",
        "GB82 WEST 1234 5698 7654 32",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
    ]
    assert [text for _, text in found("; ".join(accounts), "iban")] == accounts
    wrong = [
        "DE88370400440532013000",
        "DE893704004405320130000",
        "ZZ89370400440532013000",
        "xDE89370400440532013000",
        "DE8937040044053201300",
    ]
    assert found("; ".join(wrong), "iban") == []


KEYS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "11ABCDEFG0abcdefghijklmn_o",
    "xoxb-123456789012-abcdefABCDEF",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "sk-proj-abcdefgh1234567890ABCD",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nabcdefgh==\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:8])
def test_keys_of_services(key: str) -> None:
    assert found(f"use {key}\nhere", "key") == [("key", key)]
    assert found(f"x{key[:-1]}\n", "key") == [] or key.startswith("-----")


@pytest.mark.parametrize("name", ["api_key = '", "API-KEY: ", '"access_token": "', "password=", "client_secret=>'"])
def test_secrets_behind_a_name(name: str) -> None:
    assert found(f"{name}9f8a7b6c5d4e3f2a1b0cZz'", "key") == [("key", "9f8a7b6c5d4e3f2a1b0cZz")]


@pytest.mark.parametrize(
    "text",
    [
        "api_key = short1",
        "token: aaaaaaaaaaaaaaaaaaaa1",
        "monkey: 9f8a7b6c5d4e3f2a1b0cZz",
        "key=abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_what_is_short_or_plain_is_no_secret(text: str) -> None:
    assert found(text, "key") == []


def test_a_key_block_without_an_end_is_masked_to_the_next_dashes() -> None:
    text = "-----BEGIN PRIVATE KEY-----\n" + "MIIE" * 20
    assert found(text, "key") == [("key", text)]
    assert found("-----BEGIN PUBLIC KEY-----\n" + "MIIE" * 20, "key") == []


def test_masks_begin_by_id_and_follow_in_turn() -> None:
    result = mapped(Pii(), "a@b.org c@d.org é 8.8.8.8", "none", None, "e@f.org")
    first, second, third, fourth = result.rows["text"].to_pylist()
    one, two = MASKS["email"]
    assert first in {f"{a} {b} é {ip}" for a, b in ((one, two), (two, one)) for ip in MASKS["ipv4"]}
    assert (second, third) == ("none", None)
    assert fourth in MASKS["email"]
    assert {mapped(Pii(), *["a@b.org"] * 9).rows["text"][at].as_py() for at in range(9)} == {one, two}


def test_every_span_is_a_cut_of_the_input() -> None:
    cuts = mapped(Pii(), "none", "é a@b.org 8.8.8.8").cuts
    assert cuts is not None
    spans = list(zip(cuts.row.tolist(), cuts.start.tolist(), cuts.end.tolist(), cuts.rule.to_pylist()))
    assert spans == [(1, 3, 10, "pii_email"), (1, 11, 18, "pii_ipv4")]


def test_masks_can_be_chosen() -> None:
    stage = Pii.model_validate({"kinds": ["email", "card"], "masks": {"email": ["[e-mail]"]}})
    assert mapped(stage, "a@b.org").rows["text"].to_pylist() == ["[e-mail]"]


def test_tags_leave_the_text() -> None:
    stage = Pii(mode="tag", kinds=("ipv4", "email"))
    rows: Any = stage.map(batch_of("a@b.org a@b.org", "x"), stage.open())
    assert rows["text"].to_pylist() == ["a@b.org a@b.org", "x"]
    assert (rows["pii_email"].to_pylist(), rows["pii_ipv4"].to_pylist()) == ([2, 0], [0, 0])
    told = [{"kind": "email", "start": 0, "end": 7}, {"kind": "email", "start": 8, "end": 15}]
    assert rows["pii_spans"].to_pylist() == [told, []]


def test_documents_are_dropped_above_the_limits_not_at_them() -> None:
    texts = ("a@b.org", "a@b.org a@b.org", "a@b.org " + "x" * 92)
    assert mapped(Pii(mode="drop"), "x", *texts).parent.tolist() == [0]
    drops = mapped(Pii(mode="drop", max_spans=1, max_share=0.07), *texts).drops
    assert drops is not None
    assert drops.rule.to_pylist() == ["dense_pii", "too_much_pii", None]
    assert (drops.value.to_pylist(), drops.limit.to_pylist()) == ([1.0, 2.0, None], [0.07, 1.0, None])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kinds": []}, "at least 1"),
        ({"kinds": ["email", "email"]}, "named twice"),
        ({"kinds": ["name"]}, "kinds"),
        ({"masks": {"card": ["x"]}}, "add it to kinds"),
        ({"masks": {"email": []}}, "at least 1"),
        ({"masks": {"email": ["x"]}, "mode": "tag"}, "masks are for mode mask"),
        ({"max_spans": 3}, "for mode drop"),
    ],
)
def test_fields_without_sense_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Pii.model_validate(fields)


HOSTILE = [
    "1" * 10**6,
    "a@" * 500_000,
    "@" * 10**6,
    "1." * 500_000,
    ":" * 10**6,
    "a." * 500_000 + "@",
    "-----BEGIN " * 90_000,
]
HOSTILE += [
    "2a00:" * 200_000,
    "+1 " * 300_000,
    "4111 " * 200_000,
    "eyJ" * 300_000,
    "key=" * 250_000,
    "a@b." * 250_000,
    "-" * 10**6,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_hostile_texts_take_linear_time(text: str) -> None:
    start = time.process_time()
    found(text)
    assert time.process_time() - start < 2.0


def test_a_slice_of_a_batch_says_the_same() -> None:
    texts = ["x", "a@b.org", "8.8.8.8", None, "+442071838750"] * 3
    whole = batch_of(*texts)
    spans = pii_spans(texts_of(whole["text"].slice(4, 7)), KINDS)
    assert np.unique(spans.row).tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize("mode", ["mask", "tag", "drop"])
def test_it_keeps_the_laws_of_stages(mode: str) -> None:
    stage = Pii.model_validate({"mode": mode, "kinds": list(KINDS)})
    check_stage(stage)
    check_stage(stage, batch_of(*[f"{key} {at} a@b.org 8.8.8.8 é +442071838750" for at, key in enumerate(KEYS)]))
