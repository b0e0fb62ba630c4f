"""The element structure of a DICOM data set, as positions in its bytes: nothing is decoded, nothing is copied."""

from __future__ import annotations

import mmap
import struct
import zlib
from typing import NamedTuple, TypeAlias

from lungai_core.errors import CorruptDicomError

__all__ = [
    "BIG_ENDIAN",
    "EXPLICIT",
    "IMPLICIT",
    "LONG_VRS",
    "Buffer",
    "Element",
    "Encoding",
    "FileMeta",
    "encode_element",
    "encode_item",
    "forget_pages",
    "index_elements",
    "index_items",
    "parse_element",
    "read_meta",
]

Buffer: TypeAlias = "bytes | mmap.mmap"

LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT_VRS = frozenset(
    {
        b"AE",
        b"AS",
        b"AT",
        b"CS",
        b"DA",
        b"DS",
        b"DT",
        b"FD",
        b"FL",
        b"IS",
        b"LO",
        b"LT",
        b"PN",
        b"SH",
        b"SL",
        b"SS",
        b"ST",
    }
    | {b"TM", b"UI", b"UL", b"US"}
)
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_DATA = 0x7FE00010
_DELIMITER_GROUP = 0xFFFE
_DEEPEST = 32
_PREAMBLE_BYTES, _META_START = 128, 132
_LARGEST_INFLATED = 1 << 31
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN_SYNTAX = "1.2.840.10008.1.2.2"
_IMPLICIT_SYNTAX = "1.2.840.10008.1.2"


class Encoding(NamedTuple):
    """How elements are written: with or without VR, and in which byte order (``<`` or ``>``).

    :implements: SRS-DEID-011, SDS-DEID-005
    """

    explicit: bool
    order: str


EXPLICIT = Encoding(explicit=True, order="<")
IMPLICIT = Encoding(explicit=False, order="<")
BIG_ENDIAN = Encoding(explicit=True, order=">")


class Element(NamedTuple):
    """One element: tag, VR as written (empty in implicit VR), and where it starts, its value starts, and it stops.

    :implements: SRS-DEID-011, SDS-DEID-005
    """

    tag: int
    vr: bytes
    start: int
    value: int
    stop: int
    undefined: bool


class FileMeta(NamedTuple):
    """What the file meta information says, and where the data set starts.

    :implements: SRS-DEID-011, SDS-DEID-005
    """

    sop_class_uid: str
    transfer_syntax_uid: str
    private: tuple[bytes, ...]
    data: Buffer
    start: int
    encoding: Encoding
    deflated: bool


def read_meta(data: Buffer, /) -> FileMeta:
    """Read preamble and file meta information; a deflated data set is inflated.

    :implements: SRS-DEID-011, SDS-DEID-005

    Parameters
    ----------
    data
        The whole file.

    Returns
    -------
    FileMeta
        The texts in the meta information that must not survive are in ``private``.

    Raises
    ------
    CorruptDicomError
        If it is no DICOM file, or its meta information is broken.
    """
    if data[_PREAMBLE_BYTES:_META_START] != b"DICM":
        raise _corrupt("The file is no DICOM Part 10 file.", _PREAMBLE_BYTES)
    values: dict[int, bytes] = {}
    position = _META_START
    while position + 8 <= len(data) and data[position : position + 2] == b"\x02\x00":
        element = _element_at(data, position, len(data), EXPLICIT, 0)
        values[element.tag] = bytes(data[element.value : element.stop])
        position = element.stop
    syntax = _uid(values.get(0x00020010, b""))
    if not syntax:
        raise _corrupt("The file meta information names no transfer syntax.", position)
    private = tuple(
        part
        for tag, value in values.items()
        if tag in (0x00020016, 0x00020017, 0x00020018, 0x00020026, 0x00020027, 0x00020028, 0x00020102)
        for part in (value.strip(b" \0"),)
        if part
    )
    encoding = {_IMPLICIT_SYNTAX: IMPLICIT, _BIG_ENDIAN_SYNTAX: BIG_ENDIAN}.get(syntax, EXPLICIT)
    sop_class = _uid(values.get(0x00020002, b""))
    if syntax == _DEFLATED:
        return FileMeta(sop_class, syntax, private, _inflate(data, position), 0, encoding, deflated=True)
    return FileMeta(sop_class, syntax, private, data, position, encoding, deflated=False)


