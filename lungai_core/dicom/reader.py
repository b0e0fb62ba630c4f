"""One CT series from DICOM files to a volume, or a refusal that says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.dicom.header_rules import has_frame_of_reference_per_slice
from lungai_core.dicom.limits import ReadLimits
from lungai_core.dicom.notes import scan_notes, series_notes
from lungai_core.dicom.pixels import read_stored_values
from lungai_core.dicom.rules import RuleResult, Verdict, check_rules
from lungai_core.dicom.scan import Scan, choose_series, scan_files
from lungai_core.dicom.stack import SliceStack, order_slices
from lungai_core.domain.geometry import Geometry, Vector
from lungai_core.domain.volume import CtSeries, CtVolume
from lungai_core.errors import InvalidArgumentError, LungaiError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["SeriesCheck", "check_ct_series", "read_ct_series"]

_DEFAULT_LIMITS = ReadLimits()
_MAX_THREADS = 64
_SPACING_DIGITS = 9  # a picometre: what subtraction of decimal positions leaves behind it is noise


@dataclass(frozen=True, slots=True, eq=False)
class SeriesCheck:
    """What every rule of the input contract found in one series.

    :implements: SRS-DICOM-008, SDS-DICOM-003

    Parameters
    ----------
    results
        One result a rule, in the order of the contract.
    slice_count
        Number of slices of the series.
    skipped_not_dicom, skipped_not_ct
        Files of the input that are no DICOM, and DICOM objects that are no CT image.
    volume
        The volume, where nothing was refused.
    pixel_error
        What was wrong with the pixels, where the headers were right.
    """

    results: tuple[RuleResult, ...]
    slice_count: int
    skipped_not_dicom: int
    skipped_not_ct: int
    volume: CtVolume | None
    pixel_error: LungaiError | None


def read_ct_series(
    path_or_files: Path | Iterable[Path],
    /,
    *,
    series_instance_uid: str | None = None,
    limits: ReadLimits = _DEFAULT_LIMITS,
    threads: int = 1,
) -> CtVolume:
    """Read one CT series into a volume, or refuse it.

    :implements: SRS-DICOM-001, SRS-DICOM-002, SRS-DICOM-003, SRS-DICOM-005, SRS-DICOM-010, SDS-DICOM-001

    Parameters
    ----------
    path_or_files
        A folder (with its subfolders), one file, or files. What is not DICOM, or not CT, is passed over.
    series_instance_uid
        Which series to read; needed only where there are several.
    limits
        What is accepted at most, and what is tolerated.
    threads
        How many files are read at a time, 1 to 64. The result is the same for any number.

    Returns
    -------
    CtVolume
        Stored values int16 or uint16 ``(z, y, x)``, slices ascending along the slice normal (x cross y of Image
        Orientation), geometry in LPS mm. Voxels of padding keep their stored value.

    Raises
    ------
    InputRejectedError
        The leaf says what is wrong with the series (codes LAI-DICOM-001 to LAI-DICOM-025), with slice numbers counted
        from 1 in ascending order along the normal.
    MissingDependencyError
        If the decoder of a compressed series is not installed.
    InvalidArgumentError
        If ``threads`` is out of range.
    """
    _require_threads(threads)
    scan = scan_files(path_or_files, limits=limits)
    stack = order_slices(choose_series(scan, series_instance_uid))
    for result in check_rules(stack, limits):
        if result.error is not None:
            raise result.error
    return _read_volume(stack, scan, limits, threads)


def check_ct_series(
    path_or_files: Path | Iterable[Path],
    /,
    *,
    series_instance_uid: str | None = None,
    limits: ReadLimits = _DEFAULT_LIMITS,
    threads: int = 1,
) -> SeriesCheck:
    """Check one CT series against every rule of the input contract, instead of stopping at the first.

    :implements: SRS-DICOM-008, SDS-DICOM-003

    Parameters
    ----------
    path_or_files, series_instance_uid, limits, threads
        As for :func:`read_ct_series`.

    Raises
    ------
    InputRejectedError
        If there is no series to check: nothing there, several, or a file that cannot be parsed.
    """
    _require_threads(threads)
    scan = scan_files(path_or_files, limits=limits)
    stack = order_slices(choose_series(scan, series_instance_uid))
    results = check_rules(stack, limits)
    volume: CtVolume | None = None
    pixel_error: LungaiError | None = None
    if not any(result.verdict is Verdict.REFUSED for result in results):
        try:
            volume = _read_volume(stack, scan, limits, threads)
        except LungaiError as error:
            pixel_error = error
    return SeriesCheck(results, len(stack.frames), scan.not_dicom, scan.not_ct, volume, pixel_error)


def _read_volume(stack: SliceStack, scan: Scan, limits: ReadLimits, threads: int) -> CtVolume:
    first = stack.frames[0]
    geometry = _geometry(stack)
    stored = read_stored_values(stack.frames, limits=limits, threads=threads)
    return CtVolume(
        stored=stored,
        rescale_slope=first.rescale_slope or 0.0,
        rescale_intercept=first.rescale_intercept or 0.0,
        geometry=geometry,
        series=_series(stack, scan),
        pixel_padding_value=first.padding,
        files=tuple(frame.path for frame in stack.frames),
    )


def _geometry(stack: SliceStack) -> Geometry:
    first = stack.frames[0]
    if (
        stack.axes_zyx_lps is None
        or stack.along_mm is None
        or first.position_lps_mm is None
        or first.pixel_spacing_yx_mm is None
    ):
        raise AssertionError("the rules have found each attribute that places the image")
    count = len(stack.frames)
    extent = float(stack.along_mm[-1] - stack.along_mm[0])
    spacing_z = round(extent / (count - 1), _SPACING_DIGITS) if count > 1 else first.slice_thickness_mm or 0.0
    spacing_y, spacing_x = first.pixel_spacing_yx_mm
    axis_z, axis_y, axis_x = (_vector(axis) for axis in stack.axes_zyx_lps)
    return Geometry(
        shape_zyx=(count, first.pixel_format.rows or 0, first.pixel_format.columns or 0),
        spacing_zyx_mm=(spacing_z, spacing_y, spacing_x),
        origin_lps_mm=_vector(np.asarray(first.position_lps_mm)),
        axes_zyx_lps=(axis_z, axis_y, axis_x),
    )


def _vector(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Vector:
    x, y, z = values.tolist()
    return x, y, z


def _series(stack: SliceStack, scan: Scan) -> CtSeries:
    first = stack.frames[0]
    is_multi_frame = first.frames_in_file > 1
    return CtSeries(
        study_instance_uid=first.study_instance_uid,
        series_instance_uid=first.series_instance_uid,
        frame_of_reference_uid="" if has_frame_of_reference_per_slice(stack) else first.frame_of_reference_uid,
        sop_class_uid=first.sop_class_uid,
        sop_instance_uids=tuple(frame.sop_instance_uid for frame in stack.frames),
        frame_numbers=tuple(frame.frame_number for frame in stack.frames) if is_multi_frame else (),
        slice_thickness_mm=first.slice_thickness_mm,
        convolution_kernel=first.kernel or None,
        manufacturer=first.manufacturer or None,
        body_part_examined=first.body_part or None,
        notes=(*series_notes(stack), *scan_notes(scan)),
    )


def _require_threads(threads: int) -> None:
    if not 1 <= threads <= _MAX_THREADS:
        raise InvalidArgumentError(
            f"threads is {threads}.", allowed=f"1 to {_MAX_THREADS}", remedy="Give the number of threads to use."
        )
