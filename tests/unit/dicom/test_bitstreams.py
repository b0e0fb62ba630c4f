from __future__ import annotations

import struct

import numpy as np
import pytest

from lungai_core.dicom.bitstreams import BrokenStreamError, inspect_jpeg, inspect_jpeg2000, inspect_rle
from lungai_core.dicom.fragments import split_frames
from lungai_core.dicom.jpeg_lossless import require_completely_decoded

SOC, EOC = b"\xff\x4f", b"\xff\xd9"


def segment(marker, body):
    return struct.pack(">HH", marker, len(body) + 2) + body


def siz(*, rows=4, columns=4, bits=0x8F, tile=4, step=1):
    sizes = struct.pack(">H8IH", 0, columns, rows, 0, 0, tile, tile, 0, 0, 1)
    return segment(0xFF51, sizes + bytes([bits, step, step]))


def cod(transform=1):
    return segment(0xFF52, bytes([0, 0, 0, 1, 0, 5, 4, 4, 0, transform]))


def sot(length):
    return segment(0xFF90, struct.pack(">HIBB", 0, length, 0, 1))


TILE = sot(12 + 4) + b"\xff\x93ab"
GOOD = SOC + siz() + cod() + TILE + EOC


@pytest.mark.verifies("SRS-DICOM-005")
def test_a_codestream_tells_its_size_precision_and_reversibility():
    facts = inspect_jpeg2000(GOOD + b"\0")
    assert (facts.rows, facts.columns, facts.components, facts.bits, facts.is_reversible) == (4, 4, 1, 16, True)
    assert not inspect_jpeg2000(GOOD.replace(cod(), cod(0))).is_reversible
    coc = segment(0xFF53, bytes([0, 0, 5, 4, 4, 0, 0]))
    assert not inspect_jpeg2000(GOOD.replace(cod(), cod() + coc)).is_reversible


@pytest.mark.verifies("SRS-DICOM-005")
def test_a_last_tile_part_may_reach_to_the_end_marker():
    assert inspect_jpeg2000(SOC + siz() + cod() + sot(0) + b"\xff\x93ab" + EOC).rows == 4


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\0\0\0\x0cjP  ",
        SOC,
        SOC + b"\xff\x51\0",
        SOC + b"\xff\x51\0\1",
        SOC + b"\0\x51\0\2",
        SOC + cod() + TILE + EOC,
        SOC + siz() + TILE + EOC,
        SOC + siz(tile=0) + cod() + TILE + EOC,
        SOC + siz(step=2) + cod() + TILE + EOC,
        SOC + segment(0xFF51, b"short") + cod() + TILE + EOC,
        GOOD[:-2],
        GOOD[:-4],
        SOC + siz() + cod() + sot(12 + 40) + b"\xff\x93ab" + EOC,
        SOC + siz() + cod() + sot(12 + 3) + b"\xff\x93ab" + EOC,
        SOC + siz() + cod() + sot(0) + b"\xff\x93ab",
    ],
)
def test_a_codestream_that_is_cut_or_contradicts_itself_is_broken(stream):
    with pytest.raises(BrokenStreamError):
        inspect_jpeg2000(stream)


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize(
    "damage",
    [
        lambda s: s[:-2],
        lambda s: b"\0" + s,
        lambda s: s.replace(b"\xff\xc3", b"\xff\xc0"),
        lambda s: s.replace(b"\xff\xc3", b"\xff\xc4"),
        lambda s: s.replace(b"\xff\xc3\0\x0b", b"\xff\xc3\0\x04"),
        lambda s: s[: s.index(b"\xff\xda")],
        lambda s: s.replace(b"\xff\xda\0\x08", b"\xff\xda\0\x04"),
    ],
)
def test_a_jpeg_stream_that_is_cut_or_of_another_process_is_broken(ct_series, damage):
    with pytest.raises(BrokenStreamError):
        inspect_jpeg(damage(ct_series.jpeg_lossless(np.zeros((4, 4), np.uint16), predictor=1)))


