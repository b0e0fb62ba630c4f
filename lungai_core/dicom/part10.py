"""One DICOM file: its transfer syntax, the elements before its pixels, and where the pixels are."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.dicom.elements import ElementSet, Encoding, TruncatedError, UnreadableError, walk
from lungai_core.errors import DamagedFileError

if TYPE_CHECKING:
    from pathlib import Path

    from lungai_core.dicom.limits import ReadLimits

__all__ = [
    "BIG_ENDIAN",
    "DEFLATED",
    "EXPLICIT_LITTLE",
    "IMPLICIT_LITTLE",
    "FileElements",
    "damaged",
    "inflate_file",
    "read_elements",
]

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"

_PREAMBLE_BYTES = 132
_FIRST_READ_BYTES = 16 << 10
_META_HEAD = struct.Struct("<HH2sHI")
_TRANSFER_SYNTAX = 0x00020010
_EXPLICIT = Encoding(explicit_vr=True, little_endian=True)
# The first element of a data set that was saved without preamble and file meta information.
_BARE_DATA_SET = tuple(b"\x08\x00" + element + b"\x00" for element in (b"\x00", b"\x01", b"\x05", b"\x08", b"\x16"))


@dataclass(frozen=True, slots=True)
class FileElements:
    """What stands in a DICOM file before its pixels; ``size_bytes`` is that of the file.

    :implements: SRS-DICOM-006, SDS-DICOM-002
    """

    path: Path
    size_bytes: int
    transfer_syntax_uid: str
    elements: ElementSet


def read_elements(path: Path, /, *, wanted: frozenset[int], limits: ReadLimits) -> FileElements | None:
    """Read the wanted elements of a file, or None if it is no DICOM file.

    :implements: SRS-DICOM-006, SDS-DICOM-002

    Parameters
    ----------
    path
        A regular file.
    wanted
        Tags to keep.
    limits
        ``max_header_bytes`` counts.

    Raises
    ------
    DamagedFileError
        If the file begins like DICOM and cannot be read to its pixels.
    """
    try:
        with path.open("rb", buffering=0) as stream:
            size = stream.seek(0, 2)
            wanted_bytes = _FIRST_READ_BYTES
            while True:
                stream.seek(0)
                buffer = stream.read(wanted_bytes)
                try:
                    return _parse(path, size, buffer, wanted, limits)
                except TruncatedError:
                    if wanted_bytes >= min(size, limits.max_header_bytes):
                        raise
                    wanted_bytes *= 8
    except (TruncatedError, UnreadableError) as error:
        raise damaged(path, "The header of a DICOM file cannot be read to its pixels.") from error
    except OSError as error:
        raise damaged(path, f"A file cannot be read ({error.strerror or type(error).__name__}).") from error


def inflate_file(path: Path, /, *, count: int) -> bytes:
    """Return the first bytes of a deflated data set, inflated.

    :implements: SRS-DICOM-006, SDS-DICOM-002

    Parameters
    ----------
    path
        A file in the deflated transfer syntax.
    count
        How many bytes at most; no more memory is taken, whatever the stream would make.

    Raises
    ------
    DamagedFileError
        If the stream is broken.
    """
    buffer = path.read_bytes()
    try:
        _, offset = _transfer_syntax(buffer)
    except (TruncatedError, UnreadableError) as error:
        raise damaged(path, "The header of a DICOM file cannot be read to its pixels.") from error
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(buffer[offset:], count)
    except zlib.error as error:
        raise damaged(path, "A deflated data set cannot be inflated.") from error


def damaged(path: Path, what: str, /) -> DamagedFileError:
    """Return the error for a file that cannot be parsed.

    :implements: SRS-DICOM-006, SDS-DICOM-002
    """
    return DamagedFileError(
        what,
        where=path.name,
        allowed="DICOM Part 10 files, each whole",
        remedy="Copy or export the file again, or take it out of the folder if it does not belong to the series.",
    )


def _parse(path: Path, size: int, buffer: bytes, wanted: frozenset[int], limits: ReadLimits) -> FileElements | None:
    if buffer[128:_PREAMBLE_BYTES] != b"DICM":
        if buffer[:4] in _BARE_DATA_SET:
            raise damaged(path, "A DICOM data set was saved without the preamble and file meta information of Part 10.")
        return None
    syntax, offset = _transfer_syntax(buffer)
    if syntax == DEFLATED:
        return FileElements(path, size, syntax, _deflated_elements(path, wanted, limits))
    encoding = Encoding(explicit_vr=syntax != IMPLICIT_LITTLE, little_endian=syntax != BIG_ENDIAN)
    elements = walk(buffer, offset, encoding=encoding, wanted=wanted)
    if elements.pixels is None and len(buffer) < size:
        raise TruncatedError  # the buffer happened to end between two elements
    return FileElements(path, size, syntax, elements)


def _deflated_elements(path: Path, wanted: frozenset[int], limits: ReadLimits) -> ElementSet:
    """Inflate as much of a data set as its header takes."""
    count = _FIRST_READ_BYTES
    while True:
        buffer = inflate_file(path, count=count)
        is_whole = len(buffer) < count
        try:
            elements = walk(buffer, 0, encoding=_EXPLICIT, wanted=wanted)
        except TruncatedError as error:
            if is_whole or count >= limits.max_header_bytes:
                raise UnreadableError from error
        else:
            if is_whole or elements.pixels is not None or count >= limits.max_header_bytes:
                return elements
        count *= 8


def _transfer_syntax(buffer: bytes) -> tuple[str, int]:
    """Return the transfer syntax UID and where the data set begins."""
    offset = _PREAMBLE_BYTES
    syntax = ""
    while True:
        if len(buffer) - offset < 8:
            raise TruncatedError
        if buffer[offset : offset + 2] != b"\x02\x00":
            break
        head = buffer[offset : offset + 12].ljust(12, b"\0")
        _, element, vr, length, long_length = _META_HEAD.unpack(head)
        offset += 8
        if vr in {b"OB", b"UN", b"OW", b"SQ", b"UT"}:
            length = long_length
            offset += 4
        if offset + length > len(buffer):
            raise TruncatedError
        if element == (_TRANSFER_SYNTAX & 0xFFFF):
            syntax = buffer[offset : offset + length].decode("ascii", "replace").strip(" \0")
        offset += length
    if not syntax:
        raise UnreadableError
    return syntax, offset
