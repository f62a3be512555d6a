"""`${vars.x}` and `${env.X}` are put into place before anything is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.faults import Found, Place
from pipelines.interpolate import interpolate
from pipelines.tree import parse, plain


def solved(text: str) -> tuple[dict[str, Any], list[Found]]:
    faults: list[Found] = []
    root = parse(text, Place("p.yaml", 0, Path()), faults)
    assert root is not None
    return plain(interpolate(root, faults)), faults


def test_a_whole_value_keeps_its_type_and_a_part_becomes_text() -> None:
    told, faults = solved("vars: {n: 3, l: [a, 1], b: true}\nx: ${vars.n}\ny: ${vars.l}\nz: a-${vars.n}-${vars.b}\n")

    assert (told["x"], told["y"], told["z"]) == (3, ["a", 1], "a-3-true")
    assert not faults


def test_variables_may_use_each_other_in_any_order() -> None:
    told, faults = solved("vars: {a: '${vars.b}/x', b: 's3', c: '${vars.a}'}\nx: ${vars.c}\n")

    assert told["x"] == "s3/x"
    assert told["vars"] == {"a": "s3/x", "b": "s3", "c": "s3/x"}
    assert not faults


def test_the_environment_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILL", "007")

    assert solved("x: ${env.MILL}\n")[0]["x"] == "007"


def test_variables_that_double_each_other_are_refused() -> None:
    lists = "\n".join(f"  l{n}: ['${{vars.l{n - 1}}}', '${{vars.l{n - 1}}}']" for n in range(1, 60))
    texts = "\n".join(f"  t{n}: ${{vars.t{n - 1}}}${{vars.t{n - 1}}}" for n in range(1, 60))

    _, of_lists = solved(f"vars:\n  l0: [x]\n{lists}\n")
    _, of_texts = solved(f"vars:\n  t0: xxxxxxxx\n{texts}\n")

    assert ["unfolds" in fault.what for fault in of_lists] == [True]
    assert ["longer than" in fault.what for fault in of_texts] == [True]


def test_two_dollars_stand_for_one() -> None:
    told, faults = solved("vars: {a: 1}\nx: $${vars.a}\ny: cost $5 {a}\n")

    assert (told["x"], told["y"]) == ("${vars.a}", "cost $5 {a}")
    assert not faults


@pytest.mark.parametrize(
    ("text", "line", "what", "mend"),
    [
        ("vars: {outer: 1}\nx: ${vars.outr}\n", 2, "no variable 'outr'", "did you mean 'outer'?"),
        ("x: 1\ny: a${vars.z}\n", 2, "no variable 'z'", "vars: {z"),
        ("x: ${env.MILL_NOT_SET}\n", 1, "is not set", "export MILL_NOT_SET"),
        ("x: ${out}\n", 1, "refers to nothing", "${vars.name}"),
        ("x: '${vars.a'\n", 1, "never closed", "}"),
        ("vars: {l: [1]}\nx: a${vars.l}\n", 2, "cannot stand inside a text", "alone"),
        ("vars:\n  a: ${vars.b}\n  b: ${vars.a}\n", 2, "a → b → a", "value of its own"),
        ("vars:\n  a: ${vars.a}x\n", 2, "a → a", "value of its own"),
    ],
)
def test_a_reference_to_nothing_is_one_fault_with_its_mend(text: str, line: int, what: str, mend: str) -> None:
    _, faults = solved(text)

    assert [fault.at.line for fault in faults] == [line]
    assert what in faults[0].what
    assert mend in faults[0].mend
