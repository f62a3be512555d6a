"""A recipe plus one change: `extends`, `set` and `--set` address keys, steps and fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.change import apply_settings, extended
from pipelines.faults import Found, Place
from pipelines.tree import Node, parse, plain, read_file

BASE = """\
textmill: 1
vars: {in: data, out: out}
read: {stages.read: {paths: "${vars.in}"}}
steps:
  - filters.length: {min_words: 3}
  - filters.length: {max_words: 9}
    name: second
  - filters.gopher_quality
  - filters.url: {list: bad.txt}
write: {to: "${vars.out}"}
"""


def tree(text: str = BASE) -> Node:
    root = parse(text, Place("p.yaml", 0, Path("/base")), [])
    assert root is not None
    return root


def changed(*settings: str, text: str = BASE) -> tuple[dict[str, Any], list[Found]]:
    faults: list[Found] = []
    return plain(apply_settings(tree(text), settings, Path("/here"), faults)), faults


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("vars.in=more", ("vars", "in"), "more"),
        ("vars.new=[no, 1]", ("vars", "new"), ["no", 1]),
        ("run.workers=4", ("run", "workers"), 4),
        ("write.to='07'", ("write", "to"), "07"),
        ("read.paths=x.jsonl", ("read", "stages.read", "paths"), "x.jsonl"),
        ("read.stages.read.split_size=1MB", ("read", "stages.read", "split_size"), "1MB"),
        ("steps.filters.length.min_words=5", ("steps", 0, "filters.length", "min_words"), 5),
        ("steps.second.max_words=7", ("steps", 1, "filters.length", "max_words"), 7),
        ("steps.second.filters.length.max_words=7", ("steps", 1, "filters.length", "max_words"), 7),
        ("steps.filters.gopher_quality.min_words=1e3", ("steps", 2, "filters.gopher_quality", "min_words"), 1000.0),
        ("steps.filters.gopher_quality.where=url == 'a=b'", ("steps", 2, "where"), "url == 'a=b'"),
        ("steps.filters.gopher_quality={min_words: 2}", ("steps", 2, "filters.gopher_quality"), {"min_words": 2}),
        ("steps.filters.url.list=", ("steps", 3, "filters.url", "list"), None),
    ],
)
def test_an_address_leads_to_its_value(setting: str, path: tuple[Any, ...], value: Any) -> None:
    text = BASE.replace("  - filters.length: {min_words: 3}\n", "  - filters.length: {min_words: 3}\n    name: first\n")
    told, faults = changed(setting.replace("steps.filters.length", "steps.first"), text=text)

    assert not faults
    for key in path:
        told = told[key]
    assert told == value


@pytest.mark.parametrize(
    ("setting", "what", "mend"),
    [
        ("run.workers", "no `=`", "--set run.workers=4"),
        ("steps.filters.lenght.min_words=1", "no such step", "did you mean"),
        ("steps.filters.length.min_words=1", "means 2 steps", "name:"),
        ("textmill.x=1", "nothing below it", "address"),
        ("vars.in=[1", "not YAML", "brackets"),
        ("vars.in=.inf", "finite", "64 bits"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_fault_that_shows_the_setting(setting: str, what: str, mend: str) -> None:
    text = BASE.replace("    name: second\n", "")

    _, faults = changed(setting, text=text)

    assert [str(fault.at) for fault in faults] == [f"--set {setting}"]
    assert what in faults[0].what
    assert mend in faults[0].mend


def test_a_changed_step_still_stands_where_it_was_written() -> None:
    root = apply_settings(tree(), ("steps.filters.gopher_quality.min_words=5",), Path("/here"), [])

    assert isinstance(root.value, dict)
    step = root.value["steps"].value[2].value["filters.gopher_quality"]
    assert str(step.at) == "p.yaml:8"
    assert step.value["min_words"].at.folder == Path("/here")


def extend(folder: Path, text: str) -> tuple[Any, list[Found]]:
    faults: list[Found] = []
    (folder / "mine.yaml").write_text(text)
    root = read_file(folder / "mine.yaml", "mine.yaml", faults)[1]
    assert root is not None
    return plain(extended(root, faults, ((folder / "mine.yaml").resolve(),))), faults


def test_an_extending_file_merges_variables_and_replaces_the_rest(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)

    told, faults = extend(
        tmp_path,
        "extends: base.yaml\nvars: {out: elsewhere}\nwrite: {to: x}\nset: {steps.second.max_words: 4}\n",
    )

    assert not faults
    assert told["vars"] == {"in": "data", "out": "elsewhere"}
    assert told["write"] == {"to": "x"}
    assert told["steps"][1] == {"filters.length": {"max_words": 4}, "name": "second"}
    assert "extends" not in told


def test_a_shipped_recipe_is_extended_by_name(tmp_path: Path) -> None:
    told, faults = extend(tmp_path, "extends: quick\nset: {steps.filters.length.min_characters: 7}\n")

    assert not faults
    assert told["steps"][0] == {"filters.length": {"min_characters": 7}}


@pytest.mark.parametrize(
    ("text", "what", "mend"),
    [
        ("extends: quik\n", "no recipe and no file 'quik'", "did you mean 'quick'?"),
        ("extends: 7\n", "a recipe or a path", "quick"),
        ("extends: mine.yaml\n", "extends itself", "come back"),
        ("extends: quick\nset: 3\n", "should be a mapping", "set: {"),
    ],
)
def test_a_base_that_cannot_be_had_is_a_fault(tmp_path: Path, text: str, what: str, mend: str) -> None:
    _, faults = extend(tmp_path, text)

    assert what in faults[0].what
    assert mend in faults[0].mend
