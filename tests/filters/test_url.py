"""URL rules: which hosts and words are blocked, what is allowed, and what odd URLs of real crawls do."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.domain_lists import DomainList
from filters.url import Url, host_of
from stages.laws import check_stage
from stages.stage import stage_key


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


def test_a_folder_of_lists_names_the_category(tmp_path: Path) -> None:
    for folder in ("adult", "gambling", "empty_one"):
        (tmp_path / "lists" / folder).mkdir(parents=True)
    (tmp_path / "lists" / "adult" / "domains").write_text("bad.test\nsub.both.test\n")
    (tmp_path / "lists" / "gambling" / "domains.gz").write_bytes(gzip.compress("bücher.example\nboth.test\n".encode()))
    (tmp_path / "lists" / "games.txt").write_text("both.test\nplay.test\n")
    (tmp_path / "lists" / "README").write_text("about these lists")
    stage = Url.model_validate({"blocked_lists": "lists"}, context={"base": tmp_path})
    assert list(stage.blocked_lists) == ["adult", "gambling", "games"]
    urls = [
        f"http://{host}/" for host in ("x.bad.test", "both.test", "sub.both.test", "play.test", "xn--bcher-kva.example")
    ]
    assert [message for _, message in judged(stage, *urls)] == [
        "adult: bad.test",
        "gambling: both.test",
        "adult: sub.both.test",
        "games: play.test",
        "gambling: xn--bcher-kva.example",
    ]
    assert Url.model_validate(stage.model_dump(mode="json")) == stage


def test_lists_by_category_may_be_written_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("bad.test\n")
    stage = Url.model_validate({"blocked_lists": {"adult": "a.txt"}}, context={"base": tmp_path})
    assert judged(stage, "http://bad.test") == [("blocked_domain", "adult: bad.test")]
    before = stage_key(stage)
    (tmp_path / "a.txt").write_text("other.test\n")
    assert stage_key(stage) != before


def test_a_long_list_finds_what_a_short_one_finds(tmp_path: Path) -> None:
    chance = Random(2)
    domains = sorted(
        {
            f"{chance.choice('abc')}{chance.randrange(40_000)}.{chance.choice(['test', 'co.test'])}"
            for _ in range(30_000)
        }
    )
    (tmp_path / "long.txt").write_text("\n".join([*domains, *domains[:100]]))
    hosts = [
        f"{chance.choice(['', 'www.', 'a.b.'])}{chance.choice('abcd')}{chance.randrange(40_000)}.co.test"
        for _ in range(2_000)
    ]
    hosts += ["", "test", "co.test", domains[0], f"x.{domains[-1]}"]
    stage = Url.model_validate({"blocked_domains_file": "long.txt"}, context={"base": tmp_path})
    assert stage.open().blocked.few is None

    found = [message for _, message in judged(stage, *(f"http://{host}/" for host in hosts))]

    short = DomainList(
        pa.array(domains), np.zeros(len(domains), np.int16), ("",), {name: at for at, name in enumerate(domains)}
    )
    assert found == [None if at < 0 else domains[at] for at in short.find(hosts)]
    assert len(set(found)) > 100


def test_soft_words_drop_only_together() -> None:
    stage = Url(soft_words=("cam", "girls", "chat"))
    verdicts = stage.judge(
        pa.record_batch({"url": ["http://a.test/cam/cam", "http://cam.test/chat", "http://webcam.test/girls"]}),
        stage.open(),
    )
    assert verdicts.rule.to_pylist() == [None, "soft_words", None]
    assert (verdicts.value[1].as_py(), verdicts.limit[1].as_py()) == (2, 2)
    assert verdicts.message is not None
    assert verdicts.message[1].as_py() == "cam, chat"


def test_substrings_are_found_across_signs_and_escapes() -> None:
    stage = Url(blocked_substrings=("Bad-Word", "казино"), allowed_domains=("good.test",))
    dropped = [
        "http://mybadwords.test/",
        "http://b.test/bad/word",
        "http://b.test/x%42ad_word",
        "//b.test/онлайнКазино",
    ]
    assert judged(stage, *dropped) == [("blocked_substring", "badword")] * 3 + [("blocked_substring", "казино")]
    assert judged(stage, "http://good.test/badword", "http://b.test/badly") == [KEPT, KEPT]


def test_hosts_of_other_top_level_domains_go() -> None:
    stage = Url(top_level_domains=("ch", "co.uk"), blocked_domains=("bad.ch",))
    kept = ["http://a.ch/", "http://www.a.co.uk/", "no url"]
    assert judged(stage, *kept, "http://ch.com/", "http://uk/", "http://bad.ch") == [
        *[KEPT] * 3,
        ("other_top_level_domain", "ch.com"),
        ("other_top_level_domain", "uk"),
        ("blocked_domain", "bad.ch"),
    ]


def test_a_list_may_come_from_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_lists").mkdir()
    (tmp_path / "some_lists" / "__init__.py").touch()
    (tmp_path / "some_lists" / "words.txt").write_text("spam\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert judged(Url.model_validate({"blocked_words_file": "some_lists:words.txt"}), "//a.test/spam")[0][1] == "spam"
    with pytest.raises(ValidationError, match="no package 'no_lists' installed"):
        Url.model_validate({"blocked_words_file": "no_lists:words.txt"})


@pytest.mark.parametrize(
    ("field", "content", "message"),
    [
        ("blocked_domains_file", b"good.test\nhttp://bad.test/\n", "'http://bad.test/' in"),
        ("blocked_domains_file", b"# nothing\n\n", "has no entries"),
        ("blocked_domains_file", b"\xff\xfe", "is not UTF-8"),
        ("allowed_domains_file", b"two words", "is not a domain"),
        ("soft_words_file", b"two words", "is not one word"),
        ("blocked_substrings_file", b"--", "has neither letter nor digit"),
    ],
)
def test_a_malformed_list_is_refused_before_anything_runs(
    tmp_path: Path, field: str, content: bytes, message: str
) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    faults = Url.model_validate({field: "list.txt"}, context={"base": tmp_path}).check(pa.schema([]))
    assert len(faults) == 1
    assert message in faults[0]


def test_a_folder_without_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="has no lists"):
        Url.model_validate({"blocked_lists": "."}, context={"base": tmp_path})
    with pytest.raises(ValidationError, match="is no folder"):
        Url.model_validate({"blocked_lists": "nowhere"}, context={"base": tmp_path})


def test_a_worker_asks_for_the_memory_that_its_lists_take(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"bad.test\n" * 1000)
    stage = Url.model_validate({"blocked_lists": {"adult": "a.txt"}}, context={"base": tmp_path})
    assert stage.resources().memory == 7 * 9000
    assert Url().resources().memory == 0
