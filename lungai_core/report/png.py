"""Grey and colour arrays as PNG bytes, the same bytes each time: thirty lines instead of an imaging library."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["png_bytes", "png_data_uri"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_FILTER_SUB = 1
# Filtered CT noise has runs but hardly a repeated pattern: to look for runs alone takes a sixth of the time of level 6
# and packs 4 to 8 % smaller.
_COMPRESSION_LEVEL, _MEMORY_LEVEL = 1, 9


def png_bytes(pixels: NDArray[np.uint8], /) -> bytes:
    """Encode an image as PNG.

    :implements: SRS-REPORT-003, SDS-REPORT-003

    Parameters
    ----------
    pixels
        ``(rows, columns)`` grey or ``(rows, columns, 3)`` RGB, uint8.

    Returns
    -------
    bytes
        A PNG of 8 bits a channel without ancillary chunks, so that no viewer applies a colour profile to it.
    """
    rows, columns = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else 3  # noqa: PLR2004  rows and columns alone: grey
    lines = pixels.reshape(rows, columns * channels)
    # Filter "Sub": each byte less its left neighbour of the same channel; CT noise packs a fifth smaller with it.
    filtered = lines.copy()
    filtered[:, channels:] -= lines[:, :-channels]
    body = np.concatenate([np.full((rows, 1), _FILTER_SUB, np.uint8), filtered], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", columns, rows, 8, _GREY if channels == 1 else _RGB, 0, 0, 0)
    packer = zlib.compressobj(_COMPRESSION_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY_LEVEL, zlib.Z_RLE)
    chunks = ((b"IHDR", header), (b"IDAT", packer.compress(body) + packer.flush()), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes, /) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_data_uri(pixels: NDArray[np.uint8], /) -> str:
    """Encode an image as a ``data:`` address that a page can hold.

    :implements: SRS-REPORT-003, SDS-REPORT-003

    Parameters
    ----------
    pixels
        As for :func:`png_bytes`.
    """
    return "data:image/png;base64," + base64.b64encode(png_bytes(pixels)).decode("ascii")
