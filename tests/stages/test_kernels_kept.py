"""Tables beside the compiled kernels: made once, read by whoever comes next, and never wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from stages.kernels import kept
from stages.kernels.kept import kept_table

calls = 0


def make() -> npt.NDArray[np.uint32]:
    global calls
    calls += 1
    return np.arange(3, dtype=np.uint32)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept, "module_folder", lambda module: tmp_path)
    return tmp_path


def test_a_table_is_made_once_and_then_read() -> None:
    before = calls
    first, second = kept_table(make), kept_table(make)

    assert calls == before + 1
    assert first.tolist() == second.tolist() == [0, 1, 2]
    assert (second.dtype, second.flags.writeable, first.flags.writeable) == (np.uint32, False, False)


def test_a_table_of_other_texts_is_another(folder: Path) -> None:
    kept_table(make, "letters.txt")
    kept_table(make, "scripts.txt")

    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("rubbish", [b"", b"\x93NUMPY", b"no table"])
def test_a_damaged_file_is_made_anew(folder: Path, rubbish: bytes) -> None:
    kept_table(make)
    [file] = folder.iterdir()
    file.write_bytes(rubbish)

    assert kept_table(make).tolist() == [0, 1, 2]
    assert file.stat().st_size > 100


def test_without_a_folder_it_is_made_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "module_folder", lambda module: None)
    before = calls
    kept_table(make)
    kept_table(make)

    assert calls == before + 2
