"""How well a classifier trained by the documented command tells good documents from bad ones.

    TEXTMILL_DATA=/path/to/data python benchmarks/train_quality.py [--small]

(with textmill[train] installed). Runs `textmill train fasttext --label high --leave-out medium` on
`quality/quality.jsonl.gz` (labels by genre: textbooks, encyclopedias and speeches are high; spam, chats, logs and
garbled text are low) with no other setting, and prints the figures on the tenth of the documents that is held out.
`--small` trains a model of 40 MB instead of one of 900 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from jobs.cli import run_command_line


def judged(data: Path, more: list[str]) -> dict[str, Any]:
    """What the card says of a model trained with these options."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["train", "fasttext", "--data", str(data), "--label", "high", "--leave-out", "medium", *more]
        print(f"textmill {' '.join(words[:2])} --data quality.jsonl.gz {' '.join(words[4:])}", flush=True)
        if run_command_line([*words, "--to", f"{folder}/model"]) != 0:
            raise SystemExit("the training failed")
        told: dict[str, Any] = json.loads(Path(folder, "model", "card.json").read_text())
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--small", action="store_true", help="a model of 40 MB")
    small = ["--buckets", "100000", "--dimensions", "50"] if parser.parse_args().small else []
    home = os.environ.get("TEXTMILL_DATA")
    if not home:
        raise SystemExit("set TEXTMILL_DATA to the data folder")
    data = Path(home) / "quality" / "quality.jsonl.gz"
    start = time.process_time()
    told = judged(data, small)
    seconds = time.process_time() - start
    counts = " + ".join(f"{count} {label}" for label, count in told["data"]["held_out"].items())
    print(f"== held out {counts}: AUC {told['held_out']['auc']:.4f}, {seconds:.0f} CPU-seconds", flush=True)


if __name__ == "__main__":
    main()
