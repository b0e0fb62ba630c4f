from __future__ import annotations

import os
import tracemalloc

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from lungai_core.dicom.frames import WANTED_TAGS
from lungai_core.dicom.limits import ReadLimits
from lungai_core.dicom.part10 import inflate_file, read_elements
from lungai_core.dicom.reader import read_ct_series
from lungai_core.errors import DamagedFileError


def read(path, **limits):
    return read_elements(path, wanted=WANTED_TAGS, limits=ReadLimits(**limits))


@pytest.mark.verifies("SRS-DICOM-001", "SRS-DICOM-006")
@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 500, b"II*\0" + b"\1" * 200])
def test_a_file_that_is_no_dicom_is_passed_over(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert read(tmp_path / "x") is None


@pytest.mark.verifies("SRS-DICOM-006")
def test_a_data_set_without_preamble_is_refused_and_not_passed_over(tmp_path, ct_series):
    path = ct_series.write(ct_series.series_datasets(1), tmp_path)[0]
    content = path.read_bytes()
    path.write_bytes(content[content.index(b"\x08\0\x08\0CS") :])
    with pytest.raises(DamagedFileError, match="without the preamble"):
        read(path)


@pytest.mark.verifies("SRS-DICOM-006")
def test_a_header_longer_than_the_first_read_is_read_to_its_pixels(tmp_path, ct_series):
    def change(ds):
        ds.add_new(0x00091001, "UN", b"\1" * 200_000)

    path = ct_series.write(ct_series.series_datasets(1), tmp_path, change=change)[0]
    assert read(path).elements.pixels is not None
    with pytest.raises(DamagedFileError):
        read(path, max_header_bytes=20_000)


@pytest.mark.verifies("SRS-DICOM-006")
@pytest.mark.parametrize("length", [133, 140, 200, 260, 400, 600])
def test_a_header_cut_short_is_refused(tmp_path, ct_series, length):
    path = ct_series.write(ct_series.series_datasets(1), tmp_path)[0]
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedFileError):
        read(path)


@pytest.mark.verifies("SRS-DICOM-006")
def test_a_file_without_a_transfer_syntax_is_refused(tmp_path, ct_series):
    path = ct_series.write(ct_series.series_datasets(1), tmp_path)[0]
    path.write_bytes(path.read_bytes().replace(b"\x02\0\x10\0UI", b"\x02\0\x11\0UI"))
    with pytest.raises(DamagedFileError):
        read(path)


@pytest.mark.verifies("SRS-DICOM-006")
@pytest.mark.parametrize("damage", [lambda b: b[:500], lambda b: b[:400] + b"\xff" * 40 + b[440:]])
def test_a_broken_deflated_header_is_refused(tmp_path, ct_series, damage):
    ds = ct_series.compressed(ct_series.series_datasets(1)[0], DeflatedExplicitVRLittleEndian)
    path = ct_series.write([ds], tmp_path)[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedFileError):
        read(path)


@pytest.mark.verifies("SRS-DICOM-006")
def test_a_long_deflated_header_is_inflated_to_its_pixels(tmp_path, ct_series):
    ds = ct_series.compressed(ct_series.series_datasets(1)[0], DeflatedExplicitVRLittleEndian)
    ds.add_new(0x00091001, "UN", b"\1" * 200_000)
    path = ct_series.write([ds], tmp_path)[0]
    assert read(path).elements.pixels is not None


@pytest.mark.verifies("SRS-DICOM-006", "RC-DICOM-005")
def test_a_deflated_bomb_takes_no_more_memory_than_the_limit_of_headers(tmp_path, ct_series):
    ds = ct_series.compressed(ct_series.series_datasets(1)[0], DeflatedExplicitVRLittleEndian)
    ds.add_new(0x00091001, "UN", b"\0" * (64 << 20))
    path = ct_series.write([ds], tmp_path)[0]
    tracemalloc.start()
    with pytest.raises(DamagedFileError):
        read(path, max_header_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size < 1 << 18
    assert peak < 4 << 20


@pytest.mark.verifies("SRS-DICOM-006")
def test_inflating_a_file_without_a_header_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(DamagedFileError):
        inflate_file(tmp_path / "x", count=10)


@pytest.mark.verifies("SRS-DICOM-001", "SRS-DICOM-006")
def test_pipes_and_links_that_lead_nowhere_are_not_opened(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(3), tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert read_ct_series(tmp_path).geometry.shape_zyx[0] == 3


@pytest.mark.verifies("SRS-DICOM-006")
@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_refused(tmp_path, ct_series):
    path = ct_series.write(ct_series.series_datasets(2), tmp_path)[0]
    path.chmod(0)
    with pytest.raises(DamagedFileError, match="cannot be read"):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-006")
def test_a_file_that_vanishes_is_refused(tmp_path):
    with pytest.raises(DamagedFileError, match="No such file"):
        read(tmp_path / "gone")
