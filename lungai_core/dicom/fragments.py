"""Encapsulated pixel data cut into frames (PS3.5, annex A.4)."""

from __future__ import annotations

import itertools
import struct

from lungai_core.dicom.bitstreams import BrokenStreamError

__all__ = ["split_frames"]

_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"


def split_frames(value: bytes, /, *, frames: int) -> tuple[bytes, ...]:
    """Return the coded frames of an encapsulated pixel element.

    :implements: SRS-DICOM-005, SDS-DICOM-005

    Parameters
    ----------
    value
        The bytes from the basic offset table's item to the end of the file.
    frames
        How many frames the header announces.

    Raises
    ------
    BrokenStreamError
        If the items are not closed by a delimiter, or do not make that many frames.
    """
    offset = 0
    items: list[bytes] = []
    starts: list[int] = []
    while True:
        if len(value) - offset < 8:
            raise BrokenStreamError("the fragments end without a delimiter")
        mark, length = value[offset : offset + 4], struct.unpack_from("<I", value, offset + 4)[0]
        if mark == _DELIMITER:
            break
        if mark != _ITEM or offset + 8 + length > len(value):
            raise BrokenStreamError("a fragment reaches past the end of the file")
        starts.append(offset)
        items.append(value[offset + 8 : offset + 8 + length])
        offset += 8 + length
    if not items or len(items) == 1:
        raise BrokenStreamError("there is no coded frame")
    table, *fragments = items
    if frames == 1:
        return (b"".join(fragments),)
    if len(fragments) == frames:
        return tuple(fragments)
    return _by_offset_table(table, fragments, [start - starts[1] for start in starts[1:]], frames)


def _by_offset_table(table: bytes, fragments: list[bytes], starts: list[int], frames: int) -> tuple[bytes, ...]:
    if len(table) != 4 * frames:
        raise BrokenStreamError("the fragments do not make the announced number of frames, and no offset table does")
    firsts = struct.unpack(f"<{frames}I", table)
    try:
        cuts = [*(starts.index(first) for first in firsts), len(fragments)]
    except ValueError:
        raise BrokenStreamError("the offset table points between fragments") from None
    if cuts[0] != 0 or any(a >= b for a, b in itertools.pairwise(cuts)):
        raise BrokenStreamError("the offset table is not ascending")
    return tuple(b"".join(fragments[a:b]) for a, b in itertools.pairwise(cuts))
