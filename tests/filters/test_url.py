"""URL rules: which hosts and words are blocked, what is allowed, and what odd URLs of real crawls do."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.url import Url, host_of
from stages.laws import check_stage


def judged(stage: Url, *urls: str | None) -> list[tuple[str | None, str | None]]:
    verdicts = stage.judge(pa.record_batch({"url": pa.array(urls, pa.string())}), stage.open())
    assert verdicts.message is not None
    return list(zip(verdicts.rule.to_pylist(), verdicts.message.to_pylist()))


KEPT = (None, None)


def test_a_blocked_domain_takes_what_is_below_it_and_nothing_beside_it() -> None:
    stage = Url(blocked_domains=("example.com",))
    dropped = ["https://example.com", "http://a.b.EXAMPLE.com:8080/x?y#z", "//example.com./", "ftp://u:p@example.com/"]
    kept = ["https://notexample.com/", "https://example.com.org/", "https://other.org/example.com", "example.com/x"]
    assert judged(stage, *dropped, *kept) == [("blocked_domain", "example.com")] * 4 + [KEPT] * 4


def test_the_most_exact_entry_is_the_one_named() -> None:
    assert judged(Url(blocked_domains=("org", "bad.org")), "http://www.bad.org")[0] == ("blocked_domain", "bad.org")


def test_international_names_match_in_both_spellings() -> None:
    stage = Url(blocked_domains=("bücher.example", "xn--r8jz45g.example"))
    assert [rule for rule, _ in judged(stage, "http://xn--bcher-kva.example/", "http://www.例え.example/")] == [
        "blocked_domain",
        "blocked_domain",
    ]


def test_words_are_whole_and_their_case_and_escapes_do_not_matter() -> None:
    stage = Url(blocked_words=("sex", "Казино"))
    dropped = [
        "http://a.test/SEX/1",
        "http://hot-sex.test/",
        "http://a.test/?q=s%65x",
        "http://a.test/%D0%9A%D0%B0зино_1",
    ]
    assert judged(stage, *dropped) == [("blocked_word", "sex")] * 3 + [("blocked_word", "казино")]
    assert judged(stage, "http://essex.test/", "http://a.test/sexual") == [KEPT, KEPT]


@pytest.mark.parametrize(
    "host", ["192.0.2.7", "[2001:db8::1]", "3221225991", "0xC0.0.2.7", "192.0.2.7.", "[fe80::1%25eth0]"]
)
def test_bare_addresses_go_only_when_told(host: str) -> None:
    assert judged(Url(ip_hosts="drop"), f"http://{host}:80/page")[0][0] == "ip_host"
    assert judged(Url(), f"http://{host}/") == [KEPT]


def test_names_with_digits_are_no_addresses() -> None:
    kept = ["http://1.example/", "http://4chan.test/", "http://192.0.2.7.example/", "mailto:a@192.0.2.7"]
    assert judged(Url(ip_hosts="drop"), *kept) == [KEPT] * 4


def test_an_allowed_domain_is_kept_whatever_the_rules_say() -> None:
    stage = Url(
        blocked_domains=("org",), blocked_words=("sex",), allowed_domains=("health.org", "192.0.2.7"), ip_hosts="drop"
    )
    assert judged(stage, "http://www.health.org/sex", "http://192.0.2.7/") == [KEPT, KEPT]
    assert judged(stage, "http://health.org.example.org/")[0][0] == "blocked_domain"


def test_rules_come_in_declared_order() -> None:
    stage = Url(blocked_domains=("192.0.2.7",), blocked_words=("sex",), ip_hosts="drop")
    assert [rule for rule, _ in judged(stage, "http://192.0.2.7/sex", "http://192.0.2.8/sex", "http://a.test/sex")] == [
        "blocked_domain",
        "ip_host",
        "blocked_word",
    ]


def test_documents_without_a_url_and_broken_urls_are_kept() -> None:
    stage = Url(blocked_domains=("example.com",), ip_hosts="drop")
    assert (
        judged(stage, None, "", "   ", "http://", "http://[", "http://[::1", "://", "javascript:void(0)") == [KEPT] * 8
    )


def test_list_files_have_comments_and_add_to_the_fields(tmp_path: Path) -> None:
    (tmp_path / "domains.txt").write_text("\ufeff# bad ones\n\n*.Bad.test  # with all below\n.worse.test\n", "utf-8")
    (tmp_path / "words.txt").write_text("spam\r\n", "utf-8")
    fields = {"blocked_domains": ["a.test"], "blocked_domains_file": "domains.txt", "blocked_words_file": "words.txt"}
    stage = Url.model_validate(fields, context={"base": tmp_path})
    messages = [message for _, message in judged(stage, "//a.test", "//x.bad.test", "//worse.test", "//b.test/spam")]
    assert messages == ["a.test", "bad.test", "worse.test", "spam"]


@pytest.mark.parametrize("domain", ["", "https://example.com", "example.com/path", "a b", "*"])
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValidationError, match="is not a domain"):
        Url(blocked_domains=(domain,))


@pytest.mark.parametrize("word", ["", "two words", "hot-sex"])
def test_a_word_that_could_never_be_found_is_refused(word: str) -> None:
    with pytest.raises(ValidationError, match="could never be found"):
        Url(blocked_words=(word,))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://a@b@c.test/", "c.test"),
        ("HTTP://C.TEST?x", "c.test"),
        ("http://c.test\\x", "c.test"),
        ("nothing", ""),
    ],
)
def test_hosts_are_read_as_crawlers_write_them(url: str, host: str) -> None:
    assert host_of(url) == host


def test_it_keeps_the_laws_of_stages() -> None:
    check_stage(Url(blocked_domains=("test",), blocked_words=("page",), ip_hosts="drop"))
