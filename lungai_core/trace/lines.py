"""Files of one record a line, as the lock and the list of accepted gaps are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["record_lines"]


def record_lines(path: Path, /) -> Iterator[tuple[int, str]]:
    """Give number, from 1, and text of each line that holds a record: blank lines and comments are left out.

    :implements: SRS-TRACE-011, SRS-TRACE-012, SDS-TRACE-011, SDS-TRACE-012

    Parameters
    ----------
    path
        The file.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line
