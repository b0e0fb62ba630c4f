"""What a compressed frame says about itself, read from its markers before a decoder sees it.

Decoders return part of an image for a stream that ends early, and believe sizes that contradict the DICOM header. The
markers of JPEG (ISO 10918-1), JPEG-LS (ISO 14495-1) and JPEG 2000 (ISO 15444-1) tell both, and whether the coding is
lossless.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BrokenStreamError", "StreamFacts", "inspect_jpeg", "inspect_jpeg2000", "inspect_rle", "segments"]

_SOI, _EOI, _SOS = 0xFFD8, 0xFFD9, 0xFFDA
_SOF_LOSSLESS, _SOF_JPEG_LS = 0xFFC3, 0xFFF7
_NO_FRAME_HEADERS = frozenset({0xFFC4, 0xFFC8, 0xFFCC})
_SOC, _SIZ, _COD, _COC, _SOT, _EOC = 0xFF4F, 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFFD9
_RLE_HEADER_BYTES = 64
_RLE_SEGMENTS = 2


class BrokenStreamError(Exception):
    """A compressed frame is truncated or contradicts itself; the argument says how, without any value.

    :implements: SRS-DICOM-005, SDS-DICOM-005
    """


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """Size and precision of a coded frame, and whether its coding is reversible.

    :implements: SRS-DICOM-005, SDS-DICOM-005
    """

    rows: int
    columns: int
    components: int
    bits: int
    is_reversible: bool


def inspect_jpeg(stream: bytes, /) -> StreamFacts:
    """Read the markers of a JPEG lossless or JPEG-LS frame.

    :implements: SRS-DICOM-005, SDS-DICOM-005

    Raises
    ------
    BrokenStreamError
        If a marker is missing or the stream does not end with its end marker.
    """
    facts: tuple[int, int, int, int] | None = None
    process = 0
    last = b""
    for marker, body, _ in segments(stream):
        if marker in {_SOF_LOSSLESS, _SOF_JPEG_LS}:
            if len(body) < 6:
                raise BrokenStreamError("the frame header is too short")
            bits, rows, columns, components = struct.unpack_from(">BHHB", body)
            facts, process = (rows, columns, components, bits), marker
        elif 0xFFC0 <= marker <= 0xFFCF and marker not in _NO_FRAME_HEADERS:
            raise BrokenStreamError("the frame is coded by another JPEG process than its transfer syntax says")
        last = body
    if facts is None or len(last) < 6:
        raise BrokenStreamError("there is no frame header, or no scan header")
    _require_end(stream, _EOI)
    # The scan header ends with NEAR, ILV and the point transform in JPEG-LS; with predictor, 0 and the point transform
    # in JPEG lossless. A NEAR or a point transform other than 0 drops bits.
    loss = last[-3] if process == _SOF_JPEG_LS else last[-1] & 0x0F
    return StreamFacts(*facts, is_reversible=loss == 0)


def segments(stream: bytes, /) -> Iterator[tuple[int, bytes, int]]:
    """Yield marker, body and end of each segment of a JPEG stream, up to and with its first scan header.

    :implements: SRS-DICOM-005, SDS-DICOM-005

    Raises
    ------
    BrokenStreamError
        If the markers end before that.
    """
    offset = _after(stream, 0, _SOI)
    marker = 0
    while marker != _SOS:
        marker, body, offset = _segment(stream, offset)
        yield marker, body, offset


def inspect_jpeg2000(stream: bytes, /) -> StreamFacts:
    """Read the markers of a JPEG 2000 codestream, and step through its tile-parts to the end.

    :implements: SRS-DICOM-005, SDS-DICOM-005

    Raises
    ------
    BrokenStreamError
        If a marker is missing, or the lengths of the tile-parts do not lead to the end marker.
    """
    offset = _after(stream, 0, _SOC)
    facts: StreamFacts | None = None
    transforms = []
    while True:
        marker, body, next_offset = _segment(stream, offset)
        if marker == _SOT:
            break
        if marker == _SIZ:
            facts = _image_size(body)
        elif marker == _COD and len(body) > 9:
            transforms.append(body[9])
        elif marker == _COC and len(body) > 6:
            transforms.append(body[6])
        offset = next_offset
    if facts is None or not transforms:
        raise BrokenStreamError("the image size or coding style is not stated")
    _follow_tile_parts(stream, offset)
    reversible = all(transform == 1 for transform in transforms)
    return StreamFacts(facts.rows, facts.columns, facts.components, facts.bits, is_reversible=reversible)


def inspect_rle(stream: bytes, /) -> None:
    """Check the header of an RLE frame of 16-bit grey values: two segments, one behind the other.

    :implements: SRS-DICOM-005, SDS-DICOM-005

    Raises
    ------
    BrokenStreamError
        If it says anything else.
    """
    if len(stream) < _RLE_HEADER_BYTES:
        raise BrokenStreamError("the RLE header is too short")
    count, first, second, *rest = struct.unpack_from("<16I", stream)
    if count != _RLE_SEGMENTS or first != _RLE_HEADER_BYTES or not first < second < len(stream) or any(rest):
        raise BrokenStreamError("the RLE header does not describe two segments that follow each other")


def _image_size(body: bytes) -> StreamFacts:
    if len(body) < 39 - 2:  # Rsiz, eight sizes, Csiz, then three bytes a component
        raise BrokenStreamError("the image size marker is too short")
    width, height, left, top, tile_width, tile_height, _, _, components = struct.unpack_from(">8IH", body, 2)
    bits, step_x, step_y = body[36], body[37] if len(body) > 37 else 1, body[38] if len(body) > 38 else 1
    if tile_width == 0 or tile_height == 0 or step_x != 1 or step_y != 1:
        raise BrokenStreamError("tiles are empty, or the component is subsampled")
    return StreamFacts(height - top, width - left, components, (bits & 0x7F) + 1, is_reversible=True)


def _follow_tile_parts(stream: bytes, offset: int) -> None:
    while True:
        if len(stream) - offset < 2:
            raise BrokenStreamError("the tile-parts lead past the end of the stream")
        marker = int.from_bytes(stream[offset : offset + 2], "big")
        if marker == _EOC:
            return
        if marker != _SOT or len(stream) - offset < 12:
            raise BrokenStreamError("the length of a tile-part leads to no marker")
        length = struct.unpack_from(">I", stream, offset + 6)[0]
        if length == 0:  # allowed in the last tile-part: it reaches to the end marker
            _require_end(stream, _EOC)
            return
        offset += max(length, 12)


def _after(stream: bytes, offset: int, marker: int) -> int:
    if stream[offset : offset + 2] != marker.to_bytes(2, "big"):
        raise BrokenStreamError("the stream does not begin with its start marker")
    return offset + 2


def _segment(stream: bytes, offset: int) -> tuple[int, bytes, int]:
    """Return a marker, the body of its segment, and where the next one begins."""
    if len(stream) - offset < 4:
        raise BrokenStreamError("the stream ends before its coded data")
    marker, length = struct.unpack_from(">HH", stream, offset)
    stop = offset + 2 + length
    if marker < 0xFF01 or length < 2 or stop > len(stream):
        raise BrokenStreamError("a marker segment is broken")
    return marker, stream[offset + 4 : stop], stop


def _require_end(stream: bytes, marker: int) -> None:
    if not stream.rstrip(b"\0\xff").endswith(marker.to_bytes(2, "big")):
        raise BrokenStreamError("the stream does not end with its end marker")
