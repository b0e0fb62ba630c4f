"""Whether the files that were written last are still those that would be written now."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from lungai_core.files import sha256_file, write_whole
from lungai_core.trace.surroundings import git_commit, sources_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from lungai_core.trace.config import TraceConfig

__all__ = ["inputs_sha256", "is_fresh", "mark_fresh"]

_OUTPUTS = ("matrix.csv", "matrix.html", "matrix.json")
_MARK = "matrix.inputs"


def inputs_sha256(config: TraceConfig, /, *, version: str, others: tuple[Path, ...]) -> str:
    """Return one hash over everything that a matrix is made from.

    :implements: SRS-TRACE-008, SDS-TRACE-015

    Parameters
    ----------
    config
        Its sources, lock, accepted gaps and signed records count, and the commit that is checked out.
    version
        Of the program that writes.
    others
        Further inputs: run record, coverage data. An absent file counts as absent.
    """
    digest = hashlib.sha256(f"{version} {sources_sha256(config)} {git_commit(config.root)}".encode())
    records = sorted((config.root / config.records).glob("*.toml"))
    for path in (config.root / config.lock, config.root / config.gaps, *records, *others):
        digest.update(f" {path.name} {sha256_file(path) if path.is_file() else 'absent'}".encode())
    return digest.hexdigest()


def is_fresh(folder: Path, inputs: str, /) -> bool:
    """Say whether a folder holds the matrix of these inputs, unchanged since it was written.

    :implements: SRS-TRACE-008, SDS-TRACE-015

    Parameters
    ----------
    folder, inputs
        The output folder, and the result of :func:`inputs_sha256`.
    """
    mark = folder / _MARK
    if not mark.is_file() or not all((folder / name).is_file() for name in _OUTPUTS):
        return False
    return mark.read_text(encoding="utf-8") == _content(folder, inputs)


def mark_fresh(folder: Path, inputs: str, /) -> None:
    """Note which inputs the matrix in a folder was made from.

    :implements: SRS-TRACE-008, SDS-TRACE-015

    Parameters
    ----------
    folder, inputs
        The output folder, and the result of :func:`inputs_sha256`.
    """
    write_whole(folder / _MARK, _content(folder, inputs))


def _content(folder: Path, inputs: str, /) -> str:
    outputs = {name: sha256_file(folder / name) for name in _OUTPUTS}
    return json.dumps({"inputs": inputs, "outputs": outputs}, indent=1, sort_keys=True) + "\n"
