"""What a worker's exception becomes on its way to the driver: an error of ours, whatever the engine.

A TextmillError and an OSError travel as themselves, because they say where, what and the mend, and the run knows what
to do about them. All else is the fault of textmill or of a stage, and goes with its trace.
"""

from __future__ import annotations

import traceback
from typing import Final

from stages.errors import EngineError, TextmillError

_ROOM: Final = (
    "\n    mend: lower --workers or run.batch_bytes, or take a larger machine; then run the same command again"
)
_REPORT: Final = "    mend: this is a fault of textmill or of a stage; please report it with the lines above"


def as_refusal(error: BaseException) -> Exception:
    """The error to raise on the driver for what a worker raised; it survives a pickle."""
    if isinstance(error, TextmillError):
        return error
    if isinstance(error, OSError):
        # As the plain class, which survives the way to the driver whatever Arrow or a library made of it.
        return OSError(error.errno, error.strerror, error.filename) if error.errno else OSError(str(error))
    if isinstance(error, MemoryError):
        return EngineError(f"a worker ran out of memory {error}".rstrip() + _ROOM)
    trace = "".join(traceback.format_exception(error))
    return EngineError(f"a worker failed: {type(error).__name__}: {error}\n{trace}{_REPORT}")