def index_elements(
    data: Buffer, start: int, end: int, encoding: Encoding, /, *, depth: int = 0
) -> tuple[list[Element], int]:
    """List the elements of a data set or item.

    :implements: SRS-DEID-011, SDS-DEID-005

    Parameters
    ----------
    data
        The bytes.
    start
        Where the first element stands.
    end
        Where the data set stops at the latest; an item delimiter stops it earlier.
    encoding
        How elements are written.
    depth
        0 at the top level, which alone may have bytes after its last element.

    Returns
    -------
    tuple
        The elements in ascending order of tag, and the position behind the last one, delimiter included. At the top
        level whatever follows the pixel data and is no element is left out.

    Raises
    ------
    CorruptDicomError
        If an element reaches beyond its data set, tags do not ascend, a VR is unknown or the nesting exceeds 32 levels.
    """
    elements: list[Element] = []
    position, last = start, -1
    if encoding is EXPLICIT:
        position, last = _index_plain(data, start, end, elements)
    while position < end:
        try:
            element = _element_at(data, position, end, encoding, depth)
            if element.tag == _ITEM_END and depth:
                return elements, element.stop
            if element.tag <= last:
                raise _corrupt("The tags do not ascend.", position)
        except CorruptDicomError:
            if depth == 0 and last >= _PIXEL_DATA:
                return elements, position
            raise
        last = element.tag
        elements.append(element)
        position = element.stop
    return elements, position


def parse_element(data: Buffer, position: int, encoding: Encoding, /) -> Element:
    """Read the head of the one element that starts at a position of the top level.

    :implements: SRS-DEID-011, SDS-DEID-005

    Parameters
    ----------
    data
        The bytes.
    position
        Where the element starts.
    encoding
        How it is written.

    Raises
    ------
    CorruptDicomError
        If no whole element stands there.
    """
    return _element_at(data, position, len(data), encoding, 0)


def index_items(data: Buffer, element: Element, encoding: Encoding, /) -> list[tuple[int, int, int]]:
    """List the items of a sequence as (start of the item, start of its data set, end of its data set).

    :implements: SRS-DEID-011, SDS-DEID-005

    Parameters
    ----------
    data
        The bytes.
    element
        The sequence.
    encoding
        How the elements in the items are written.

    Raises
    ------
    CorruptDicomError
        If something else than an item stands in the sequence.
    """
    items, _ = _walk_items(data, element.value, element.stop, encoding, 1)
    return items


def encode_element(tag: int, vr: bytes, value: bytes, encoding: Encoding, /) -> bytes:
    """Write one element.

    :implements: SRS-DEID-011, SDS-DEID-005

    Parameters
    ----------
    tag
        The attribute as a 32-bit number.
    vr
        The two letters of the VR.
    value
        The value; a missing padding byte is added.
    encoding
        How elements are written.
    """
    if len(value) % 2:
        value += b"\0" if vr in (b"UI", b"OB", b"UN") else b" "
    group, number, order = tag >> 16, tag & 0xFFFF, encoding.order
    if not encoding.explicit:
        return struct.pack("<HHL", group, number, len(value)) + value
    if vr in LONG_VRS:
        return struct.pack(f"{order}HH2sHL", group, number, vr, 0, len(value)) + value
    return struct.pack(f"{order}HH2sH", group, number, vr, len(value)) + value


def encode_item(body: bytes, encoding: Encoding, /) -> bytes:
    """Write an item of defined length.

    :implements: SRS-DEID-011, SDS-DEID-005

    Parameters
    ----------
    body
        The encoded elements of the item.
    encoding
        How elements are written.
    """
    return struct.pack(f"{encoding.order}HHL", 0xFFFE, 0xE000, len(body)) + body


def _index_plain(data: Buffer, position: int, end: int, elements: list[Element]) -> tuple[int, int]:
    # The common case without a call per element: explicit VR, little endian, defined length, ascending tags. It stops
    # in front of the first element that is anything else, and the general walk goes on from there.
    head, length_at, last = _HEADS["<"], _LENGTHS["<"], -1
    add, limit, make = elements.append, end - 12, tuple.__new__
    while position <= limit:
        group, number, vr, length = head(data, position)
        tag = group << 16 | number
        if vr in _SHORT_VRS:
            value = position + 8
        elif vr in LONG_VRS:
            value = position + 12
            (length,) = length_at(data, position + 8)
        else:
            break
        stop = value + length
        if tag <= last or stop > end or length == _UNDEFINED:
            break
        add(make(Element, (tag, vr, position, value, stop, False)))
        last, position = tag, stop
    return position, last


def forget_pages(data: object, /) -> None:
    """Take the pages of a memory map out of this process; the next access reads them again.

    :implements: SRS-DEID-011, SDS-DEID-006

    Parameters
    ----------
    data
        A memory map; anything else is left alone.
    """
    # Windows has neither the call nor the constant; there the system trims the working set by itself.
    if isinstance(data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED)


