from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pydicom
import pytest

from lungai_core.dicom.parametric_map import build_explanation_maps
from lungai_core.dicom.reader import read_ct_series
from lungai_core.dicom.secondary_capture import build_secondary_capture
from lungai_core.dicom.segmentation import build_segmentation
from lungai_core.dicom.source_images import SourceImages, read_source_images
from lungai_core.dicom.structured_report import ReportReferences, build_structured_report
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
def test_the_images_read_are_the_first_those_of_the_masks_and_those_of_the_nodules(folder, builders):
    volume = read_ct_series(folder)
    nodule = builders["nodule"](volume, "a", np.s_[2:4, 10:14, 8:12], slice_number=6)
    found = read_source_images(volume, report=builders["report"](volume, (nodule,)))
    uids = volume.series.sop_instance_uids
    assert {z: header.SOPInstanceUID for z, header in found.headers.items()} == {z: uids[z] for z in (0, 2, 3, 5)}


@pytest.mark.verifies("SRS-DICOM-020")
def test_a_file_that_holds_another_image_now_or_is_gone_is_refused(folder, nothing):
    volume = read_ct_series(folder)
    first, second, *_ = volume.files
    first.write_bytes(second.read_bytes())
    with pytest.raises(SourceImagesError, match="another slice's place"):
        read_source_images(volume, report=nothing.report)
    first.unlink()
    with pytest.raises(SourceImagesError, match="cannot be read any more") as caught:
        read_source_images(volume, report=nothing.report)
    assert caught.value.where == "slice 1"


@pytest.mark.verifies("SRS-DICOM-020")
def test_a_result_for_another_volume_is_refused(folder, builders):
    volume = read_ct_series(folder)
    nodule = builders["nodule"](volume, "a", np.s_[:0], slice_number=9)
    with pytest.raises(SourceImagesError, match="slices that the volume has not") as caught:
        read_source_images(volume, report=builders["report"](volume, (nodule,)))
    assert caught.value.where == "slice 9"


@pytest.mark.verifies("SRS-DICOM-020")
def test_a_volume_that_was_not_read_from_files_has_no_images(source, nothing):
    with pytest.raises(SourceImagesError, match="not read from files"):
        read_source_images(source.volume, report=nothing.report)


@pytest.mark.verifies("SRS-DICOM-020")
def test_the_result_of_another_series_is_refused(folder, nothing):
    volume = read_ct_series(folder)
    series = volume.series.model_copy(update={"series_instance_uid": "2.25.1"})
    with pytest.raises(SourceImagesError, match="another series than the images"):
        read_source_images(replace(volume, series=series), report=nothing.report)


@pytest.mark.verifies("SRS-DICOM-020")
def test_enhanced_ct_is_refused_also_where_an_object_has_one_frame(source, nothing):
    series = source.volume.series.model_copy(update={"sop_class_uid": "1.2.840.10008.5.1.4.1.1.2.1"})
    with pytest.raises(SourceImagesError, match="multi-frame"):
        read_source_images(replace(source.volume, series=series), report=nothing.report)


@pytest.mark.verifies("SRS-DICOM-020")
@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "Rows", "ImagePositionPatient", "ImageOrientationPatient"])
def test_an_image_that_has_lost_what_places_it_is_refused(source, keyword):
    other = copy.deepcopy(source.headers[4])
    delattr(other, keyword)
    with pytest.raises(SourceImagesError) as caught:
        SourceImages({**source.headers, 4: other}, source.volume)
    assert caught.value.where.startswith("slice 5,")


@pytest.mark.verifies("SRS-DICOM-020")
@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient"])
@pytest.mark.parametrize("value", [None, 0.0, [0.0, 1.0]])
def test_an_image_whose_place_is_not_whole_is_refused(source, keyword, value):
    other = copy.deepcopy(source.headers[4])
    setattr(other, keyword, value)
    with pytest.raises(SourceImagesError) as caught:
        SourceImages({**source.headers, 4: other}, source.volume)
    assert caught.value.where.startswith("slice 5,")


@pytest.mark.verifies("SRS-DICOM-020", "SRS-DICOM-022", "SRS-DICOM-023", "SRS-DICOM-024", "SRS-DICOM-026")
def test_an_object_is_not_built_without_the_images_that_its_result_speaks_of(source, stamp):
    first = SourceImages({0: source.headers[0]}, source.volume)
    for build in _builders(stamp):
        with pytest.raises(SourceImagesError, match="image of a slice that the result speaks of is missing"):
            build(stamp, first)


def _builders(stamp):
    return (
        build_segmentation,
        build_explanation_maps,
        partial(build_structured_report, references=ReportReferences(None, {})),
        partial(build_secondary_capture, nodule=stamp.report.nodules[0]),
    )


@pytest.mark.verifies("SRS-DICOM-020", "SRS-DICOM-022", "SRS-DICOM-023", "SRS-DICOM-024", "SRS-DICOM-026")
@pytest.mark.parametrize("identity", ["another", "none"])
def test_no_object_is_filed_with_the_images_of_another_series(source, stamp, identity):
    other = stamp.report.input.model_copy(update={"series_instance_uid": "2.25.1"}) if identity == "another" else None
    foreign = replace(stamp, report=stamp.report.model_copy(update={"input": other}))
    for build in _builders(stamp):
        with pytest.raises(SourceImagesError, match="another series"):
            build(foreign, source)


@pytest.mark.verifies("SRS-DICOM-020", "SRS-DICOM-022", "SRS-DICOM-023")
@pytest.mark.parametrize("change", ["empty", "absent"])
def test_images_that_say_nothing_of_their_thickness_have_objects_too(folder, builders, nothing, change):
    for path in folder.glob("*.dcm"):
        image = pydicom.dcmread(path)
        image.SliceThickness = image.SpacingBetweenSlices = None
        if change == "absent":
            del image.SliceThickness, image.SpacingBetweenSlices
        image.save_as(path)
    volume = read_ct_series(folder)
    nodule = builders["nodule"](volume, "a", np.s_[2:4, 10:14, 8:12])
    stamp = replace(nothing, report=builders["report"](volume, (nodule,)))
    source = read_source_images(volume, report=stamp.report)
    segmentation = build_segmentation(stamp, source)
    document = build_structured_report(stamp, source, references=ReportReferences(segmentation, {}))
    assert segmentation.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness == 8.0
    assert document.SOPInstanceUID == stamp.uid("report instance")
