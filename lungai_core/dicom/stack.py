"""The slices of a series in the order in which they lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.dicom.frames import FrameHeader

__all__ = ["SliceStack", "order_slices", "slice_names"]

_SHOWN_SLICES = 8


@dataclass(frozen=True, slots=True, eq=False)
class SliceStack:
    """Slices sorted along their normal; slice number 1 is index 0, which has the smallest position.

    :implements: SRS-DICOM-002, SDS-DICOM-001

    ``along_mm`` is each slice's position on the normal, ``across_mm`` ``(n, 2)`` its position along rows and columns.
    Both are None where a position or orientation is missing or impossible: then ``frames`` stand in the order of files.
    """

    frames: tuple[FrameHeader, ...]
    axes_zyx_lps: NDArray[np.float64] | None
    along_mm: NDArray[np.float64] | None
    across_mm: NDArray[np.float64] | None


def order_slices(frames: tuple[FrameHeader, ...], /) -> SliceStack:
    """Sort slices by the projection of their position on the normal of the first one.

    :implements: SRS-DICOM-002, SDS-DICOM-001

    Slices of equal position stand in the order of their SOP Instance UIDs, so that the result does not depend on names
    of files.
    """
    named = sorted(frames, key=lambda frame: (frame.sop_instance_uid, frame.frame_number, str(frame.path)))
    orientation = named[0].orientation_lps
    positions = [frame.position_lps_mm for frame in named if frame.position_lps_mm is not None]
    if orientation is None or len(positions) < len(named):
        return SliceStack(tuple(named), None, None, None)
    axis_x, axis_y = np.asarray(orientation[:3]), np.asarray(orientation[3:])
    normal = np.cross(axis_x, axis_y)
    length = float(np.linalg.norm(normal))
    if length == 0:
        return SliceStack(tuple(named), None, None, None)
    axes = np.stack((normal / length, axis_y, axis_x))
    places = np.asarray(positions) @ axes.T
    order = np.argsort(places[:, 0], kind="stable")
    return SliceStack(tuple(named[i] for i in order), axes, places[order, 0], places[order, 1:])


def slice_names(stack: SliceStack, indices: list[int], /) -> str:
    """Return numbers and file names of slices for a message, at most eight of them.

    :implements: SRS-DICOM-002, SDS-DICOM-001
    """
    shown = ", ".join(f"{index + 1} ({_name(stack.frames[index])})" for index in indices[:_SHOWN_SLICES])
    more = len(indices) - _SHOWN_SLICES
    return f"slice {shown}" + (f" and {more} more" if more > 0 else "") + f" of {len(stack.frames)}"


def _name(frame: FrameHeader) -> str:
    return frame.path.name if frame.frames_in_file == 1 else f"{frame.path.name} frame {frame.frame_number}"
