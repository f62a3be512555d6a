"""The documentation site: rendered in a child process that may fail, without a trace of this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jobs.sample import make_sample, pydoc_render
from jobs.sample.pydoc_site import HOST, documentation_site, rendered_pages
from stages.archives.read import read_archive
from stages.archives.tiles import Record


def test_the_site_lists_and_describes_the_first_modules() -> None:
    site = documentation_site(4)

    names = sorted(name for name in sys.stdlib_module_names if name[0] != "_" and name != "antigravity")[:4]
    assert site.host == HOST
    assert set(site.answers) == {"/", "/robots.txt", *(f"/{name}.html" for name in names)}
    assert all(f'href="{name}.html"'.encode() in site.answers["/"].body for name in names)


def test_a_module_that_cannot_be_imported_is_a_page_with_status_500() -> None:
    pages = list(rendered_pages(["no_such_module", "abc"]))

    assert [(name, status) for name, status, _ in pages] == [("no_such_module", 500), ("abc", 200)]
    assert "ModuleNotFoundError" in pages[0][2]


def test_a_module_that_ends_its_process_does_not_end_the_site(tmp_path: Path) -> None:
    # The script renders what its command line names; a stand-in for it dies over the second module.
    script = tmp_path / "deadly.py"
    script.write_text(
        "import json, os, sys\n"
        "for name in sys.argv[1:]:\n"
        "    if name == 'deadly': os._exit(3)\n"
        "    print(json.dumps({'name': name, 'status': 200, 'page': name}), flush=True)\n"
    )

    pages = list(rendered_pages(["first", "deadly", "last"], script=script))

    assert [(name, status) for name, status, _ in pages] == [("first", 200), ("deadly", 500), ("last", 200)]


def test_a_module_that_hangs_is_given_up(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text("import time\ntime.sleep(1000)\n")

    assert [(name, status) for name, status, _ in rendered_pages(["slow"], script=script, patience=0.2)] == [
        ("slow", 500)
    ]


def test_pages_tell_nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THIS_MACHINE", "do not print")

    pages = {name: page for name, _, page in rendered_pages(["os", "site", "ftplib", "ctypes", "sys", "platform"])}

    for page in pages.values():
        assert "SECRET_OF_THIS_MACHINE" not in page
        assert os.path.dirname(os.__file__) not in page
        assert os.path.dirname(sys.executable) not in page
        assert os.path.dirname(pydoc_render.__file__) not in page
        assert " at 0x" not in page


def test_documentation_has_a_file_of_its_own(tmp_path: Path) -> None:
    make_sample(tmp_path, village_pages=100, python_modules=3, report=lambda line: None)

    archive = tmp_path / "crawl" / "python-docs.warc.gz"
    with archive.open("rb") as file:
        records = [tile for tile in read_archive(file, archive.stat().st_size) if isinstance(tile, Record)]
    assert [record.http_status for record in records] == [200] * 5
    assert all((record.url or "").startswith(f"http://{HOST}/") for record in records)
