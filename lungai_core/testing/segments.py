"""Result objects as another program would read them, with pydicom alone: planes of a mask, names in a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pydicom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

__all__ = ["Segment", "read_header", "read_segments", "read_tracking_ids"]


_TRACKING_IDENTIFIER = ("112039", "DCM")


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One segment of a Segmentation.

    :implements: SRS-TEST-006, SDS-TEST-005

    Parameters
    ----------
    label
        Segment Label (0062,0005).
    positions_lps_mm
        ``(N, 3)`` centres of its voxels, LPS in mm, from the plane of each frame.
    planes_lps_mm
        By SOP Instance UID of the image that a frame says it is derived from: the position of the frame.
    """

    label: str
    positions_lps_mm: NDArray[np.float64]
    planes_lps_mm: dict[str, tuple[float, float, float]]


def read_header(path: Path, /) -> Dataset:
    """Read the elements of an object before its pixels.

    :implements: SRS-TEST-006, SDS-TEST-005

    Parameters
    ----------
    path
        The file.
    """
    return pydicom.dcmread(path, stop_before_pixels=True)


def read_segments(path: Path, /) -> tuple[Segment, ...]:
    """Read a binary Segmentation.

    :implements: SRS-TEST-006, SDS-TEST-005

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple of Segment
        In the order of their numbers.
    """
    dataset = pydicom.dcmread(path)
    frames = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    numbers = [
        int(_group(dataset, place, "SegmentIdentificationSequence").ReferencedSegmentNumber)
        for place in range(len(frames))
    ]
    return tuple(
        _segment(
            dataset, item, {place: frames[place] for place, n in enumerate(numbers) if n == int(item.SegmentNumber)}
        )
        for item in dataset.SegmentSequence
    )


def read_tracking_ids(path: Path, /) -> tuple[str, ...]:
    """Return the Tracking Identifiers of a structured report, in its order.

    :implements: SRS-TEST-006, SDS-TEST-005

    Parameters
    ----------
    path
        The file.
    """
    return tuple(_tracking_ids(pydicom.dcmread(path)))


def _tracking_ids(item: Dataset, /) -> Iterator[str]:
    for child in item.get("ContentSequence", ()):
        concept = child.get("ConceptNameCodeSequence", (None,))[0]
        if concept is not None and (concept.CodeValue, concept.CodingSchemeDesignator) == _TRACKING_IDENTIFIER:
            yield str(child.TextValue)
        yield from _tracking_ids(child)


def _segment(dataset: Dataset, item: Dataset, frames: dict[int, NDArray[np.uint8]], /) -> Segment:
    positions, planes = [np.empty((0, 3))], {}
    for place, frame in frames.items():
        corner = np.asarray(_group(dataset, place, "PlanePositionSequence").ImagePositionPatient, dtype=np.float64)
        cosines = np.asarray(_group(dataset, place, "PlaneOrientationSequence").ImageOrientationPatient, np.float64)
        row_mm, column_mm = map(float, _group(dataset, place, "PixelMeasuresSequence").PixelSpacing)
        rows, columns = np.nonzero(frame)
        positions.append(corner + np.outer(columns * column_mm, cosines[:3]) + np.outer(rows * row_mm, cosines[3:]))
        source = _group(dataset, place, "DerivationImageSequence").SourceImageSequence[0].ReferencedSOPInstanceUID
        x, y, z = map(float, corner)
        planes[str(source)] = (x, y, z)
    return Segment(str(item.SegmentLabel), np.concatenate(positions), planes)


def _group(dataset: Dataset, place: int, keyword: str, /) -> Dataset:
    """Return a functional group of a frame; what is the same in all frames may stand in the shared ones."""
    own = dataset.PerFrameFunctionalGroupsSequence[place]
    found: Dataset = (own if keyword in own else dataset.SharedFunctionalGroupsSequence[0])[keyword].value[0]
    return found
