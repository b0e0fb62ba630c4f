"""The number of threads as an argument."""

from __future__ import annotations

from lungai_core.errors import InvalidArgumentError

__all__ = ["require_threads"]

_MAX_THREADS = 64


def require_threads(threads: int, /) -> None:
    """Raise unless a number of threads is one that makes sense.

    :implements: SRS-PREP-004, SDS-PREP-001
    """
    if not 1 <= threads <= _MAX_THREADS:
        raise InvalidArgumentError(
            f"threads is {threads}.", allowed=f"1 to {_MAX_THREADS}", remedy="Give the number of threads to use."
        )
