"""A nodule as a plain colour picture for viewers that show neither Segmentation nor Structured Report."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.dicom.stamps import MANUFACTURER, load_highdicom, seal
from lungai_core.domain.mask import box_voxels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from lungai_core.dicom.source_images import SourceImages
    from lungai_core.dicom.stamps import ObjectStamp
    from lungai_core.domain.case_report import NoduleResult
    from lungai_core.domain.geometry import Vector
    from lungai_core.domain.volume import CtVolume

__all__ = ["build_secondary_capture"]

_SERIES_NUMBER = 9004
_LUNG_WINDOW_HU = (-1350.0, 150.0)
_OUTLINE_RGB = (41, 224, 255)
_TEXT_RGB = (255, 214, 0)
# Wide enough for the text; a smaller CT matrix is repeated a whole number of times.
_LEAST_COLUMNS = 512
_TEXT_PX = 16
_MARGIN_PX = 6
_DIRECTIONS = (("L", "R"), ("P", "A"), ("H", "F"))


def build_secondary_capture(stamp: ObjectStamp, source: SourceImages, /, *, nodule: NoduleResult) -> Dataset:
    """Build the Secondary Capture of one nodule: its slice in a lung window, the mask's outline, and its numbers.

    :implements: SRS-DICOM-026, SDS-DICOM-026

    The slice is the one with most of the mask, else that of the candidate. The text in the picture says what the
    numbers are worth; it holds nothing of the patient.

    Parameters
    ----------
    stamp
        The result and the time of writing.
    source
        The checked images of the series.
    nodule
        A nodule of the result.

    Raises
    ------
    SourceImagesError
        If the result is one for another series than the images, or speaks of a slice whose image is not among them.
    """
    source.require_result(stamp.report)
    highdicom = load_highdicom()
    volume = source.volume
    z = _slice_index(nodule)
    repeat = -(-_LEAST_COLUMNS // volume.geometry.shape_zyx[2])
    pixels = _with_text(_picture(volume, nodule, z=z, repeat=repeat), _lines(nodule, stamp))
    axes = volume.geometry.axes_zyx_lps
    header = source.header(z)
    capture: Dataset = highdicom.sc.SCImage.from_ref_dataset(
        ref_dataset=header,
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system=highdicom.CoordinateSystemNames.PATIENT,
        patient_orientation=(_direction(axes[2]), _direction(axes[1])),
        pixel_spacing=tuple(step / repeat for step in volume.geometry.spacing_zyx_mm[1:]),
        series_instance_uid=stamp.uid("capture series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=stamp.uid(f"capture instance {nodule.candidate_id}"),
        instance_number=[other.candidate_id for other in stamp.report.nodules].index(nodule.candidate_id) + 1,
        manufacturer=MANUFACTURER,
        transfer_syntax_uid="1.2.840.10008.1.2.1",
    )
    capture.BurnedInAnnotation = "NO"
    capture.RecognizableVisualFeatures = "NO"
    capture.BodyPartExamined = "CHEST"
    capture.SeriesDescription = "Lung nodule pictures (not for clinical use)"
    capture.DerivationDescription = "Lung window -1350 to 150 HU, outline of the nodule mask. NOT FOR CLINICAL USE."
    capture.SourceImageSequence = [highdicom.content.ReferencedImageSequence([header])[0]]
    return seal(capture, stamp=stamp)


def _slice_index(nodule: NoduleResult, /) -> int:
    if nodule.mask is None:
        return nodule.slice_number - 1
    areas = box_voxels(nodule.mask.box).sum(axis=(1, 2))
    return nodule.mask.box.lower_zyx[0] + int(areas.argmax())


def _picture(volume: CtVolume, nodule: NoduleResult, /, *, z: int, repeat: int) -> NDArray[np.uint8]:
    lower, upper = _LUNG_WINDOW_HU
    hu = volume.stored[z].astype(np.float32) * volume.rescale_slope + volume.rescale_intercept
    grey = np.rint(np.clip((hu - lower) / (upper - lower), 0, 1) * 255).astype(np.uint8)
    picture = np.repeat(np.repeat(np.stack([grey] * 3, axis=-1), repeat, axis=0), repeat, axis=1)
    if nodule.mask is not None:
        box = nodule.mask.box
        inside = np.zeros(grey.shape, np.bool_)
        _, y, x = box.lower_zyx
        _, height, width = box.shape_zyx
        inside[y : y + height, x : x + width] = box_voxels(box)[z - box.lower_zyx[0]]
        picture[_rim(np.repeat(np.repeat(inside, repeat, axis=0), repeat, axis=1))] = _OUTLINE_RGB
    return picture


def _rim(inside: NDArray[np.bool_], /) -> NDArray[np.bool_]:
    """Give the voxels just outside, so that the nodule itself is not painted over."""
    grown = np.pad(inside, 1)
    around = grown[:-2, 1:-1] | grown[2:, 1:-1] | grown[1:-1, :-2] | grown[1:-1, 2:]
    rim: NDArray[np.bool_] = around & ~inside
    return rim


def _lines(nodule: NoduleResult, stamp: ObjectStamp, /) -> tuple[str, ...]:
    model, mask, size = stamp.report.model, nodule.mask, nodule.size
    trained = "" if model.trained else ", NOT TRAINED"
    measures = [
        f"malignancy {nodule.malignancy_probability:.1%}",
        *([] if size.network_mm is None else [f"diameter {size.network_mm:.1f} mm"]),
        *([] if mask is None else [f"volume {mask.volume_mm3:.0f} mm3", f"mean {mask.mean_hu:.0f} HU"]),
    ]
    return (
        f"Nodule {nodule.candidate_id}: {', '.join(measures)}",
        "second human reading required" if nodule.review_required else "second human reading not called for",
        f"{model.name} {model.version}{trained}. NOT FOR CLINICAL USE",
    )


def _with_text(picture: NDArray[np.uint8], lines: tuple[str, ...], /) -> NDArray[np.uint8]:
    image_module, draw_module, font_module = (
        import_module(f"PIL.{name}") for name in ("Image", "ImageDraw", "ImageFont")
    )
    image = image_module.fromarray(picture)
    draw = draw_module.Draw(image)
    font = font_module.load_default(_TEXT_PX)
    for number, line in enumerate(lines):
        place = (_MARGIN_PX, _MARGIN_PX + number * (_TEXT_PX + _MARGIN_PX))
        draw.text(place, line, fill=_TEXT_RGB, font=font, stroke_width=2, stroke_fill=(0, 0, 0))
    return np.asarray(image)


def _direction(axis_lps: Vector, /) -> str:
    largest = max(range(3), key=lambda i: abs(axis_lps[i]))
    return _DIRECTIONS[largest][axis_lps[largest] < 0]
