"""What a refusal on the command line must look like: one message, with a mend, an exit code, and no traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.cli import run_command_line


def told(capsys: pytest.CaptureFixture[str], *arguments: object, code: int) -> str:
    """Run a command that must end with this exit code; what it said against it, from `refused:` or `failed:` on."""
    capsys.readouterr()
    assert run_command_line([str(one) for one in arguments]) == code
    said = capsys.readouterr().err
    starts = [match.start() for match in re.finditer("^refused: " if code == 2 else "^failed: ", said, re.MULTILINE)]
    assert len(starts) == 1, said
    message = said[starts[0] :]
    assert "\n    mend: " in message
    assert "Traceback" not in message
    return message


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """A command that is refused before anything runs."""
    return told(capsys, *arguments, code=2)


def failed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """A command that fails while it runs."""
    return told(capsys, *arguments, code=1)


def done(*arguments: object) -> None:
    """A command that must succeed."""
    assert run_command_line([str(one) for one in arguments]) == 0


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content, to see that nothing was harmed."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
