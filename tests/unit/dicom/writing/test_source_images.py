from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from lungai_core.dicom.reader import read_ct_series
from lungai_core.dicom.source_images import SourceImages, read_source_images
from lungai_core.errors import SourceImagesError
from lungai_core.testing.phantom import PhantomSpec, make_phantom
from lungai_core.testing.series import write_phantom_series


@pytest.mark.verifies("SRS-DICOM-020", "RC-DICOM-020")
def test_a_reversed_order_of_images_is_refused(source):
    with pytest.raises(SourceImagesError, match="another slice's place"):
        SourceImages(dict(enumerate(reversed(source.headers.values()))), source.volume)


@pytest.mark.verifies("SRS-DICOM-020", "RC-DICOM-020")
@pytest.mark.parametrize(
    ("keyword", "value", "what"),
    [
        ("ImagePositionPatient", [0.0, 0.0, 0.02], "elsewhere"),
        ("ImageOrientationPatient", [1, 0, 0, 0, -1, 0], "orientation"),
        ("Rows", 47, "size"),
        ("SOPInstanceUID", "1.2.3", "place"),
    ],
)
def test_an_image_that_is_not_its_slice_is_refused(source, keyword, value, what):
    other = copy.deepcopy(source.headers[4])
    if keyword == "ImagePositionPatient":
        value = [a + b for a, b in zip(other.ImagePositionPatient, value, strict=True)]
    setattr(other, keyword, value)
    with pytest.raises(SourceImagesError, match=what) as caught:
        SourceImages({**source.headers, 4: other}, source.volume)
    assert caught.value.where.startswith("slice 5,")


@pytest.mark.verifies("SRS-DICOM-020")
def test_images_for_slices_that_are_not_there_and_none_for_the_first_are_refused(source):
    with pytest.raises(SourceImagesError, match="1 images are paired with no slice"):
        SourceImages({**source.headers, 16: source.headers[15]}, source.volume)
    with pytest.raises(SourceImagesError, match="first slice has no image"):
        SourceImages({4: source.headers[4]}, source.volume)


@pytest.fixture
def folder(tmp_path):
    spec = PhantomSpec(shape_zyx=(8, 32, 32), spacing_zyx_mm=(8.0, 9.0, 9.0), nodules=())
    return write_phantom_series(make_phantom(spec), tmp_path / "ct")


@pytest.mark.verifies("SRS-DICOM-020")
def test_the_images_of_a_result_are_found_among_other_files_in_any_order(folder, builders):
    volume = read_ct_series(folder)
    nodule = builders["nodule"](volume, "a", np.s_[2:4, 10:14, 8:12], slice_number=6)
    (folder / "notes.txt").write_text("no DICOM")
    (folder / "cut.dcm").write_bytes((folder / "0001.dcm").read_bytes()[:200])
    (folder / "more").mkdir()
    found = read_source_images(
        sorted(folder.rglob("*"), reverse=True), volume=volume, report=builders["report"](volume, (nodule,))
    )
    # The first slice, those of the mask, and the nodule's own.
    assert list(found.headers) == [0, 2, 3, 5]
    assert {z: header.SOPInstanceUID for z, header in found.headers.items()} == {
        z: volume.series.sop_instance_uids[z] for z in found.headers
    }


@pytest.mark.verifies("SRS-DICOM-020")
def test_an_image_of_the_volume_that_is_missing_is_named_also_where_the_result_does_not_speak_of_it(folder, nothing):
    volume = read_ct_series(folder)
    with pytest.raises(SourceImagesError, match="1 images of the volume are not among"):
        read_source_images(sorted(folder.glob("*.dcm"))[1:], volume=volume, report=nothing.report)


@pytest.mark.verifies("SRS-DICOM-020")
def test_an_image_that_has_become_unreadable_is_named(folder, nothing, monkeypatch):
    volume = read_ct_series(folder)
    monkeypatch.setattr("pydicom.dcmread", lambda *_, **__: 1 / 0)
    with pytest.raises(SourceImagesError, match="cannot be read") as caught:
        read_source_images(sorted(folder.glob("*.dcm")), volume=volume, report=nothing.report)
    assert caught.value.where == "slice 1"


@pytest.mark.verifies("SRS-DICOM-020")
def test_a_multi_frame_series_is_refused(source, nothing):
    series = source.volume.series.model_copy(update={"frame_numbers": tuple(range(1, 17))})
    with pytest.raises(SourceImagesError, match="multi-frame"):
        read_source_images([], volume=replace(source.volume, series=series), report=nothing.report)
