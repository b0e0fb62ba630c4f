"""A crop as pictures: the sheet that the page's viewer reads, and stills for print and for pages without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from lungai_core.report.crops import CROP_LOWER_HU, CROP_UPPER_HU

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.report.crops import NoduleCrop

__all__ = ["MARKS", "SPRITE_COLUMNS", "Stills", "draw_sprite", "draw_stills", "draw_warm_stills"]

SPRITE_COLUMNS = 10
# Which side of the patient is at the top, right, bottom and left of a picture.
MARKS = {"axial": "ALPR", "coronal": "SLIR", "sagittal": "SPIA", "front": "SLIR"}
_OUTLINE_RGB = np.array((41, 224, 255), np.float32)
_LUNG_WINDOW_HU = (-1350.0, 150.0)
_LEVELS = 255
_Scalar = TypeVar("_Scalar", bound=np.generic)
_HOT = np.array(
    [
        (
            min(255.0, t * 2.4 * 255),
            min(255.0, max(0.0, (t - 0.35) * 2.2 * 255)),
            min(255.0, max(0.0, (t - 0.8) * 5 * 255)),
        )
        for t in np.linspace(0, 1, 256)
    ],
    np.float32,
)

_HEAT_SHARE = np.minimum(0.62, np.linspace(0, 0.9, 256)).astype(np.float32)


class Stills(NamedTuple):
    """Pictures of one nodule as ``(rows, columns, 3)`` uint8, in radiological layout and in the lung window.

    :implements: SRS-REPORT-003, SDS-REPORT-003
    """

    axial: NDArray[np.uint8]
    coronal: NDArray[np.uint8]
    sagittal: NDArray[np.uint8]
    front: NDArray[np.uint8]


def draw_sprite(crop: NoduleCrop, turntable: NDArray[np.uint8], /) -> NDArray[np.uint8]:
    """Lay CT, heat, mask and turntable out in one grey picture, ten slices a row, one sheet below the other.

    :implements: SRS-REPORT-003, SRS-REPORT-006, SDS-REPORT-003

    Parameters
    ----------
    crop
        The nodule's surroundings.
    turntable
        From :func:`lungai_core.report.turntable.render_turntable`.
    """
    # Sheets pack smaller and faster than colours, because each holds one kind of signal.
    layers = (crop.ct, crop.heat, crop.mask.astype(np.uint8) * _LEVELS, turntable)
    return np.concatenate([_sheet(layer) for layer in layers])


def _sheet(layer: NDArray[np.uint8], /) -> NDArray[np.uint8]:
    count, rows, columns = layer.shape
    lines = -(-count // SPRITE_COLUMNS)
    padded = np.zeros((lines * SPRITE_COLUMNS, rows, columns), np.uint8)
    padded[:count] = layer
    tiles = padded.reshape(lines, SPRITE_COLUMNS, rows, columns).transpose(0, 2, 1, 3)
    return tiles.reshape(lines * rows, SPRITE_COLUMNS * columns)


def draw_stills(crop: NoduleCrop, turntable: NDArray[np.uint8], /) -> Stills:
    """Draw the three sections through the candidate with the mask's outline, and the front of the turntable.

    :implements: SRS-REPORT-003, SRS-REPORT-006, SDS-REPORT-003

    Parameters
    ----------
    crop, turntable
        As for :func:`draw_sprite`.
    """
    sections = zip(_sections(crop.ct), _sections(crop.mask), strict=True)
    axial, coronal, sagittal = (_outlined(_grey(ct), mask) for ct, mask in sections)
    return Stills(axial, coronal, sagittal, _front(turntable[0]))


def draw_warm_stills(crop: NoduleCrop, /) -> tuple[NDArray[np.uint8], ...]:
    """Draw the three sections through the candidate with the explanation map over them.

    :implements: SRS-REPORT-003, SDS-REPORT-003

    Parameters
    ----------
    crop
        The nodule's surroundings.
    """
    return tuple(
        _blend(_grey(ct), _HOT[heat], _HEAT_SHARE[heat])
        for ct, heat in zip(_sections(crop.ct), _sections(crop.heat), strict=True)
    )


def _sections(values: NDArray[_Scalar], /) -> tuple[NDArray[_Scalar], NDArray[_Scalar], NDArray[_Scalar]]:
    # Rows run to posterior in the axial section, to inferior in the others; columns to the patient's left, in the
    # sagittal one to posterior.
    middle = values.shape[0] // 2
    return values[middle], values[::-1, middle], values[::-1, :, middle]


def _grey(ct: NDArray[np.uint8], /) -> NDArray[np.float32]:
    lower, upper = _LUNG_WINDOW_HU
    values_hu = CROP_LOWER_HU + np.arange(_LEVELS + 1) / _LEVELS * (CROP_UPPER_HU - CROP_LOWER_HU)
    shades = np.clip((values_hu - lower) / (upper - lower) * _LEVELS, 0, _LEVELS).astype(np.float32)
    return np.repeat(shades[ct][:, :, np.newaxis], 3, axis=2)


def _outlined(picture: NDArray[np.float32], mask: NDArray[np.bool_], /) -> NDArray[np.uint8]:
    inner = mask.copy()
    inner[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    picture[mask & ~inner] = _OUTLINE_RGB
    return picture.astype(np.uint8)


def _front(frame: NDArray[np.uint8], /) -> NDArray[np.uint8]:
    # The bytes are those of turntable.py: five bits of brightness, then the mask's.
    grey = np.repeat((frame >> 3).astype(np.float32)[:, :, np.newaxis] * (_LEVELS / 31), 3, axis=2)
    share = 0.5 * ((frame & 4) > 0).astype(np.float32)
    return _blend(grey, _OUTLINE_RGB * (0.35 + 0.65 * grey / _LEVELS), share)


def _blend(base: NDArray[np.float32], colour: NDArray[np.floating], share: NDArray[np.float32], /) -> NDArray[np.uint8]:
    weight = share[:, :, np.newaxis]
    return np.rint(base * (1 - weight) + colour * weight).astype(np.uint8)
