"""The Robots Exclusion Protocol, RFC 9309 (https://www.rfc-editor.org/rfc/rfc9309): who may fetch which path.

The idea: of one host's robots.txt only the groups of a few agents matter, so it is read into their rules alone, longest
pattern first; the first pattern that matches a path decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

EVERY_AGENT: Final = "*"

_LINES: Final = re.compile(r"\r\n?|\n")
_LINE: Final = re.compile(r"\s*(user-agent|allow|disallow)\s*:\s*([^#]*)", re.IGNORECASE)
_PRODUCT: Final = re.compile(r"\*|[^\s/*]+")
"""The product token of a User-agent line: `GPTBot` of `GPTBot/1.1`."""
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_NOT_ASCII: Final = re.compile(r"[^\x21-\x7e]+")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")


@dataclass(frozen=True, slots=True)
class PathRule:
    """One Allow or Disallow line. `pieces`: what stands between the stars. `line`: as it is told to people."""

    pieces: tuple[str, ...]
    anchored: bool
    allows: bool
    line: str

    def matches(self, path: str) -> bool:
        """Whether the pattern fits the beginning of a path, or the whole of it where it ends in `$`."""
        pieces = self.pieces
        at = len(pieces[0])
        if not path.startswith(pieces[0]):
            return False
        if len(pieces) == 1:
            return not self.anchored or len(path) == at
        for piece in pieces[1:-1]:
            at = path.find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        last = pieces[-1]
        return path.endswith(last) and len(path) - len(last) >= at if self.anchored else path.find(last, at) >= 0


Groups = dict[str, list[PathRule]]
"""Rules by agent in lower case; an agent without rules may fetch everything."""


def read_groups(text: str, agents: Sequence[str] = (EVERY_AGENT,)) -> Groups:
    """The groups of a robots.txt, those of one agent put together (RFC 9309, 2.2.1).

    `agents`: whom the rules are for where the text has no User-agent line; in one that has, rules above the first such
    line are for nobody.
    """
    lines = [(found[1].lower(), found[2].strip()) for line in _LINES.split(text) if (found := _LINE.match(line))]
    named = any(key == "user-agent" for key, _ in lines)
    groups: Groups = {} if named else {agent.lower(): [] for agent in agents}
    current: list[str] = list(groups)
    in_names = False
    for key, value in lines:
        if key == "user-agent":
            product = _PRODUCT.match(value)
            current = current if in_names else []
            in_names = True
            if product:
                current.append(product[0].lower())
                groups.setdefault(product[0].lower(), [])
            continue
        in_names = False
        if value:  # an empty pattern matches nothing
            for agent in dict.fromkeys(current):
                groups[agent].append(path_rule(key, value))
    return groups


def merged(groups: Iterable[Groups]) -> Groups:
    """The groups of several texts as one."""
    whole: Groups = {}
    for one in groups:
        for agent, rules in one.items():
            whole.setdefault(agent, []).extend(rules)
    return whole


def path_rule(key: str, pattern: str) -> PathRule:
    """The rule of a line `key: pattern`, key being `allow` or `disallow`."""
    anchored = pattern.endswith("$")
    normal = normal_path(pattern.removesuffix("$"))
    return PathRule(tuple(normal.split("*")), anchored, key == "allow", f"{key.capitalize()}: {pattern}")


def in_order(rules: Iterable[PathRule]) -> tuple[PathRule, ...]:
    """Rules in the order they are tried: the most octets first, and of equal length what allows (RFC 9309, 2.2.2)."""
    return tuple(sorted(rules, key=lambda rule: (-_octets(rule), not rule.allows)))


def refusal(rules: Sequence[PathRule], path: str) -> PathRule | None:
    """The rule that forbids a path, of rules in order; None where it may be fetched."""
    for rule in rules:
        if rule.matches(path):
            return None if rule.allows else rule
    return None


def normal_path(path: str) -> str:
    """A path as patterns and URLs are compared: what is not ASCII escaped, and what need not be escaped not."""
    if "%" in path:
        path = _ESCAPE.sub(_plain_escape, path)
    return path if path.isascii() and " " not in path else _NOT_ASCII.sub(_escaped, path)


def asked(groups: Mapping[str, list[PathRule]], agents: Mapping[str, str]) -> list[tuple[str, tuple[PathRule, ...]]]:
    """The rules that the agents obey: those of their own groups, then, if one has none, those for every agent.

    `agents`: names by themselves in lower case. Each with the agent's name; rules that several obey once, under the
    first one's.
    """
    names = [name for lower, name in agents.items() if lower in groups]
    found: dict[tuple[PathRule, ...], str] = {}
    for name in names if len(names) == len(agents) else [*names, EVERY_AGENT]:
        found.setdefault(in_order(groups.get(name.lower(), ())), name)
    return [(name, rules) for rules, name in found.items() if rules]


def _octets(rule: PathRule) -> int:
    return sum(map(len, rule.pieces)) + len(rule.pieces) - 1 + rule.anchored


def _plain_escape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if _UNRESERVED.fullmatch(character) else found[0].upper()


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))
