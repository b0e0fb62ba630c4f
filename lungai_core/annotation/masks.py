"""Masks from the files that readers' tools write, on one kind of grid: NRRD, 3D Slicer, NIfTI and DICOM SEG."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.geometry import Geometry
from lungai_core.errors import InvalidGeometryError, MaskFileError, MissingDependencyError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from highdicom.seg import Segmentation
    from numpy.typing import NDArray

    from lungai_core.annotation.record import MaskReference

__all__ = ["Mask", "mask_segments", "read_mask", "read_referenced_mask"]

_NIFTI = (".nii", ".nii.gz")
_NRRD = (".nrrd", ".seg.nrrd")
_SIGNS = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "lps": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
}


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """A binary mask on its grid.

    :implements: SRS-ANNO-004, SDS-ANNO-004

    Parameters
    ----------
    values
        ``(z, y, x)`` bool; made read-only here.
    geometry
        The grid in LPS.
    """

    values: NDArray[np.bool_]
    geometry: Geometry

    def __post_init__(self) -> None:
        self.values.flags.writeable = False

    @property
    def volume_mm3(self) -> float:
        """The volume of the marked voxels."""
        return float(self.values.sum() * np.prod(self.geometry.spacing_zyx_mm))


def read_mask(path: Path, /, *, segment: str | None = None) -> Mask:
    """Read one segment of a mask file.

    :implements: SRS-ANNO-004, SDS-ANNO-004

    Parameters
    ----------
    path
        ``.nrrd``, ``.seg.nrrd`` (3D Slicer), ``.nii``, ``.nii.gz``, or a DICOM SEG of any other name.
    segment
        Name of the segment; needed where the file has several.

    Raises
    ------
    MaskFileError
        If the file cannot be read, is not binary, or has no such segment.
    MissingDependencyError
        If the reader of this format is not installed.
    """
    name = path.name.lower()
    if not path.is_file():
        raise _bad("There is no such file.", path)
    if name.endswith(_NRRD):
        return _read_nrrd(path, segment)
    if name.endswith(_NIFTI):
        return _read_nifti(path, segment)
    return _read_seg(path, segment)


def mask_segments(path: Path, /) -> tuple[str, ...]:
    """List the names of the segments of a DICOM SEG or a 3D Slicer segmentation; other masks have one without a name.

    :implements: SRS-ANNO-004, SDS-ANNO-004

    Parameters
    ----------
    path
        The file.
    """
    name = path.name.lower()
    if name.endswith(_NIFTI):
        return ()
    if name.endswith(_NRRD):
        header = _module("nrrd", "annotation").read_header(str(path))
        return tuple(label for label, _, _ in _slicer_segments(header))
    return tuple(str(item.SegmentLabel) for item in _open_seg(path).SegmentSequence)


def read_referenced_mask(reference: MaskReference, /, *, folder: Path) -> Mask:
    """Read the mask of a record after its hash has been found equal.

    :implements: SRS-ANNO-004, SDS-ANNO-004

    Parameters
    ----------
    reference
        From the record.
    folder
        The folder that file names are relative to.

    Raises
    ------
    MaskFileError
        If the SHA-256 differs.
    """
    path = folder / reference.file
    if not path.is_file():
        raise _bad("There is no such file.", path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != reference.sha256:
        raise _bad("The SHA-256 of the mask differs from that in its record.", path)
    return read_mask(path, segment=reference.segment)


def _read_nrrd(path: Path, segment: str | None) -> Mask:
    nrrd = _module("nrrd", "annotation")
    try:
        data, header = nrrd.read(str(path))
    except (nrrd.NRRDError, OSError, ValueError) as error:
        raise _bad(f"The file is no NRRD ({type(error).__name__}).", path) from error
    signs = _SIGNS.get(str(header.get("space", "")).lower())
    directions = np.asarray(header.get("space directions", []), dtype=np.float64)
    if signs is None or directions.ndim != 2 or "space origin" not in header:  # noqa: PLR2004 - a matrix
        raise _bad("The NRRD does not say where it lies.", path)
    segments = _slicer_segments(header)
    layered = data.ndim == 4  # noqa: PLR2004 - a Slicer segmentation with overlapping segments has a list axis first
    if layered:
        directions = directions[1:]
    if segments:
        label, value, layer = _choose(segments, segment, path)
        _ = label
        plane = data[layer] if layered else data
        values = plane == value
    elif layered:
        raise _bad("The NRRD has four axes and no segments.", path)
    else:
        values = _binary(data, path)
    place = np.asarray(header["space origin"], dtype=np.float64) * signs
    return _oriented(values.transpose(2, 1, 0), (directions * signs)[::-1], place, path)


def _read_nifti(path: Path, segment: str | None) -> Mask:
    nibabel = _module("nibabel", "annotation")
    if segment is not None:
        raise _bad("A NIfTI mask has no named segments.", path)
    try:
        image = nibabel.load(path)
        data = np.asarray(image.dataobj)
    except (nibabel.filebasedimages.ImageFileError, OSError, ValueError) as error:
        raise _bad(f"The file is no NIfTI ({type(error).__name__}).", path) from error
    if data.ndim != 3:  # noqa: PLR2004 - a volume
        raise _bad(f"The NIfTI has {data.ndim} axes.", path)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(image.affine, dtype=np.float64)
    return _oriented(_binary(data, path).transpose(2, 1, 0), affine[:3, :3].T[::-1], affine[:3, 3], path)


def _read_seg(path: Path, segment: str | None) -> Mask:
    seg = _open_seg(path)
    names = [(str(item.SegmentLabel), int(item.SegmentNumber), 0) for item in seg.SegmentSequence]
    _, number, _ = _choose(names, segment, path)
    volume = seg.get_volume(segment_numbers=[number], combine_segments=False)
    values = np.asarray(volume.array)[..., 0]
    affine = np.asarray(volume.affine, dtype=np.float64)
    return _oriented(_binary(values, path), affine[:3, :3].T, affine[:3, 3], path)


def _open_seg(path: Path) -> Segmentation:
    seg = _module("highdicom.seg", "dicom")
    pydicom_errors = import_module("pydicom.errors")
    try:
        opened: Segmentation = seg.segread(path)
    except (pydicom_errors.InvalidDicomError, OSError, ValueError, AttributeError) as error:
        raise _bad(f"The file is no NRRD, NIfTI or DICOM SEG ({type(error).__name__}).", path) from error
    return opened


def _slicer_segments(header: dict[str, object]) -> list[tuple[str, int, int]]:
    """Give name, label value and layer of each segment of a Slicer header."""
    segments = []
    number = 0
    while f"Segment{number}_ID" in header:
        name = str(header.get(f"Segment{number}_Name", header[f"Segment{number}_ID"]))
        value = int(str(header.get(f"Segment{number}_LabelValue", 1)))
        segments.append((name, value, int(str(header.get(f"Segment{number}_Layer", 0)))))
        number += 1
    return segments


def _choose(segments: list[tuple[str, int, int]], wanted: str | None, path: Path) -> tuple[str, int, int]:
    if wanted is None and len(segments) == 1:
        return segments[0]
    found = [one for one in segments if one[0] == wanted]
    if len(found) != 1:
        names = ", ".join(name for name, _, _ in segments)
        raise _bad(f"The file has {len(found)} segments of the name asked for.", path, f"one of: {names}")
    return found[0]


def _binary(data: NDArray[np.generic], path: Path) -> NDArray[np.bool_]:
    values = np.unique(data)
    if not np.isin(values, (0, 1, 255)).all() or values.size > 2:  # noqa: PLR2004 - background and one value
        raise _bad("The mask is not binary.", path, "two values, 0 and 1 or 0 and 255, or named segments")
    return np.asarray(data != 0, dtype=np.bool_)


def _oriented(
    values: NDArray[np.bool_], steps_lps: NDArray[np.float64], origin_lps: NDArray[np.float64], path: Path
) -> Mask:
    """Make a mask of array axes with their steps in LPS; a left-handed grid is turned along its first axis."""
    if np.dot(np.cross(steps_lps[2], steps_lps[1]), steps_lps[0]) < 0:
        origin_lps = origin_lps + steps_lps[0] * (values.shape[0] - 1)
        values, steps_lps = values[::-1], np.stack((-steps_lps[0], steps_lps[1], steps_lps[2]))
    spacing = np.linalg.norm(steps_lps, axis=1)
    z, y, x = (step / length for step, length in zip(steps_lps, spacing, strict=True))
    try:
        geometry = Geometry(
            shape_zyx=(values.shape[0], values.shape[1], values.shape[2]),
            spacing_zyx_mm=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
            origin_lps_mm=(float(origin_lps[0]), float(origin_lps[1]), float(origin_lps[2])),
            axes_zyx_lps=(
                (float(z[0]), float(z[1]), float(z[2])),
                (float(y[0]), float(y[1]), float(y[2])),
                (float(x[0]), float(x[1]), float(x[2])),
            ),
        )
    except InvalidGeometryError as error:
        raise _bad("The grid of the mask is not orthogonal.", path) from error
    return Mask(values=np.ascontiguousarray(values), geometry=geometry)


def _module(name: str, extra: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            f"Reading this mask needs {name.partition('.')[0]}, which is not installed.",
            where="lungai_core.annotation.masks",
            allowed=f"the extra {extra}",
            remedy=f'pip install "lungai-core[{extra}]"',
        ) from error


def _bad(
    what: str, path: Path, allowed: str = "a binary mask as NRRD, Slicer segmentation, NIfTI or DICOM SEG"
) -> MaskFileError:
    return MaskFileError(what, where=path.name, allowed=allowed, remedy="Export the mask again, or name the segment.")
