"""Which CT series a folder or a list of files holds."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.dicom.frames import CT_SOP_CLASSES, WANTED_TAGS, FrameHeader, declared_frames, frames_of, is_image
from lungai_core.dicom.part10 import damaged, read_elements
from lungai_core.errors import NoCtImageError, SeriesNotFoundError, SeveralSeriesError, TooManySlicesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lungai_core.dicom.limits import ReadLimits

__all__ = ["Scan", "choose_series", "scan_files"]

_LISTED_SERIES = 10


@dataclass(frozen=True, slots=True)
class Scan:
    """The CT slices of an input, by Series Instance UID, and what else lay there.

    :implements: SRS-DICOM-001, SDS-DICOM-001

    ``not_dicom`` counts files without the mark of DICOM Part 10, ``not_ct`` DICOM objects other than CT images.
    """

    place: str
    series: Mapping[str, tuple[FrameHeader, ...]]
    not_dicom: int
    not_ct: int


def scan_files(path_or_files: Path | Iterable[Path], /, *, limits: ReadLimits) -> Scan:
    """Read the headers of all files of an input.

    :implements: SRS-DICOM-001, SDS-DICOM-001

    Parameters
    ----------
    path_or_files
        A folder, which is searched with its subfolders (links to folders are not followed), one file, or files.
    limits
        ``max_files`` and ``max_header_bytes`` count.

    Raises
    ------
    NoCtImageError
        If a path does not exist.
    DamagedFileError
        If a file begins like DICOM and cannot be read.
    TooManySlicesError
        If there are more files than the limit.
    """
    series: defaultdict[str, list[FrameHeader]] = defaultdict(list)
    not_dicom = not_ct = 0
    for count, path in enumerate(_files(path_or_files), start=1):
        if count > limits.max_files:
            raise TooManySlicesError(
                "The input holds more files than the limit.",
                where=_place(path_or_files),
                allowed=f"at most {limits.max_files} files (ReadLimits.max_files)",
                remedy="Give the folder of one series, or raise the limit.",
            )
        file = read_elements(path, wanted=WANTED_TAGS, limits=limits)
        if file is None:
            not_dicom += 1
        elif not is_image(file):
            not_ct += 1
        else:
            frames = frames_of(file)
            if declared_frames(file) != len(frames):
                raise damaged(path, "Number of Frames (0028,0008) differs from the number of frame descriptions.")
            series[frames[0].series_instance_uid].extend(frames)
    return Scan(_place(path_or_files), {uid: tuple(frames) for uid, frames in series.items()}, not_dicom, not_ct)


def choose_series(scan: Scan, series_instance_uid: str | None, /) -> tuple[FrameHeader, ...]:
    """Return the slices of the one CT series, or of the series that was asked for, in no order.

    :implements: SRS-DICOM-001, SDS-DICOM-001

    A series of localizers alone is not counted where another one exists.

    Raises
    ------
    NoCtImageError
        If there is no CT image at all.
    SeriesNotFoundError
        If the series that was asked for is not there.
    SeveralSeriesError
        If there are several series and none was asked for.
    """
    if not scan.series:
        raise NoCtImageError(
            "No CT image was found.",
            where=f"{scan.place}: passed over {scan.not_dicom} files that are no DICOM, {scan.not_ct} that are no CT",
            allowed=f"DICOM Part 10 files of {', '.join(CT_SOP_CLASSES.values())}",
            remedy="Give the folder that holds the CT slices, exported as DICOM files.",
        )
    if series_instance_uid is not None:
        if series_instance_uid not in scan.series:
            raise SeriesNotFoundError(
                "The CT series that was asked for is not there.",
                where=scan.place,
                allowed=_listing(scan.series),
                remedy="Ask for one of the series that are there.",
            )
        return scan.series[series_instance_uid]
    volumes = {uid: frames for uid, frames in scan.series.items() if not all(map(is_localizer, frames))} or scan.series
    if len(volumes) > 1:
        raise SeveralSeriesError(
            f"The input holds {len(volumes)} CT series.",
            where=scan.place,
            allowed="one CT series, or the Series Instance UID of one of these: " + _listing(volumes),
            remedy="Name the series (series_instance_uid, or --series on the command line).",
        )
    return next(iter(volumes.values()))


def is_localizer(frame: FrameHeader, /) -> bool:
    """Tell whether a slice says of itself that it is a projection image.

    :implements: SRS-DICOM-001, SDS-DICOM-001
    """
    return "LOCALIZER" in frame.image_type


def _listing(series: Mapping[str, tuple[FrameHeader, ...]]) -> str:
    shown = [f"{uid} ({len(frames)} slices)" for uid, frames in sorted(series.items())]
    more = len(shown) - _LISTED_SERIES
    return "; ".join(shown[:_LISTED_SERIES]) + (f"; and {more} more" if more > 0 else "")


def _place(path_or_files: Path | Iterable[Path]) -> str:
    return str(path_or_files) if isinstance(path_or_files, Path) else "the files given"


def _files(path_or_files: Path | Iterable[Path]) -> Iterator[Path]:
    if not isinstance(path_or_files, Path):
        yield from (path for given in path_or_files for path in _files(given))
    elif path_or_files.is_file():
        yield path_or_files
    elif path_or_files.is_dir():
        for folder, folders, names in os.walk(path_or_files):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                # No pipes, sockets or dangling links. A DICOMDIR lists files that are found without it.
                if path.is_file() and name.upper() != "DICOMDIR":
                    yield path
    else:
        raise NoCtImageError(
            "There is no such file or folder.",
            where=str(path_or_files),
            allowed="an existing folder, or existing files",
            remedy="Check the path.",
        )
