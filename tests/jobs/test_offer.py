"""Commands are offered as one can type them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jobs.offer import command_line, short_path


def test_paths_below_the_working_directory_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert short_path(tmp_path / "out") == "out"
    assert short_path(tmp_path.parent) == str(tmp_path.parent)
    assert short_path("demo/out") == "demo/out"


def test_a_program_that_is_not_on_the_path_is_offered_by_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / ".venv/bin/textmill")])
    monkeypatch.setenv("PATH", "")
    assert command_line("verify", "my run") == ".venv/bin/textmill verify 'my run'"


def test_a_program_on_the_path_is_offered_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "textmill"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_line("verify", "out") == "textmill verify out"
