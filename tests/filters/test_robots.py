"""Robots rules: RFC 9309's own examples, which rows of the table count, and what the ledger is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from filters.robots import AGENTS, Robots
from filters.robots_rules import in_order, normal_path, path_rule, read_groups, refusal
from stages.errors import StageError
from stages.fields import ContentFile
from stages.laws import check_stage, sample_documents

Verdict = tuple[str | None, str | None]
KEPT: Verdict = (None, None)


def table(folder: Path, *rows: dict[str, object], name: str = "robots.jsonl") -> Path:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / name


def robots(file: Path, **fields: object) -> Robots:
    return Robots.model_validate({"table": file, **fields})


def judged(stage: Robots, *urls: str | None) -> list[Verdict]:
    found = stage.judge(pa.record_batch({"url": pa.array(urls, pa.string())}), stage.open())
    assert found.message is not None
    return list(zip(found.rule.to_pylist(), found.message.to_pylist()))


def fetched(path: str, *lines: str) -> bool:
    rules = in_order(path_rule(*map(str.strip, line.split(":", 1))) for line in lines)
    return refusal(rules, normal_path(path)) is None


@pytest.mark.parametrize(
    ("path", "lines", "allowed"),
    [
        ("/example/page/disallowed.gif", ("allow: /example/page/", "disallow: /example/page/disallowed.gif"), False),
        ("/example/page/a.gif", ("allow: /example/page/", "disallow: /example/page/disallowed.gif"), True),
        ("/page", ("disallow: /page", "allow: /page"), True),
        ("/page.htm", ("disallow: /*.htm", "allow: /page"), False),
        ("/a/b/c.gif?x", ("disallow: /*.gif$",), True),
        ("/a/b/c.gif", ("disallow: /*.gif$",), False),
        ("/a.gif.gif", ("disallow: /*.gif$",), False),
        ("/gif", ("disallow: /gif*gif",), True),
        ("/x", ("disallow: /$",), True),
        ("/", ("disallow: /$",), False),
        ("/foo/bar?baz=http://foo.bar", ("disallow: /foo/bar?baz=http",), False),
        ("/foo/bar/ツ", ("disallow: /foo/bar/%E3%83%84",), False),
        ("/foo/bar/%e3%83%84", ("disallow: /foo/bar/ツ",), False),
        ("/foo/bar/%62%61%7A", ("disallow: /foo/bar/baz",), False),
        ("/a%2Fb", ("disallow: /a/b",), True),
        ("/page", ("disallow: page",), True),
        ("/Page", ("disallow: /page",), True),
    ],
)
def test_paths_match_as_rfc_9309_says(path: str, lines: tuple[str, ...], allowed: bool) -> None:
    assert fetched(path, *lines) == allowed


def test_groups_are_read_as_rfc_9309_says() -> None:
    text = (
        "\ufeffDisallow: /nobody\r\nUser-Agent: GPTBot/1.1 # ours\rUSER-AGENT : CCBot\nSitemap: x\nDisallow: /a # why\n"
        "User-agent: *\nAllow: /\nDisallow:\nUser-agent: gptbot\nCrawl-delay: 9\nDisallow: /b\nUser-agent: Idle\n"
    )
    told = {agent: [rule.line for rule in rules] for agent, rules in read_groups(text).items()}
    assert told == {
        "gptbot": ["Disallow: /a", "Disallow: /b"],
        "ccbot": ["Disallow: /a"],
        "*": ["Allow: /"],
        "idle": [],
    }


def test_each_agent_obeys_its_own_rules_and_only_without_them_those_for_every_agent(tmp_path: Path) -> None:
    text = "User-agent: *\nDisallow: /\nUser-agent: CCBot\nAllow: /\nUser-agent: GPTBot\nDisallow: /news/\n"
    file = table(tmp_path, {"host": "a.example", "rules": text, "date": "2025-01-31"})
    urls = ("https://a.example/news/1", "https://a.example/shop")

    assert judged(robots(file, agents=["CCBot"]), *urls) == [KEPT, KEPT]
    refused = ("agent_refused", "GPTBOT: Disallow: /news/ (2025-01-31)")
    assert judged(robots(file, agents=["CCBot", "GPTBOT"]), *urls) == [refused, KEPT]
    everybody = ("all_refused", "*: Disallow: / (2025-01-31)")
    assert judged(robots(file, agents=["CCBot", "ClaudeBot"]), *urls) == [everybody] * 2
    assert judged(robots(file, agents=["CCBot", "ClaudeBot"], every_agent="ignore"), *urls) == [KEPT, KEPT]


def test_the_same_rules_for_all_and_for_one_refuse_the_one_when_all_are_ignored(tmp_path: Path) -> None:
    file = table(tmp_path, {"host": "a.example", "rules": "User-agent: *\nUser-agent: GPTBot\nDisallow: /"})
    found = judged(robots(file, agents=["CCBot", "GPTBot"], every_agent="ignore"), "//a.example")
    assert found == [("agent_refused", "GPTBot: Disallow: /")]


def test_rows_name_agents_and_rules_in_every_way(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        {"host": "closed.example", "agents": ["GPTBot"]},
        {"host": "words.example", "agents": "GPTBot, CCBot", "rules": ["Disallow: /a", "Allow: /a/b"]},
        {"host": "all.example", "rules": ["disallow: /x"]},
        {"host": "open.example", "rules": ""},
    )
    urls = [
        *("http://closed.example", "http://words.example/a", "http://words.example/a/b", "http://all.example/x/y"),
        *("http://open.example/", "http://unlisted.example/", None, "", "no url"),
    ]
    assert [rule for rule, _ in judged(robots(file), *urls)] == [
        *("agent_refused", "agent_refused", None, "all_refused"),
        *[None] * 5,
    ]


def test_of_several_rows_of_a_host_the_newest_count_together(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        {"host": "a.example", "rules": ["Disallow: /2"], "date": "2025-01-02"},
        {"host": "a.example", "rules": ["Disallow: /0"]},
        {"host": "A.example.", "agents": ["CCBot"], "rules": ["Disallow: /3"], "date": "2025-01-02"},
        {"host": "a.example", "rules": ["Disallow: /1"], "date": "2024-12-31"},
    )
    urls = [f"https://a.example/{number}" for number in range(4)]
    assert [rule for rule, _ in judged(robots(file), *urls)] == [None, None, "all_refused", "agent_refused"]


def test_a_host_takes_its_twin_with_or_without_www_unless_it_is_listed_itself(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        {"host": "www.a.example", "rules": ["Disallow: /"]},
        {"host": "b.example", "rules": ["Disallow: /"]},
        {"host": "www.b.example", "rules": ["Allow: /"]},
        {"host": "bücher.example", "rules": ["Disallow: /"]},
    )
    urls = [
        *("http://a.example", "http://b.example", "http://www.b.example", "http://x.a.example"),
        "http://www.xn--bcher-kva.example/",
    ]
    assert [rule for rule, _ in judged(robots(file), *urls)] == [
        "all_refused",
        "all_refused",
        None,
        None,
        "all_refused",
    ]


def test_the_formats_say_the_same(tmp_path: Path) -> None:
    text = "User-agent: GPTBot\nDisallow: /a\n"
    rows = [{"host": "a.example", "agents": None, "rules": text, "date": "2025-01-02"}]
    files = [table(tmp_path, *rows)]
    (tmp_path / "robots.jsonl.gz").write_bytes(gzip.compress(files[0].read_bytes()))
    (tmp_path / "robots.csv").write_text(f'host,agents,rules,date,other\na.example,,"{text}",2025-01-02,1\n')
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "robots.parquet")
    files += [tmp_path / f"robots.{end}" for end in ("jsonl.gz", "csv", "parquet")]
    found = [judged(robots(file), "https://a.example/a/b", "https://a.example/") for file in files]
    assert found == [[("agent_refused", "GPTBot: Disallow: /a (2025-01-02)"), KEPT]] * 4


def test_mode_tag_tells_the_agent_and_the_line(tmp_path: Path) -> None:
    stage = robots(table(tmp_path, {"host": "a.example", "agents": ["GPTBot"]}), mode="tag")
    tags = stage.tags(pa.record_batch({"url": ["http://a.example/", "http://b.example/"]}), stage.open())
    told = dict(zip(stage.adds(), [column.to_pylist() for column in tags]))
    assert told == {
        "robots_rule": ["agent_refused", None],
        "robots_agent": ["GPTBot", None],
        "robots_line": ["Disallow: /", None],
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", "{", "cannot be read as a table"),
        ("t.jsonl", "[1]\n", "row 1 is no object"),
        ("t.jsonl", "\n", "no column 'host'"),
        ("t.jsonl", '{"domain": "a"}', "no column 'host'; it has domain"),
        ("t.jsonl", '{"host": "a.b", "rules": ""}\n{"host": "http://a.b/"}', "row 2: 'http://a.b/' is no host"),
        ("t.jsonl", '{"host": "a.b"}', "row 1 says nothing"),
        ("t.jsonl", '{"host": "a.b", "rules": ["Disallow /x"]}', "row 1: rules are"),
        ("t.jsonl", '{"host": "a.b", "agents": []}', "row 1: agents are"),
        ("t.jsonl", '{"host": "a.b", "rules": "", "date": "31.1.2025"}', "row 1: the date is '31.1.2025'"),
        ("t.csv", "host,rules\n", "has no rows"),
        ("t.parquet", "no parquet", "cannot be read as a table"),
        ("t.txt", "a.b", "is no table: its name ends"),
    ],
)
def test_a_malformed_table_is_refused_before_anything_runs(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    stage = robots(tmp_path / name)

    faults = stage.check(pa.schema([("url", pa.string())]))

    assert len(faults) == 1
    assert message in faults[0]
    with pytest.raises(StageError, match=r"filters\.robots"):
        stage.open()


def test_what_is_no_agent_is_refused(tmp_path: Path) -> None:
    assert "GPTBot" in AGENTS
    with pytest.raises(ValidationError, match="is no name of an agent"):
        Robots(table=ContentFile(tmp_path), agents=("GPTBot/1.0",))


def test_it_keeps_the_laws_of_stages(tmp_path: Path) -> None:
    documents = sample_documents()
    hosts = sorted({url.split("/")[2] for url in documents["url"].to_pylist() if url})
    file = table(tmp_path, *({"host": host, "agents": ["GPTBot"], "rules": ["Disallow: /*1"]} for host in hosts))
    check_stage(robots(file), documents)
    check_stage(robots(file, mode="tag"), documents)
