"""YAML becomes values that know their lines; what is no YAML is a fault with its line, never a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.faults import Found, Place
from pipelines.tree import Node, parse, plain, read_file
from pipelines.write_yaml import resolved_text

WHOLE = Place("p.yaml", 0, Path())


def parsed(text: str) -> tuple[Node | None, list[Found]]:
    faults: list[Found] = []
    return parse(text, WHOLE, faults), faults


def test_values_know_their_lines() -> None:
    root, _ = parsed("a: 1\nb:\n  c:\n    - x\n    - y\n")

    assert root is not None
    assert isinstance(root.value, dict)
    inner = root.value["b"].value["c"]
    assert (root.value["a"].at.line, inner.at.line, [item.at.line for item in inner.value]) == (1, 3, [4, 5])


def test_anchors_are_copied_where_they_are_named() -> None:
    root, faults = parsed("a: &x {k: [1, no]}\nb: *x\n")

    assert root is not None
    assert plain(root) == {"a": {"k": [1, "no"]}, "b": {"k": [1, "no"]}}
    assert not faults


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "stands here and on line 1"),
        ("a: 1\nb:\n\t- x\n", 3, "tab"),
        ("a: b\nc: d: e\n", 2, "second `:`"),
        ("a: 1\nb: [1, 2\n", 3, "not YAML"),
        ("a: 1\nb: !env HOME\n", 2, "tags"),
        ("a: !!binary aGk=\n", 1, "tags"),
        ("a: 1\nb: *nowhere\n", 2, "undefined alias"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("a: 1\nb: .inf\n", 2, "finite"),
        ("? [a]\n: b\n", 1, "key"),
        ("a: 1\nb: \x07\n", 2, "not allowed"),
        ("a: &a [*a]\n", 0, "nested"),
        ("[" * 1200, 0, "nested"),
    ],
)
def test_broken_yaml_is_a_fault_at_its_line(text: str, line: int, message: str) -> None:
    _, faults = parsed(text)

    assert (len(faults), faults[0].at.line) == (1, line)
    assert message in faults[0].what
    assert faults[0].mend


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    root, faults = parsed("\n".join(lines))

    assert root is None
    assert "unfolds" in faults[0].what


@pytest.mark.parametrize(
    ("data", "line", "message"), [(b"a: 1\nb: \xff\n", 2, "UTF-8"), (b"x" * (2**22 + 1), 0, "too many")]
)
def test_a_file_that_is_no_text_is_a_fault(tmp_path: Path, data: bytes, line: int, message: str) -> None:
    (tmp_path / "p.yaml").write_bytes(data)
    faults: list[Found] = []

    _, root = read_file(tmp_path / "p.yaml", "p.yaml", faults)

    assert root is None
    assert faults[0].at.line == line
    assert message in faults[0].what


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")

    _, root = read_file(tmp_path / "p.yaml", "p.yaml", [])

    assert root is not None
    assert plain(root) == {"a": 1}


SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e9, 1e9) | st.text(max_size=8)
WORDS = st.sampled_from(["no", "1e3", "0o17", "0x1f", "~", "", "${vars.x}", "a: b", "- x", "#", ".inf", "é\nx", "\t"])
TREES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | WORDS, inner, max_size=3),
    max_leaves=8,
)


def as_node(value: Any) -> Node:
    if isinstance(value, dict):
        return Node({key: as_node(item) for key, item in value.items()}, WHOLE)
    return Node(tuple(as_node(item) for item in value) if isinstance(value, list) else value, WHOLE)


@settings(max_examples=40)
@given(st.dictionaries(WORDS, TREES, max_size=4))
def test_a_tree_that_is_written_is_read_again(tree: dict[str, Any]) -> None:
    root, faults = parsed(resolved_text(as_node(tree), "p.yaml", ["a=\n1"]))

    assert not faults
    assert root is not None
    assert plain(root) == tree


def test_a_stage_without_its_colon_is_told_to_take_one() -> None:
    _, faults = parsed("steps:\n  - stages.language\n    where: x\n")

    assert faults[0].at.line == 3
    assert "`- stages.language:`" in faults[0].mend
