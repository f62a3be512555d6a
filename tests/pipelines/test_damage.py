"""Whatever stands in a pipeline file, the answer is a plan or faults with places, never another error."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXT = """\
textmill: 1
seed: 7
vars: {in: data, n: 3, l: [x, y]}
sources:
  a: {stages.read: {paths: "${vars.in}"}}
  b: {stages.read: {paths: [more], split_size: 1MB}}
streams:
  late: {from: [early, b], steps: [dedup.exact, {filters.length: {min_words: 1}, where: "url == 'x'"}]}
  early:
    from: a
    steps:
      - filters.length: {min_words: 2}
        name: first
        checkpoint: true
        resources: {cpus: 2}
      - filters.gopher_quality
write:
  all: {from: late, to: out/all, shard_size: 1MB, holdout: 10%}
  some: {from: early, to: out/some}
run: {workers: 3, memory: 1GB}
"""
PIECES = re.findall(r"[\w.]+|\s+|.", TEXT)
INSTEAD = [
    "",
    "~",
    "[]",
    "{}",
    "[{}]",
    "a",
    "x.y",
    "./x.py:Y",
    ":",
    "${vars.l}",
    "${",
    "\t",
    "&a",
    "*a",
    "!b",
    "0",
    "-1",
    "'",
]


def test_the_whole_pipeline_is_right(bench: Any) -> None:
    assert len(bench.compile(TEXT).steps) == 7


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(PIECES) - 1), st.sampled_from(INSTEAD)), min_size=1, max_size=3))
def test_a_damaged_pipeline_gives_a_plan_or_faults(bench: Any, damage: list[tuple[int, str]]) -> None:
    pieces = list(PIECES)
    for at, instead in damage:
        pieces[at] = instead

    found = bench.faults("".join(pieces))

    assert all(where.startswith("p.yaml") and what for where, what, _ in found)
