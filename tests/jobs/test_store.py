"""What the local store does where the file system cannot do everything."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from jobs.store import LocalStore
from stages.errors import StoreError


def refuse_links(patch: pytest.MonkeyPatch, number: int) -> None:
    def link(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    patch.setattr(os, "link", link)


def test_a_file_system_without_hard_links_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_links(monkeypatch, errno.EPERM)
    with pytest.raises(StoreError, match=r"has no hard links .*\n    mend: write to a disk that has them"):
        LocalStore(tmp_path).put_if_absent("receipts/0.json", b"{}")
    assert list((tmp_path / "receipts").iterdir()) == []


def test_what_is_published_onto_another_disk_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made").write_bytes(b"rows" * 1000)
    refuse_links(monkeypatch, errno.EXDEV)
    LocalStore(tmp_path).publish("made", "data/shard")
    assert (tmp_path / "data/shard").read_bytes() == b"rows" * 1000
    assert len(list((tmp_path / "data").iterdir())) == 1
