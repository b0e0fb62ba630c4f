"""Nodule candidates: where to look. They come from a detector or a reader, never from this library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from lungai_core.domain.geometry import Vector
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import CandidateFileError, CandidateOutsideVolumeError

if TYPE_CHECKING:
    from pathlib import Path

    from lungai_core.domain.geometry import Geometry

__all__ = ["Candidate", "CandidateList", "read_candidates", "require_inside"]


class Candidate(FrozenModel):
    """A place in the patient that may hold a nodule.

    :implements: SRS-DOM-003, SDS-DOM-003

    ``center_lps_mm`` is ``(x, y, z)`` in DICOM LPS, in mm.
    """

    candidate_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    center_lps_mm: Vector


class CandidateList(FrozenModel):
    """The candidates of one series, as the file ``candidates.json`` holds them.

    :implements: SRS-DOM-003, SDS-DOM-003

    ``series_instance_uid`` binds the list to a series; without it the list fits any series that contains its points.
    """

    schema_version: Literal["lungai-candidates/1"] = "lungai-candidates/1"
    series_instance_uid: str | None = None
    candidates: tuple[Candidate, ...]


def read_candidates(path: Path, /) -> CandidateList:
    """Read ``candidates.json``.

    :implements: SRS-DOM-003, SDS-DOM-003

    Parameters
    ----------
    path
        A JSON file of the schema ``lungai-candidates/1``.

    Raises
    ------
    CandidateFileError
        If the file is absent, not JSON, or not of the schema, or if two candidates share an identifier.
    """
    try:
        candidates = CandidateList.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        fields = (
            ", ".join(sorted({".".join(map(str, problem["loc"])) or "file" for problem in error.errors()}))
            if isinstance(error, ValidationError)
            else str(error.strerror)
        )
        raise _bad_file(f"The candidate file cannot be used ({fields}).", path) from error
    identifiers = [candidate.candidate_id for candidate in candidates.candidates]
    if len(set(identifiers)) != len(identifiers):
        raise _bad_file("Two candidates have the same candidate_id.", path)
    return candidates


def require_inside(candidate: Candidate, geometry: Geometry, /) -> None:
    """Raise unless a candidate's centre lies inside a volume.

    :implements: SRS-DOM-003, SDS-DOM-003

    Raises
    ------
    CandidateOutsideVolumeError
        With the candidate's identifier and the index range of the volume.
    """
    if not geometry.contains_lps(candidate.center_lps_mm):
        index = ", ".join(f"{i:.1f}" for i in geometry.index_from_lps(candidate.center_lps_mm))
        raise CandidateOutsideVolumeError(
            "The candidate's centre lies outside the CT volume.",
            where=f"candidate {candidate.candidate_id}, voxel index (z, y, x) = ({index})",
            allowed=f"an index inside the shape {geometry.shape_zyx}",
            remedy="Give centres in DICOM LPS millimetres (not RAS, not voxels) and of this series.",
        )


def _bad_file(what: str, path: Path, /) -> CandidateFileError:
    return CandidateFileError(
        what,
        where=str(path),
        allowed='{"schema_version": "lungai-candidates/1", "candidates": '
        '[{"candidate_id": "1", "center_lps_mm": [x, y, z]}]}',
        remedy="Write the file after the schema in docs/reference/domain.md.",
    )
