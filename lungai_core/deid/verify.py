"""Proof on the output: de-identifying it again must change nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.deid.engine import Engine
from lungai_core.deid.profile import BASIC, Profile
from lungai_core.errors import LungaiError, NotDeidentifiedError

if TYPE_CHECKING:
    from lungai_core.deid.secret import Secret

__all__ = ["verify_deidentified"]


def verify_deidentified(path: Path, /, *, profile: Profile = BASIC, secret: Secret) -> int:
    """Require that every file is what de-identification with this profile and secret writes.

    :implements: SRS-DEID-010, SDS-DEID-008

    Under the secret the library recognises its own UIDs, pseudonyms and shifted dates, so its own output is a fixed
    point: one byte that a second run would change means that the file is not clean, was altered, or is of another
    secret.

    Parameters
    ----------
    path
        A file, or a folder whose every file is looked at.
    profile
        The profile that wrote the files.
    secret
        The secret that wrote the files.

    Returns
    -------
    int
        How many files were looked at, at least 1.

    Raises
    ------
    NotDeidentifiedError
        At the first file that would be changed or refused, or if there is no file.
    """
    files = (
        sorted(Path(folder) / name for folder, _, names in os.walk(path) for name in names) if path.is_dir() else [path]
    )
    engine = Engine(profile, secret)
    for number, file in enumerate(files, start=1):
        _require_fixed_point(file, number, engine)
    if not files:
        raise _not_deidentified("There is no file to verify.", "", "")
    return len(files)


def _require_fixed_point(file: Path, number: int, engine: Engine) -> None:
    where = f"file {number} in the order of the paths"
    try:
        data = file.read_bytes()
        released = engine.release(data)
    except LungaiError as error:
        raise _not_deidentified(f"De-identification would refuse the file: {error.what}", where, error.where) from error
    except OSError as error:
        raise _not_deidentified(f"The file cannot be read ({error.strerror}).", where, "") from error
    if b"".join(released.pieces) != data:
        changed = sorted(
            f"({tally.tag >> 16:04X},{tally.tag & 0xFFFF:04X})"
            for tally in released.tallies
            if tally.action != "replace_mark"
        )
        raise _not_deidentified(
            "De-identification would change the file.", where, ", ".join(changed[:5]) or "meta information"
        )


def _not_deidentified(what: str, where: str, tags: str) -> NotDeidentifiedError:
    return NotDeidentifiedError(
        what,
        where=f"{where} {tags}".strip(),
        allowed="files that a second run with the same profile and secret leaves as they are",
        remedy="Do not pass the files on; de-identify the originals again with this profile and secret.",
    )