def _element_at(data: Buffer, position: int, end: int, encoding: Encoding, depth: int) -> Element:
    if position + 8 > end:
        raise _corrupt("An element header is cut off.", position)
    if encoding.explicit:
        tag, vr, length, value = _explicit_head(data, position, end, encoding.order)
    else:
        group, number, length = _IMPLICIT_HEAD(data, position)
        tag, vr, value = group << 16 | number, b"", position + 8
    if length == _UNDEFINED:
        element = Element(tag, vr, position, value, end, undefined=True)
        return element._replace(stop=_end_of_undefined(data, element, encoding, depth))
    if value + length > end:
        raise _corrupt("An element is longer than what is left of the data set.", position)
    return Element(tag, vr, position, value, value + length, undefined=False)


def _explicit_head(data: Buffer, position: int, end: int, order: str) -> tuple[int, bytes, int, int]:
    group, number, vr, length = _HEADS[order](data, position)
    tag, value = group << 16 | number, position + 8
    if vr in LONG_VRS:
        if value + 4 > end:
            raise _corrupt("An element header is cut off.", position)
        (length,) = _LENGTHS[order](data, value)
        return tag, vr, length, value + 4
    if vr in _SHORT_VRS:
        return tag, vr, length, value
    if group != _DELIMITER_GROUP:
        raise _corrupt("An element has a VR that DICOM does not know.", position)
    (length,) = _LENGTHS[order](data, position + 4)
    return tag, b"", length, value


_HEADS = {order: struct.Struct(f"{order}HH2sH").unpack_from for order in "<>"}
_LENGTHS = {order: struct.Struct(f"{order}L").unpack_from for order in "<>"}
_ITEM_HEADS = {order: struct.Struct(f"{order}HHL").unpack_from for order in "<>"}
_IMPLICIT_HEAD = struct.Struct("<HHL").unpack_from


def _end_of_undefined(data: Buffer, element: Element, encoding: Encoding, depth: int) -> int:
    tag, vr, value, end = element.tag, element.vr, element.value, element.stop
    if vr in (b"OB", b"OW") or (tag == _PIXEL_DATA and encoding.explicit):
        return _end_of_fragments(data, value, end)
    if vr in (b"SQ", b"UN", b""):
        # PS3.5 6.2.2: a sequence of unknown VR is written in implicit VR, little endian.
        _, stop = _walk_items(data, value, end, IMPLICIT if vr == b"UN" else encoding, depth + 1)
        return stop
    raise _corrupt("An element of undefined length is no sequence.", value)


def _end_of_fragments(data: Buffer, position: int, end: int) -> int:
    while position + 8 <= end:
        group, number, length = _IMPLICIT_HEAD(data, position)
        tag = group << 16 | number
        position += 8
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM or position + length > end:
            raise _corrupt("The compressed pixel data are cut off.", position)
        position += length
    raise _corrupt("The compressed pixel data have no end.", position)


def _walk_items(
    data: Buffer, position: int, end: int, encoding: Encoding, depth: int
) -> tuple[list[tuple[int, int, int]], int]:
    if depth > _DEEPEST:
        raise _corrupt(f"Sequences are nested deeper than {_DEEPEST} levels.", position)
    items: list[tuple[int, int, int]] = []
    while position + 8 <= end:
        start = position
        group, number, length = _ITEM_HEADS[encoding.order](data, position)
        tag = group << 16 | number
        position += 8
        if tag == _SEQUENCE_END:
            return items, position
        if tag != _ITEM:
            raise _corrupt("Something else than an item stands in a sequence.", start)
        if length == _UNDEFINED:
            _, stop = index_elements(data, position, end, encoding, depth=depth)
            items.append((start, position, stop))
            position = stop
        elif position + length > end:
            raise _corrupt("An item is longer than its sequence.", start)
        else:
            items.append((start, position, position + length))
            position += length
    if position != end:
        raise _corrupt("A sequence is cut off.", position)
    return items, position


def _inflate(data: Buffer, start: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(data[start:], _LARGEST_INFLATED)
    except zlib.error as error:
        raise _corrupt("The deflated data set cannot be inflated.", start) from error
    if not inflater.eof:
        raise _corrupt(f"The deflated data set is cut off, or larger than {_LARGEST_INFLATED} bytes.", start)
    return content


def _uid(value: bytes) -> str:
    return value.decode("ascii", "replace").strip(" \0")


def _corrupt(what: str, position: int) -> CorruptDicomError:
    return CorruptDicomError(
        what,
        where=f"byte {position}",
        allowed="a DICOM Part 10 file after PS3.10 and PS3.5",
        remedy="Fetch the file again from its source; a file that cannot be read to its end is not de-identified.",
    )
