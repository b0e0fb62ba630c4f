"""A nodule's explanation map as a DICOM Parametric Map in patient space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lungai_core.dicom.result_codes import RESULT_CODES
from lungai_core.dicom.stamps import MANUFACTURER, load_highdicom, seal

if TYPE_CHECKING:
    from pydicom import Dataset

    from lungai_core.dicom.source_images import SourceImages
    from lungai_core.dicom.stamps import ObjectStamp
    from lungai_core.domain.case_report import NoduleResult

__all__ = ["build_explanation_map"]

_SERIES_NUMBER = 9003
_LEVELS = 255


def build_explanation_map(stamp: ObjectStamp, source: SourceImages, /, *, nodule: NoduleResult) -> Dataset | None:
    """Build the Parametric Map of one nodule's explanation.

    :implements: SRS-DICOM-024, SDS-DICOM-024

    The quantity is Class activation (130402, DCM); a stored value times the slope of its real-world mapping is the
    share of the logit that a voxel of the map contributes, times the number of voxels.

    Parameters
    ----------
    stamp
        The result and the time of writing.
    source
        The checked images of the series.
    nodule
        A nodule of the result.

    Returns
    -------
    pydicom.Dataset or None
        ``None`` where the nodule has no map.
    """
    explanation = nodule.explanation
    if explanation is None:
        return None
    highdicom = load_highdicom()
    grid = explanation.grid.to_geometry()
    number = [other.candidate_id for other in stamp.report.nodules].index(nodule.candidate_id) + 1
    orientation = [*grid.axes_zyx_lps[2], *grid.axes_zyx_lps[1]]
    positions = [
        highdicom.PlanePositionSequence(
            coordinate_system=highdicom.CoordinateSystemNames.PATIENT,
            image_position=[float(value) for value in grid.lps_from_index((z, 0, 0))],
        )
        for z in range(grid.shape_zyx[0])
    ]
    mapping = highdicom.pm.RealWorldValueMapping(
        lut_label="ACTIVATION",
        lut_explanation="Class activation of malignancy",
        unit=RESULT_CODES["no_units"],
        value_range=(0, _LEVELS),
        intercept=0.0,
        slope=explanation.scale / _LEVELS,
        quantity_definition=RESULT_CODES["class_activation"],
    )
    # Each object gets its own image of the series nearest to the nodule as evidence; the frames have their own grid.
    nearest = source.headers[nodule.slice_number - 1]
    parametric_map: Dataset = highdicom.pm.ParametricMap(
        source_images=[nearest],
        pixel_array=np.asarray(explanation.values, dtype=np.uint16).reshape(grid.shape_zyx),
        series_instance_uid=stamp.uid("explanation series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=stamp.uid(f"explanation instance {nodule.candidate_id}"),
        instance_number=number,
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
            coordinate_system=highdicom.CoordinateSystemNames.PATIENT, image_orientation=orientation
        ),
        plane_positions=positions,
        content_qualification=highdicom.ContentQualificationValues.RESEARCH,
    )
    if "BodyPartExamined" not in parametric_map:
        # Without a body part the standard asks for a laterality, which a map across the midline has not.
        parametric_map.BodyPartExamined = "CHEST"
    parametric_map.SeriesDescription = "Lung nodule explanation (not for clinical use)"
    return seal(parametric_map, stamp=stamp)
