"""Nodules' explanation maps as DICOM Parametric Maps in patient space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from lungai_core.dicom.result_codes import RESULT_CODES
from lungai_core.dicom.stamps import MANUFACTURER, load_highdicom, seal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lungai_core.dicom.source_images import SourceImages
    from lungai_core.dicom.stamps import ObjectStamp
    from lungai_core.domain.case_report import ExplanationMap, NoduleResult
    from lungai_core.domain.geometry import Geometry

__all__ = ["build_explanation_maps"]

_SERIES_NUMBER = 9003
_LEVELS = 255


@dataclass(frozen=True, slots=True, eq=False)
class _Explained:
    """A nodule with its map: its number in the result, the map's grid, and the nearest image of the series."""

    number: int
    nodule: NoduleResult
    explanation: ExplanationMap
    grid: Geometry
    nearest: Dataset


def build_explanation_maps(stamp: ObjectStamp, source: SourceImages, /) -> dict[str, Dataset]:
    """Build the Parametric Map of each nodule that has an explanation.

    :implements: SRS-DICOM-024, SDS-DICOM-024

    The quantity is Class activation (130402, DCM); a stored value times the slope of its real-world mapping is the
    share of the logit that a voxel of the map contributes, times the number of voxels.

    Parameters
    ----------
    stamp
        The result and the time of writing.
    source
        The checked images of the series.

    Returns
    -------
    dict
        Data sets by candidate identifier, in the order of the result; none for a nodule without an explanation. They
        share the elements in which they do not differ.

    Raises
    ------
    SourceImagesError
        If the result is one for another series than the images, or speaks of a slice whose image is not among them.
    """
    source.require_result(stamp.report)
    maps: dict[str, Dataset] = {}
    # highdicom takes 30 ms an object, and the maps of a case differ in a few places only: it builds a pattern for each
    # kind of grid, filed with the first image of the series, and the maps are made after it.
    patterns: dict[Geometry, tuple[Geometry, Dataset]] = {}
    for number, nodule in enumerate(stamp.report.nodules, start=1):
        if nodule.explanation is None:
            continue
        grid = nodule.explanation.grid.to_geometry()
        explained = _Explained(number, nodule, nodule.explanation, grid, source.header(nodule.slice_number - 1))
        kind = replace(grid, origin_lps_mm=(0.0, 0.0, 0.0))
        if kind not in patterns:
            patterns[kind] = (grid, _by_highdicom(explained, filed_with=source.header(0), stamp=stamp))
        maps[nodule.candidate_id] = _after(*patterns[kind], explained, stamp=stamp)
    return maps


