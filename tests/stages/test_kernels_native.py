"""Compiled code: kept in a folder that can be written, and loaded by the next process instead of compiled again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import numpy as np
import pytest

import stages.kernels.native as native
from stages.kernels.words import whitespace_width

LOAD = """
import numpy as np
import stages.kernels.words as words
words.whitespace_width(np.zeros(1, np.uint8), 0, 1)
print(sum(words.whitespace_width.stats.cache_misses.values()), sum(words.whitespace_width.stats.cache_hits.values()))
"""


def test_a_second_process_loads_what_the_first_compiled() -> None:
    home = Path(native.__file__).parents[2]
    run = [subprocess.run([sys.executable, "-c", LOAD], capture_output=True, check=True, cwd=home) for _ in range(2)]
    assert run[-1].stdout.split() == [b"0", b"1"]
    assert whitespace_width(np.array([32], np.uint8), 0, 1) == 1
    assert whitespace_width.stats.cache_path.startswith(str(native.cache_folder()))


def load_in(folder: Path, before: str = "") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    home = Path(native.__file__).parents[2]
    return subprocess.run([sys.executable, "-c", before + LOAD], capture_output=True, cwd=home, env=environment)


def test_files_of_the_cache_that_were_cut_off_are_compiled_anew(tmp_path: Path) -> None:
    assert load_in(tmp_path).stdout.split() == [b"1", b"0"]
    for kind, size in (("nbc", 100), ("nbi", 0)):
        [file] = tmp_path.rglob(f"*whitespace_width*.{kind}")
        os.truncate(file, size)
        assert load_in(tmp_path).stdout.split() == [b"1", b"0"]
    assert load_in(tmp_path).stdout.split() == [b"0", b"1"]


def test_on_a_full_disk_kernels_are_compiled_with_a_warning(tmp_path: Path) -> None:
    ran = load_in(tmp_path, "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n")
    assert ran.stdout.split() == [b"1", b"0"]
    assert b"make room" in ran.stderr


def test_the_cache_goes_where_numba_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "new"))
    folder = native.cache_folder.__wrapped__()
    assert folder is not None
    assert folder.parent == tmp_path / "new"


def test_a_read_only_install_falls_back_to_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()  # no folder can be made below a file, not even by root
    monkeypatch.setattr(native, "__file__", str(tmp_path / "file" / "native.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    folder = native.cache_folder.__wrapped__()
    assert folder is not None
    assert folder.parent == tmp_path / "home" / "textmill"


def test_without_any_folder_kernels_are_compiled_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(native, "__file__", str(tmp_path / "file" / "native.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match="set NUMBA_CACHE_DIR"):
        assert native.cache_folder.__wrapped__() is None


def test_numbas_own_setting_comes_back_after_compiling(tmp_path: Path) -> None:
    before = numba.config.CACHE_DIR
    with native._numba_caches_in(tmp_path):
        assert str(tmp_path) == numba.config.CACHE_DIR
    assert before == numba.config.CACHE_DIR


def test_an_edit_gives_new_code_to_the_kernels_it_touches_and_to_no_other(tmp_path: Path) -> None:
    package = tmp_path / "mill"
    package.mkdir()
    (package / "caller.py").write_text("from mill.called import ONE\n")
    (package / "called.py").write_text("ONE = 1\n")
    (package / "other.py").write_text("")
    tell = (
        "import sys, mill.caller, mill.other\nfrom stages.kernels.native import sources_hash\n"
        "print(sources_hash('mill.caller'), sources_hash('mill.other'))"
    )
    home = str(Path(native.__file__).parents[2])

    def hashes() -> list[str]:
        command = [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {home!r}]\n{tell}"]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()

    before = hashes()
    (package / "called.py").write_text("ONE = 1.0\n")
    after = hashes()
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_a_kernel_that_only_kernels_call_is_not_loaded() -> None:
    code = (
        "from stages.counting import Counter, Wanted\nimport pyarrow as pa\n"
        "Counter(Wanted(words='whitespace')).counts(pa.record_batch({'text': ['a b']}))\n"
        "from stages.kernels.page_counts import count_pages, cut_lines\n"
        "print(len(count_pages.overloads), len(cut_lines.overloads))"
    )
    home = Path(native.__file__).parents[2]
    run = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=home) for _ in range(2)]
    assert run[-1].stdout.split() == [b"1", b"0"]


RAISING = """import numpy as np
from numba.types import float64, int64

from stages.kernels.native import native


@native(float64(int64, int64))
def divide(whole, parts):
    if whole < 0:
        raise ValueError("less than nothing")
    return np.full(parts, whole // parts).sum()
"""
RAISE = """
import sys
from mill.raising import divide
for whole, parts in ((6, 3), (6, 0), (-1, 1)):
    try:
        print(divide(whole, parts))
    except (ValueError, ZeroDivisionError) as error:
        print(type(error).__name__, error)
print(*(name in sys.modules for name in ("numba.np.linalg", "scipy.linalg")))
print(sum(divide.stats.cache_misses.values()))
"""


def test_a_loaded_kernel_raises_and_sums_and_nothing_of_numbas_compiling_is_loaded_with_it(tmp_path: Path) -> None:
    (tmp_path / "mill").mkdir()
    (tmp_path / "mill" / "raising.py").write_text(RAISING)
    home = Path(native.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{home}", "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    command = [sys.executable, "-c", RAISE]
    first, second = (
        subprocess.run(command, capture_output=True, check=True, text=True, cwd=home, env=environment).stdout
        for _ in range(2)
    )
    answers = ["6.0", "ZeroDivisionError integer division by zero", "ValueError less than nothing"]
    assert first.splitlines()[:3] == second.splitlines()[:3] == answers
    assert second.splitlines()[3:] == ["False False", "0"]
