"""Nodule masks as a DICOM Segmentation: binary, one segment a nodule, empty frames left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lungai_core.dicom.result_codes import RESULT_CODES, algorithm_parameters
from lungai_core.dicom.stamps import MANUFACTURER, load_highdicom, seal
from lungai_core.domain.mask import box_voxels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from lungai_core.dicom.source_images import SourceImages
    from lungai_core.dicom.stamps import ObjectStamp
    from lungai_core.domain.case_report import NoduleResult
    from lungai_core.domain.mask import MaskBox

__all__ = ["build_segmentation", "segmented_nodules"]

_SERIES_NUMBER = 9001


def segmented_nodules(stamp: ObjectStamp, /) -> tuple[NoduleResult, ...]:
    """Return the nodules that have a mask, in the order of their segment numbers (from 1).

    :implements: SRS-DICOM-022, SDS-DICOM-022

    Parameters
    ----------
    stamp
        The result.
    """
    return tuple(nodule for nodule in stamp.report.nodules if nodule.mask is not None)


def build_segmentation(stamp: ObjectStamp, source: SourceImages, /) -> Dataset | None:
    """Build the Segmentation of a case.

    :implements: SRS-DICOM-022, SDS-DICOM-022

    Parameters
    ----------
    stamp
        The result and the time of writing.
    source
        The checked images of the series.

    Returns
    -------
    pydicom.Dataset or None
        ``None`` where no nodule has a mask: an empty Segmentation would hold every frame and say nothing.

    Raises
    ------
    SourceImagesError
        If the result is one for another series than the images, or speaks of a slice whose image is not among them.
    """
    source.require_result(stamp.report)
    nodules = segmented_nodules(stamp)
    if not nodules:
        return None
    highdicom = load_highdicom()
    slices, pixels = _frames(nodules, source)
    segmentation: Dataset = highdicom.seg.Segmentation(
        source_images=[source.header(z) for z in slices],
        pixel_array=pixels,
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(number, nodule, stamp) for number, nodule in enumerate(nodules, start=1)],
        series_instance_uid=stamp.uid("segmentation series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=stamp.uid("segmentation instance"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="lungai-core",
        software_versions=stamp.report.software.version,
        device_serial_number="NONE",
        content_description="Lung nodules. NOT FOR CLINICAL USE.",
        content_label="LUNG_NODULES",
        omit_empty_frames=True,
    )
    segmentation.SeriesDescription = "Lung nodule masks (not for clinical use)"
    return seal(segmentation, stamp=stamp)


def _frames(nodules: tuple[NoduleResult, ...], source: SourceImages, /) -> tuple[list[int], NDArray[np.uint8]]:
    """Paint the nodules on the slices that they touch: as labels, or as one layer each where two of them overlap."""
    boxes = [nodule.mask.box for nodule in nodules if nodule.mask is not None]
    slices = sorted({z for box in boxes for z in range(box.lower_zyx[0], box.lower_zyx[0] + box.shape_zyx[0])})
    labels = np.zeros((len(slices), *source.volume.geometry.shape_zyx[1:]), np.uint8)
    layers = [(_window(box, slices), box_voxels(box)) for box in boxes]
    for number, (window, inside) in enumerate(layers, start=1):
        if number > np.iinfo(np.uint8).max or labels[window][inside].any():
            return slices, _stacked(labels.shape, layers)
        labels[window][inside] = number
    return slices, labels


def _window(box: MaskBox, slices: list[int], /) -> tuple[slice, slice, slice]:
    first = slices.index(box.lower_zyx[0])
    (_, y, x), (depth, height, width) = box.lower_zyx, box.shape_zyx
    return slice(first, first + depth), slice(y, y + height), slice(x, x + width)


def _stacked(
    shape: tuple[int, ...], layers: list[tuple[tuple[slice, slice, slice], NDArray[np.bool_]]], /
) -> NDArray[np.uint8]:
    stack = np.zeros((*shape, len(layers)), np.uint8)
    for number, (window, inside) in enumerate(layers):
        stack[(*window, number)] = inside
    return stack


def _description(number: int, nodule: NoduleResult, stamp: ObjectStamp, /) -> Dataset:
    highdicom = load_highdicom()
    model = stamp.report.model
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=model.name,
        family=RESULT_CODES["artificial_intelligence"],
        version=model.version,
        source=MANUFACTURER,
        parameters=algorithm_parameters(model),
    )
    description: Dataset = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=f"Nodule {nodule.candidate_id}"[:64],
        segmented_property_category=RESULT_CODES["abnormality"],
        segmented_property_type=RESULT_CODES["nodule"],
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=stamp.uid(f"nodule {nodule.candidate_id}"),
        tracking_id=f"Nodule {nodule.candidate_id}"[:64],
        anatomic_regions=[RESULT_CODES["lung"]],
    )
    return description