def _by_highdicom(explained: _Explained, /, *, filed_with: Dataset, stamp: ObjectStamp) -> Dataset:
    highdicom = load_highdicom()
    grid = explained.grid
    mapping = highdicom.pm.RealWorldValueMapping(
        lut_label="ACTIVATION",
        lut_explanation="Class activation of malignancy",
        unit=RESULT_CODES["no_units"],
        value_range=(0, _LEVELS),
        intercept=0.0,
        slope=explained.explanation.scale / _LEVELS,
        quantity_definition=RESULT_CODES["class_activation"],
    )
    # One image of the series is the evidence; the frames have their own grid.
    parametric_map: Dataset = highdicom.pm.ParametricMap(
        source_images=[filed_with],
        pixel_array=_stored(explained),
        series_instance_uid=stamp.uid("explanation series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=_instance_uid(explained, stamp),
        instance_number=explained.number,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="lungai-core",
        software_versions=stamp.report.software.version,
        device_serial_number="NONE",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[highdicom.VOILUTTransformation(window_center=_LEVELS / 2, window_width=_LEVELS)],
        content_description="Explanation. NOT FOR CLINICAL USE.",
        content_label="EXPLANATION",
        pixel_measures=highdicom.PixelMeasuresSequence(
            pixel_spacing=[float(step) for step in grid.spacing_zyx_mm[1:]],
            slice_thickness=float(grid.spacing_zyx_mm[0]),
            spacing_between_slices=float(grid.spacing_zyx_mm[0]),
        ),
        plane_orientation=highdicom.PlaneOrientationSequence(
            coordinate_system=highdicom.CoordinateSystemNames.PATIENT,
            image_orientation=[*grid.axes_zyx_lps[2], *grid.axes_zyx_lps[1]],
        ),
        plane_positions=_plane_positions(grid),
        content_qualification=highdicom.ContentQualificationValues.RESEARCH,
    )
    if "BodyPartExamined" not in parametric_map:
        # Without a body part the standard asks for a laterality, which a map across the midline has not.
        parametric_map.BodyPartExamined = "CHEST"
    parametric_map.SeriesDescription = "Lung nodule explanation (not for clinical use)"
    return seal(parametric_map, stamp=stamp)


def _after(grid: Geometry, built: Dataset, explained: _Explained, /, *, stamp: ObjectStamp) -> Dataset:
    """Make a map after one that highdicom built for the same case, on a grid that lies elsewhere."""
    frames = built.PerFrameFunctionalGroupsSequence
    slices = [
        round(float(grid.index_from_lps(frame.PlanePositionSequence[0].ImagePositionPatient)[0])) for frame in frames
    ]
    positions = _plane_positions(explained.grid)
    shared = built.SharedFunctionalGroupsSequence[0]
    mapping = _changed(
        shared.RealWorldValueMappingSequence[0], RealWorldValueSlope=explained.explanation.scale / _LEVELS
    )
    image = _changed(built.SourceImageSequence[0], ReferencedSOPInstanceUID=explained.nearest.SOPInstanceUID)
    uid = UID(_instance_uid(explained, stamp))
    parametric_map = _changed(
        built,
        SOPInstanceUID=uid,
        InstanceNumber=explained.number,
        ReferencedSeriesSequence=[_changed(built.ReferencedSeriesSequence[0], ReferencedInstanceSequence=[image])],
        SourceImageSequence=[image],
        # Elements of their own, for seal to change.
        DimensionOrganizationSequence=[
            _changed(item, DimensionOrganizationUID=uid) for item in built.DimensionOrganizationSequence
        ],
        DimensionIndexSequence=[_changed(item, DimensionOrganizationUID=uid) for item in built.DimensionIndexSequence],
        SharedFunctionalGroupsSequence=[_changed(shared, RealWorldValueMappingSequence=[mapping])],
        PerFrameFunctionalGroupsSequence=[
            _changed(frame, PlanePositionSequence=positions[z]) for frame, z in zip(frames, slices, strict=True)
        ],
        PixelData=_stored(explained)[slices].astype("<u2").tobytes(),
    )
    parametric_map.file_meta = FileMetaDataset(_changed(built.file_meta, MediaStorageSOPInstanceUID=uid))
    return seal(parametric_map, stamp=stamp)


def _changed(dataset: Dataset, /, **values: object) -> Dataset:
    """Return a data set that shares another one's elements but for those that are named."""
    other = Dataset(dict(dataset.items()))
    for keyword, value in values.items():
        element = dataset[keyword]
        other[element.tag] = DataElement(element.tag, element.VR, value)
    return other


def _instance_uid(explained: _Explained, stamp: ObjectStamp, /) -> str:
    return stamp.uid(f"explanation instance {explained.nodule.candidate_id}")


def _stored(explained: _Explained, /) -> NDArray[np.uint16]:
    return np.asarray(explained.explanation.values, dtype=np.uint16).reshape(explained.grid.shape_zyx)


def _plane_positions(grid: Geometry, /) -> list[Sequence[Dataset]]:
    highdicom = load_highdicom()
    return [
        highdicom.PlanePositionSequence(
            coordinate_system=highdicom.CoordinateSystemNames.PATIENT,
            image_position=[float(value) for value in grid.lps_from_index((z, 0, 0))],
        )
        for z in range(grid.shape_zyx[0])
    ]
