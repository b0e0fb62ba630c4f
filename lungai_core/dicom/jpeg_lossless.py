"""Whether a JPEG lossless frame was decoded to its end.

The decoder at hand fills what a cut stream lacks and says nothing. But a decoded image tells how many bits its coding
takes: the differences to its predictions, each with the length of its Huffman code (ISO 10918-1, annex H). If that is
not the length of the coded data, the image is not what was coded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.dicom.bitstreams import BrokenStreamError, segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["require_completely_decoded"]

_DHT, _SOF_LOSSLESS, _DRI, _SOS = 0xFFC4, 0xFFC3, 0xFFDD, 0xFFDA
_CODE_LENGTHS = 16
_CATEGORIES = 17
_MODULUS = 1 << 16
_BITS_A_BYTE = 8


@dataclass(frozen=True, slots=True, eq=False)
class _Coding:
    """How the samples of a frame were coded. ``lengths`` is the code length of each category, 0 for those without."""

    bits: int
    predictor: int
    lengths: NDArray[np.int64]
    data_bytes: int


def require_completely_decoded(stream: bytes, values: NDArray[np.integer], /) -> None:
    """Raise unless the coding of an image takes as many bits as its stream holds.

    :implements: SRS-DICOM-005, SDS-DICOM-005

    Parameters
    ----------
    stream
        A JPEG lossless frame of one component.
    values
        ``(y, x)`` what the decoder made of it.

    Raises
    ------
    BrokenStreamError
        If the lengths differ, or the coding cannot be followed.
    """
    coding = _coding(stream)
    samples = values.astype(np.int64) & ((1 << coding.bits) - 1)
    differences = (samples - _predictions(samples, coding)) % _MODULUS
    categories = _category_of_difference()[differences]
    counts = np.bincount(categories.ravel(), minlength=_CATEGORIES)
    extra = np.arange(_CATEGORIES)
    extra[16] = 0  # a difference of 32768 has no further bits
    if np.any((coding.lengths == 0) & (counts > 0)):
        raise BrokenStreamError("the decoded image holds differences that its Huffman table cannot code")
    bits = int(np.dot(counts, coding.lengths + extra))
    if -(-bits // _BITS_A_BYTE) != coding.data_bytes:
        raise BrokenStreamError("the coded data do not make the whole image")


def _coding(stream: bytes) -> _Coding:
    tables: dict[int, NDArray[np.int64]] = {}
    bits = 0
    for marker, body, end in segments(stream):
        if marker == _DHT:
            tables |= _huffman_lengths(body)
        elif marker == _SOF_LOSSLESS:
            bits = body[0]
        elif marker == _DRI and any(body):
            raise BrokenStreamError("restart intervals are not read")
        elif marker == _SOS:
            if len(body) < 6 or body[2] >> 4 not in tables or not 1 <= body[3] <= 7:
                raise BrokenStreamError("the scan names no Huffman table or no predictor")
            return _Coding(bits, body[3], tables[body[2] >> 4], _coded_bytes(stream, end))
    raise AssertionError("segments end with the scan")


def _coded_bytes(stream: bytes, begin: int) -> int:
    """Return the number of coded bytes, without those that are stuffed behind 0xFF."""
    coded = stream[begin : stream.rindex(b"\xff\xd9")]
    return len(coded) - coded.count(b"\xff\x00")


def _huffman_lengths(body: bytes) -> dict[int, NDArray[np.int64]]:
    tables = {}
    while len(body) > _CODE_LENGTHS:
        counts = struct.unpack_from(f"{_CODE_LENGTHS}B", body, 1)
        symbols = body[1 + _CODE_LENGTHS : 1 + _CODE_LENGTHS + sum(counts)]
        lengths = np.zeros(_CATEGORIES, dtype=np.int64)
        spelt = np.repeat(np.arange(1, _CODE_LENGTHS + 1), counts)
        if len(symbols) < spelt.size or any(symbol >= _CATEGORIES for symbol in symbols):
            raise BrokenStreamError("a Huffman table is broken")
        lengths[list(symbols)] = spelt
        tables[body[0]] = lengths
        body = body[1 + _CODE_LENGTHS + sum(counts) :]
    return tables


def _predictions(samples: NDArray[np.int64], coding: _Coding) -> NDArray[np.int64]:
    predicted = np.empty_like(samples)
    predicted[1:, 1:] = _guess(samples[1:, :-1], samples[:-1, 1:], samples[:-1, :-1], coding.predictor)
    predicted[0, 1:] = samples[0, :-1]
    predicted[1:, 0] = samples[:-1, 0]
    predicted[0, 0] = 1 << coding.bits - 1
    return predicted


def _guess(
    left: NDArray[np.int64], above: NDArray[np.int64], corner: NDArray[np.int64], predictor: int
) -> NDArray[np.int64]:
    """Return the prediction of selection value 1 to 7 (table H.1)."""
    return (
        left,
        above,
        corner,
        left + above - corner,
        left + ((above - corner) >> 1),
        above + ((left - corner) >> 1),
        (left + above) >> 1,
    )[predictor - 1]


def _category_of_difference() -> NDArray[np.int64]:
    """Return, for each difference modulo 65536, the number of bits of its magnitude."""
    signed = np.arange(_MODULUS)
    magnitude = np.where(signed < _MODULUS // 2, signed, _MODULUS - signed)
    categories: NDArray[np.int64] = np.ceil(np.log2(magnitude + 1)).astype(np.int64)
    return categories
