"""Compiled code: kept in a folder that can be written, and loaded by the next process instead of compiled again."""

from __future__ import annotations

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


def test_a_kernel_is_loaded_without_what_only_compiling_needs() -> None:
    code = (
        "import sys\nfrom stages.kernels.word_set import word_set\nword_set(['mill'])\n"
        "print('numba.np.linalg' in sys.modules, 'scipy.linalg' in sys.modules)"
    )
    home = Path(native.__file__).parents[2]
    run = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=home) for _ in range(2)]
    assert run[-1].stdout.split() == [b"False", b"False"]
