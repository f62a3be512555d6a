"""Opt-outs told in robots.txt, obeyed after the fact: what a site refuses today goes, whenever it was crawled.

Apertus (https://arxiv.org/abs/2509.14233) took the robots.txt files of its hosts as they stood in January 2025, looked
whether AI crawlers were refused, and applied that to crawls of all years before. Here the table says which host tells
which agents what, and the URL of each document is asked for as RFC 9309 reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

import pyarrow as pa
from pydantic import Field, field_validator

from filters.domain_lists import memory_of
from filters.robots_rules import EVERY_AGENT, PathRule, asked, normal_path, refusal
from filters.robots_table import RobotsTable, open_table, read_table
from filters.url import host_of
from stages.errors import StageError
from stages.fields import ContentPath
from stages.stage import Filter, Resources
from stages.verdicts import Verdicts, verdicts_of

AGENTS: Final = (
    "AI2Bot",
    "Ai2Bot-Dolma",
    "Amazonbot",
    "anthropic-ai",
    "Applebot-Extended",
    "Bytespider",
    "CCBot",
    "Claude-Web",
    "ClaudeBot",
    "cohere-ai",
    "cohere-training-data-crawler",
    "Diffbot",
    "FacebookBot",
    "Google-Extended",
    "GPTBot",
    "ICC-Crawler",
    "ImagesiftBot",
    "img2dataset",
    "Meta-ExternalAgent",
    "omgili",
    "omgilibot",
    "PanguBot",
    "SemrushBot-OCOB",
    "Timpibot",
    "VelenPublicWebCrawler",
    "Webzio-Extended",
)
"""Crawlers that collect text for training, or opt-out tokens for it, by the list ai.robots.txt keeps
(https://github.com/ai-robots-txt/ai.robots.txt); those that only search or fetch for a user are left out."""

_TARGET: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*([^#]*)")
_KNOWN_HOSTS: Final = 2**16
"""Hosts whose rules a worker keeps in memory as they are tried."""
_Refused = tuple[str, PathRule] | None


class Robots(Filter):
    """Drops documents whose URL the host's robots.txt forbids to one of the agents.

    The table has one row for a host, or several: `host` (`www.example.com`); `agents` (a list, or names between
    blanks or commas); `rules`, the text of a robots.txt or a list such as `["Disallow: /a", "Allow: /a/b"]`; `date`
    (`2025-01-31`). Rules without a `User-agent` line are for the row's agents, and without such for every agent; a row
    without rules closes the whole host to its agents. Of several rows of a host those of the newest date count,
    together. A host that is not listed takes the rows of the same name with or without `www.`, and if there are none
    its documents are kept; so are documents without a URL.

    | rule | drops when |
    |---|---|
    | `agent_refused` | rules that name one of `agents` forbid the URL's path |
    | `all_refused` | one of `agents` has no rules of its own, and the rules for every agent (`*`) forbid the path |

    As RFC 9309 has it: names of agents in any case; the pattern with the most octets counts and `Allow` wins ties; `*`
    is anything, `$` the end; paths are compared with their query, escaped alike. The message names the agent, the line
    and the date. Mode `tag` writes `robots_rule`, `robots_agent` and `robots_line` (strings, null = may be fetched).
    """

    table: ContentPath
    """The table: `.jsonl` and `.csv`, also with `.gz` or `.zst` behind, or `.parquet`."""
    agents: Annotated[tuple[str, ...], Field(min_length=1)] = AGENTS
    """The crawlers whose rules count, by the names they have in robots.txt."""
    every_agent: Literal["obey", "ignore"] = "obey"
    """`ignore` lets rules for every agent (`*`) refuse nobody; only rules that name one of `agents` count then."""

    @field_validator("agents")
    @classmethod
    def _are_names(cls, agents: tuple[str, ...]) -> tuple[str, ...]:
        for agent in agents:
            if not re.fullmatch(r"[^\s/*:#]+", agent):
                raise ValueError(f"{agent!r} is no name of an agent; write one such as GPTBot")
        return agents

    def needs(self) -> tuple[str, ...]:
        return ("url",)

    def adds(self) -> Mapping[str, pa.DataType]:
        columns = ("robots_rule", "robots_agent", "robots_line")
        return dict.fromkeys(columns, pa.string()) if self.mode == "tag" else {}

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the table."""
        try:
            read_table(self.table)
        except (ValueError, OSError) as error:
            return [f"table: {error}"]
        return []

    def open(self) -> RobotsTable:
        """The table. Raises StageError for a file that is none."""
        try:
            return open_table(self.table)
        except ValueError as error:
            raise StageError(f"filters.robots: {error}") from error

    def resources(self) -> Resources:
        return Resources(memory=memory_of((self.table,)))

    def judge(self, batch: pa.RecordBatch, tools: RobotsTable) -> Verdicts:
        dates = tools.rows["date"]
        verdicts: list[tuple[str, None, None, str] | None] = []
        for found, first in self._refusals(batch, tools):
            if found is None:
                verdicts.append(None)
                continue
            date = dates[first].as_py()
            told = f"{found[0]}: {found[1].line}" + (f" ({date})" if date else "")
            verdicts.append((_rule(found[0]), None, None, told))
        return verdicts_of(verdicts)

    def tags(self, batch: pa.RecordBatch, tools: RobotsTable) -> list[pa.Array]:
        found = [refused for refused, _ in self._refusals(batch, tools)]
        columns = (
            [one and _rule(one[0]) for one in found],
            [one and one[0] for one in found],
            [one and one[1].line for one in found],
        )
        return [pa.array(column, pa.string()) for column in columns]

    def _refusals(self, batch: pa.RecordBatch, table: RobotsTable) -> list[tuple[_Refused, int]]:
        """For each document the agent that may not fetch it with the rule that says so, and its host's first row."""
        # A loop over documents: a URL is a fiftieth of its page, and each host has rules of its own.
        urls = batch["url"].to_pylist()
        hosts = table.first_rows(pa.array([host_of(url or "") for url in urls], pa.string())).tolist()
        agents = {agent.lower(): agent for agent in self.agents}
        return [
            (self._refusal(url, first, agents, table) if first >= 0 else None, first) for url, first in zip(urls, hosts)
        ]

    def _refusal(self, url: str, first: int, agents: Mapping[str, str], table: RobotsTable) -> _Refused:
        rules = table.known.get(first)
        if rules is None:
            rules = asked(table.groups(first), agents)
            if self.every_agent == "ignore":
                rules = [(agent, own) for agent, own in rules if agent != EVERY_AGENT]
            if len(table.known) >= _KNOWN_HOSTS:
                table.known.clear()
            table.known[first] = rules
        if not rules:
            return None
        target = _TARGET.match(url.strip())
        path = target[1].replace("\\", "/") if target else ""
        path = normal_path(path if path.startswith("/") else f"/{path}")
        for agent, own in rules:
            refused = refusal(own, path)
            if refused:
                return agent, refused
        return None


def _rule(agent: str) -> str:
    return "all_refused" if agent == EVERY_AGENT else "agent_refused"
