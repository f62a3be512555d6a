"""Which files a source has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stages.errors import PipelineError
from stages.read import Read, changed_inputs, list_inputs


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('{"text": "x"}\n')


def locators(paths: str | tuple[str, ...], **fields: object) -> list[str]:
    return [file.locator for file in list_inputs(Read.model_validate({"paths": paths, **fields}))]


def test_a_pattern_gives_files_by_locator_below_its_first_wildcard(tmp_path: Path) -> None:
    make(tmp_path, "in/b/2.jsonl", "in/a/1.jsonl", "in/c.jsonl")
    assert locators(f"{tmp_path}/in/*/*.jsonl") == ["a/1.jsonl", "b/2.jsonl"]


def test_two_stars_stand_for_any_number_of_folders(tmp_path: Path) -> None:
    make(tmp_path, "1.jsonl", "a/2.jsonl", "a/b/3.jsonl", "a/b/4.txt")
    assert locators(f"{tmp_path}/**/*.jsonl") == ["1.jsonl", "a/2.jsonl", "a/b/3.jsonl"]


def test_a_class_of_characters_matches_one_of_them(tmp_path: Path) -> None:
    make(tmp_path, "a1.jsonl", "a2.jsonl", "a3.jsonl")
    assert locators(f"{tmp_path}/a[13].jsonl") == ["a1.jsonl", "a3.jsonl"]


def test_hidden_names_are_passed_over_unless_spelled_out(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl", "_b.jsonl", ".c.jsonl", "_d/e.jsonl")
    assert locators(f"{tmp_path}/**/*.jsonl") == ["a.jsonl"]
    assert locators(str(tmp_path)) == ["a.jsonl"]
    assert locators(f"{tmp_path}/_*.jsonl") == ["_b.jsonl"]


def test_a_single_file_is_known_by_its_name(tmp_path: Path) -> None:
    make(tmp_path, "deep/a.jsonl")
    assert locators(f"{tmp_path}/deep/a.jsonl") == ["a.jsonl"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    make(tmp_path, "a[1].jsonl")
    assert locators(f"{tmp_path}/a[1].jsonl") == ["a[1].jsonl"]


def test_a_root_above_makes_locators_longer(tmp_path: Path) -> None:
    make(tmp_path, "in/a/1.jsonl")
    assert locators(f"{tmp_path}/in/a/*.jsonl", root=str(tmp_path)) == ["in/a/1.jsonl"]


def test_relative_paths_start_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "in/1.jsonl")
    monkeypatch.chdir(tmp_path)
    [file] = list_inputs(Read(paths="in/*.jsonl"))
    assert (file.locator, file.path) == ("1.jsonl", str(tmp_path / "in/1.jsonl"))


def test_urls_are_listed_like_folders() -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    store.pipe({"/listing/a/1.jsonl": b'{"text": "x"}', "/listing/_b.jsonl": b"", "/listing/2.jsonl": b""})
    assert locators("memory://listing/**/*.jsonl") == ["2.jsonl", "a/1.jsonl"]
    assert locators("memory://listing/") == ["2.jsonl", "a/1.jsonl"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl", "b.jsonl")
    assert locators((f"{tmp_path}/*.jsonl", f"{tmp_path}/a.jsonl")) == ["a.jsonl", "b.jsonl"]


def test_two_files_with_one_locator_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "a/1.jsonl", "b/1.jsonl")
    with pytest.raises(PipelineError, match=r"same locator '1\.jsonl'[\s\S]*mend: set root"):
        locators((f"{tmp_path}/a/*.jsonl", f"{tmp_path}/b/*.jsonl"))


def test_no_match_names_the_nearest_folder(tmp_path: Path) -> None:
    make(tmp_path, "a/1.jsonl")
    with pytest.raises(PipelineError, match=f"looked in {tmp_path}/a\\)"):
        locators(f"{tmp_path}/a/*.parquet")
    with pytest.raises(PipelineError, match=f"{tmp_path}/a has no such folder"):
        locators(f"{tmp_path}/a/b/c/*.parquet")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    make(tmp_path, "1.blob", "2.blob")
    (tmp_path / "1.blob").write_bytes(b"\x00\x01")
    (tmp_path / "2.blob").write_bytes(b"\x00\x01")
    with pytest.raises(PipelineError, match="tell its format") as caught:
        locators((f"{tmp_path}/*.blob", f"{tmp_path}/nothing-*"))
    assert len(caught.value.faults) == 3


def test_a_link_back_to_a_folder_above_ends_the_walk(tmp_path: Path) -> None:
    make(tmp_path, "a/1.jsonl")
    os.symlink(tmp_path, tmp_path / "a/back")
    assert locators(str(tmp_path)) == ["a/1.jsonl"]


def test_first_bytes_tell_the_format_where_the_name_does_not(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b'\xef\xbb\xbf{"text": "x"}\n')
    (tmp_path / "archive").write_bytes(b"WARC/1.0\r\n")
    (tmp_path / "page").write_bytes(b"<!DOCTYPE HTML><p>x")
    assert [file.format for file in list_inputs(Read(paths=f"{tmp_path}/*"))] == ["warc", "jsonl", "html"]


def test_a_stated_format_picks_its_files_of_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.html", "b.css", "c.htm")
    assert locators(str(tmp_path), format="html") == ["a.html", "c.htm"]


def test_one_json_array_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"text": "x"}]')
    with pytest.raises(PipelineError, match="one JSON array"):
        locators(f"{tmp_path}/a.json")


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl", "b.jsonl", "c.jsonl")
    files = list_inputs(Read(paths=str(tmp_path)))
    assert changed_inputs(files) == []
    (tmp_path / "a.jsonl").write_text('{"text": "y"}\n')
    (tmp_path / "c.jsonl").unlink()
    assert changed_inputs(files) == ["a.jsonl", "c.jsonl"]


def test_an_unknown_protocol_is_a_fault_of_the_pipeline() -> None:
    with pytest.raises(PipelineError, match="cannot be listed"):
        locators("nosuchstore://bucket/*.jsonl")


def test_pipes_and_sockets_are_no_files(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl")
    os.mkfifo(tmp_path / "b.jsonl")
    assert locators(str(tmp_path)) == ["a.jsonl"]
    with pytest.raises(PipelineError, match="no file"):
        locators(f"{tmp_path}/b.jsonl")
