"""Folders in the manner of Hugging Face `datasets`: those of `save_to_disk`, and those laid out for the Hub.

One idea: such a folder says itself which files are its data (`state.json`; `configs` in the README's front matter,
https://huggingface.co/docs/hub/datasets-manual-configuration; else the files in `data/`). When it holds several configs
or splits, nothing is guessed: training on a test split by oversight cannot be mended later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
import yaml

from stages.errors import Fault, PipelineError
from stages.read.formats import format_by_name
from stages.read.globbing import files_below, matches
from stages.read.storage import is_file, is_folder, open_file

_SPLITS: Final = ("train", "training", "test", "testing", "validation", "valid", "dev", "val", "eval", "evaluation")


def is_dataset(folder: str) -> bool:
    """Whether a folder says of itself that it is a dataset: by its lists of files, or by a card beside data files."""
    if any(is_file(f"{folder}/{name}") for name in ("state.json", "dataset_dict.json")):
        return True
    front = _front_matter(folder)
    return "configs" in front or (bool(front) and any(_is_data(path) for path in files_below(folder)))


def dataset_files(folder: str) -> list[str]:
    """The data files of a dataset folder. Raises PipelineError when it has several configs or splits, or none."""
    if is_file(f"{folder}/dataset_dict.json"):
        splits = _json(f"{folder}/dataset_dict.json").get("splits", [])
        return dataset_files(f"{folder}/{_only(folder, 'split', splits, f'{folder}/{{}}')}")
    if is_file(f"{folder}/state.json"):
        return [f"{folder}/{item['filename']}" for item in _json(f"{folder}/state.json").get("_data_files", [])]
    front = _front_matter(folder)
    if front.get("configs"):
        return list(_configured(folder, front["configs"]))
    data = f"{folder}/data"
    found = [path for path in files_below(data if is_folder(data) else folder) if _is_data(path)]
    splits = sorted({split for path in found if (split := _split_of(path))})
    if len(splits) > 1:
        _only(folder, "split", splits, f"{found[0].rsplit('/', 1)[0]}/{{}}-*")
    return found


def _configured(folder: str, configs: list[dict[str, Any]]) -> Iterator[str]:
    """The files of the only config, of the default one, or of the one called `default`."""
    chosen = [one for one in configs if one.get("default") or one.get("config_name") == "default"] or configs
    if len(chosen) > 1:
        _only(folder, "config", [str(one.get("config_name")) for one in chosen], f"{folder}/{{}}/*.parquet")
    data_files = chosen[0].get("data_files", [])
    listed = data_files if isinstance(data_files, list) else [data_files]
    if isinstance(data_files, Mapping) and "path" not in data_files:
        listed = [{"split": split, "path": path} for split, path in data_files.items()]
    splits = sorted({str(one.get("split", "train")) for one in listed if isinstance(one, Mapping)})
    if len(splits) > 1:
        first = next(_patterns(one)[0] for one in listed)
        _only(folder, "split", splits, f"{folder}/{first}")
    for one in listed:
        for pattern in _patterns(one):
            yield from matches(f"{folder}/{pattern}")


def _patterns(listed: Any) -> list[str]:
    path = listed["path"] if isinstance(listed, Mapping) else listed
    return [str(part).removeprefix("./") for part in (path if isinstance(path, list) else [path])]


def _only(folder: str, what: str, names: list[str], example: str) -> str:
    """The one name there is; with several, PipelineError says how to name the files of one of them."""
    if len(names) == 1:
        return names[0]
    found = f"it has the {what}s {', '.join(names)}" if names else f"it names no {what}"
    mend = f"name one in paths:, such as {example.format(names[0] if names else 'train')}"
    raise PipelineError(Fault(folder, found, mend))


def _is_data(path: str) -> bool:
    return format_by_name(path) in ("parquet", "jsonl", "csv", "arrow")


def _split_of(path: str) -> str | None:
    """The split that a file's name says: `train` of `train-00000-of-00002.parquet` and of `train.jsonl`."""
    name = path.rsplit("/", 1)[-1].lower()
    return next((split for split in _SPLITS if name.startswith((f"{split}-", f"{split}.", f"{split}_"))), None)


def _front_matter(folder: str) -> dict[str, Any]:
    """The YAML at the head of a folder's README.md; empty when there is none that can be read."""
    readme = f"{folder}/README.md"
    if not is_file(readme):
        return {}
    with open_file(readme) as file:
        text = file.read(2**20).decode(errors="replace").replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return {}
    try:
        front = yaml.safe_load(text[4:].split("\n---", 1)[0])
    except yaml.YAMLError:
        return {}  # a card that is not YAML says nothing of data files
    return front if isinstance(front, dict) else {}


def _json(path: str) -> dict[str, Any]:
    try:
        with open_file(path) as file:
            value = orjson.loads(file.read())
    except orjson.JSONDecodeError as error:
        raise PipelineError(Fault(path, f"is no JSON: {error}", "save the dataset anew")) from error
    if not isinstance(value, dict):
        raise PipelineError(Fault(path, "is no JSON object", "save the dataset anew"))
    return value
