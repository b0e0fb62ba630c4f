from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from lungai_core.dicom.reader import read_ct_series
from lungai_core.dicom.source_images import SourceImages, read_source_images
from lungai_core.errors import SourceImagesError
from lungai_core.testing.phantom import PhantomSpec, make_phantom
from lungai_core.testing.series import write_phantom_series


@pytest.mark.verifies("SRS-DICOM-020", "RC-DICOM-020")
def test_a_reversed_list_of_images_is_refused(source):
    with pytest.raises(SourceImagesError, match="another slice's place"):
        SourceImages(source.headers[::-1], source.volume)


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
        SourceImages((*source.headers[:4], other, *source.headers[5:]), source.volume)
    assert caught.value.where.startswith("slice 5,")


@pytest.mark.verifies("SRS-DICOM-020")
def test_a_list_of_another_length_is_refused(source):
    with pytest.raises(SourceImagesError, match="15 images"):
        SourceImages(source.headers[:-1], source.volume)


@pytest.mark.verifies("SRS-DICOM-020")
def test_the_images_of_a_series_are_found_among_other_files_in_any_order(tmp_path):
    spec = PhantomSpec(shape_zyx=(6, 32, 32), spacing_zyx_mm=(8.0, 9.0, 9.0), nodules=())
    folder = write_phantom_series(make_phantom(spec), tmp_path / "ct")
    volume = read_ct_series(folder)
    (folder / "notes.txt").write_text("no DICOM")
    (folder / "more").mkdir()
    found = read_source_images(sorted(folder.rglob("*"), reverse=True), volume=volume)
    assert tuple(header.SOPInstanceUID for header in found.headers) == volume.series.sop_instance_uids
    with pytest.raises(SourceImagesError, match="1 images of the volume are not among"):
        read_source_images(sorted(folder.glob("*.dcm"))[1:], volume=volume)


@pytest.mark.verifies("SRS-DICOM-020")
def test_a_multi_frame_series_is_refused(source):
    series = source.volume.series.model_copy(update={"frame_numbers": tuple(range(1, 17))})
    with pytest.raises(SourceImagesError, match="multi-frame"):
        read_source_images([], volume=replace(source.volume, series=series))