@pytest.mark.verifies("SRS-DICOM-004")
def test_a_point_transform_is_a_loss(ct_series):
    stream = ct_series.jpeg_lossless(np.zeros((4, 4), np.uint16), predictor=1)
    scan = bytes([1, 1, 0, 1, 0, 0])
    assert inspect_jpeg(stream).is_reversible
    assert not inspect_jpeg(stream.replace(scan, bytes([1, 1, 0, 1, 0, 2]))).is_reversible


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize("predictor", [1, 5])
def test_an_image_takes_as_many_bits_as_its_stream_holds(ct_series, predictor):
    values = np.random.default_rng(1).integers(0, 65536, (9, 11)).astype(np.uint16)
    values[4] = values[3] ^ 0x8000  # differences of 32768 have no further bits
    stream = ct_series.jpeg_lossless(values, predictor=predictor)
    require_completely_decoded(stream, values)
    shorter = stream[: len(stream) * 3 // 4] + b"\xff\xd9"
    with pytest.raises(BrokenStreamError, match="whole image"):
        require_completely_decoded(shorter, values)


@pytest.mark.verifies("SRS-DICOM-005")
@pytest.mark.parametrize("predictor", [2, 3, 4, 6, 7])
def test_every_predictor_of_the_standard_is_followed(ct_series, predictor):
    # A constant image is predicted exactly by each of them: one difference, then zeros.
    values = np.full((6, 7), 32768, np.uint16)
    stream = ct_series.jpeg_lossless(values, predictor=1).replace(
        bytes([1, 1, 0, 1, 0, 0]), bytes([1, 1, 0, predictor, 0, 0])
    )
    require_completely_decoded(stream, values)


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize(
    "damage",
    [
        lambda s: s.replace(bytes([1, 1, 0, 1, 0, 0]), bytes([1, 1, 0, 9, 0, 0])),
        lambda s: s.replace(bytes([1, 1, 0, 1, 0, 0]), bytes([1, 1, 16, 1, 0, 0])),
        lambda s: s.replace(b"\xff\xda", segment(0xFFDD, b"\0\x08") + b"\xff\xda", 1),
        lambda s: s.replace(bytes(range(17)), bytes(range(16)) + b"\x20"),
        lambda s: s.replace(bytes(range(17)), bytes(range(1, 17)) + b"\x01"),
    ],
)
def test_a_coding_that_cannot_be_followed_is_broken(ct_series, damage):
    values = np.full((6, 7), 32768, np.uint16)
    with pytest.raises(BrokenStreamError):
        require_completely_decoded(damage(ct_series.jpeg_lossless(values, predictor=1)), values)


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize(
    "header",
    [(1, 64, 0), (2, 60, 70), (2, 64, 64), (2, 64, 500), (3, 64, 70)],
)
def test_an_rle_header_of_anything_but_two_segments_is_broken(header):
    with pytest.raises(BrokenStreamError):
        inspect_rle(struct.pack("<16I", *header, *[0] * 13) + b"\0" * 20)


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
def test_an_rle_header_cut_short_is_broken():
    with pytest.raises(BrokenStreamError):
        inspect_rle(b"\0" * 63)


def item(value):
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


@pytest.mark.verifies("SRS-DICOM-005")
def test_fragments_make_frames_one_by_one_or_by_the_offset_table():
    assert split_frames(item(b"") + item(b"ab") + item(b"cd") + END, frames=1) == (b"abcd",)
    assert split_frames(item(b"") + item(b"ab") + item(b"cd") + END, frames=2) == (b"ab", b"cd")
    table = struct.pack("<2I", 0, 20)
    assert split_frames(item(table) + item(b"ab") + item(b"cd") + item(b"ef") + END, frames=2) == (b"abcd", b"ef")


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize(
    "value",
    [
        b"",
        item(b""),
        item(b"") + item(b"ab"),
        item(b"") + END,
        item(b"") + item(b"ab")[:-1],
        b"\0" * 16,
        item(struct.pack("<2I", 0, 21)) + item(b"ab") * 3 + END,
        item(struct.pack("<2I", 10, 20)) + item(b"ab") * 3 + END,
        item(struct.pack("<2I", 0, 0)) + item(b"ab") * 3 + END,
        item(b"") + item(b"ab") * 3 + END,
    ],
)
def test_fragments_that_do_not_make_the_announced_frames_are_broken(value):
    with pytest.raises(BrokenStreamError):
        split_frames(value, frames=2)
