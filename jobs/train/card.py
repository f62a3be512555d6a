"""The card of a trained classifier: what it was made from, how well it does, and how to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_LEFT_OUT: Final = {
    "damaged": "could not be read",
    "unlabelled": "had no label",
    "left_out": "had a label that was to be left out",
    "empty": "had no word",
    "repeated": "had the text of an earlier one",
}
_SPLIT: Final = (
    "Whether a document is held out is decided by the hash of its words, or of its group where a column of groups was "
    "named. Of documents with the same words only the first counts, so none is on both sides."
)
_SHARES: Final = (
    "The shares are of the held-out documents, whose labels are mixed as above. Another corpus is mixed otherwise: "
    "score a sample of it before you choose a threshold by its share."
)


def card_text(told: Mapping[str, Any]) -> str:
    """The card in Markdown, from what `card.json` says."""
    data, judged, punctuation = told["data"], told["held_out"], told["settings"]["punctuation"]
    counts = [
        [name, f"{data['train'].get(name, 0):,}", f"{data['held_out'].get(name, 0):,}"] for name in told["labels"]
    ]
    gone = [f"{data[key]:,} {why}" for key, why in _LEFT_OUT.items() if data[key]]
    column = next((one for one in judged["thresholds"] if one["wanted"] == 0.1), judged["thresholds"][0])
    lines = [
        f"# A fastText classifier for `{told['label']}`",
        "",
        f"Trained by textmill {told['textmill']}. The score is the probability of the label `{told['label']}`.",
        "",
        "    models:",
        f"      scorer: {{fasttext: {told['model']}, label: {told['label']}, punctuation: {punctuation}}}",
        "    …",
        "      - stages.score: {score: scorer}",
        f'      - filters.expression: {{keep: "score >= {column["threshold"]!r}"}}',
        "",
        "## Documents",
        "",
        *_markdown(["label", "trained on", "held out"], counts),
        "",
        f"{data['read']:,} documents were read from {', '.join(f'`{path}`' for path in data['paths'])}"
        + (f"; {', '.join(gone)}." if gone else "."),
        _SPLIT,
        "",
        "## On the held-out documents",
        "",
        f"- area under the ROC curve: {judged['auc']:.4f}",
        f"- at a threshold of 0.5: precision {judged['precision_at_0.5']:.4f}, recall {judged['recall_at_0.5']:.4f}",
        "",
        *_markdown(
            ["keep the best", "with `score >=`", "kept", "precision", "recall"],
            [
                [
                    f"{100 * one['wanted']:g} %",
                    repr(one["threshold"]),
                    f"{100 * one['kept']:.2f} %",
                    f"{one['precision']:.4f}",
                    f"{one['recall']:.4f}",
                ]
                for one in judged["thresholds"]
            ],
        ),
        "",
        _SHARES,
        "",
        "## How it was made",
        "",
        f"    {told['command']}",
        "",
        *_markdown(["setting", "value"], [[f"`{name}`", str(value)] for name, value in told["settings"].items()]),
        "",
        f"Examples: sha256 `{data['sha256']}`. Model: sha256 `{told['model_sha256']}`.",
        "The same documents and settings give the same model, byte for byte."
        if told["settings"]["thread"] == 1
        else "Trained with several threads: another training gives a slightly different model.",
    ]
    return "\n".join(lines) + "\n"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
