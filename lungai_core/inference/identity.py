"""What a result belongs to: hashes of a volume and of candidates, made of content and never of file names."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.case_report import Grid, InputFlag, InputIdentity

if TYPE_CHECKING:
    from lungai_core.domain.candidate import CandidateList
    from lungai_core.domain.case_report import InputKind
    from lungai_core.domain.volume import CtVolume
    from lungai_core.preprocess.gate import GateReport

__all__ = ["candidates_sha256", "input_identity", "volume_sha256"]


def volume_sha256(volume: CtVolume, /) -> str:
    """Return the SHA-256 of everything in a volume that a result can depend on.

    :implements: SRS-INFER-008, SDS-INFER-006

    It covers the series (with the SOP Instance UIDs in slice order), the grid, the rescale, the padding value and the
    stored values as little-endian integers.
    """
    digest = hashlib.sha256()
    digest.update(volume.series.model_dump_json(exclude={"notes"}).encode())
    digest.update(Grid.from_geometry(volume.geometry).model_dump_json().encode())
    digest.update(f"{volume.rescale_slope!r} {volume.rescale_intercept!r} {volume.pixel_padding_value!r}".encode())
    digest.update(volume.stored.dtype.kind.encode())
    little_endian = volume.stored.dtype.newbyteorder("<")
    for plane in volume.stored:
        digest.update(np.ascontiguousarray(plane, dtype=little_endian).data)
    return digest.hexdigest()


def candidates_sha256(candidates: CandidateList, /) -> str:
    """Return the SHA-256 of a list of candidates in its order.

    :implements: SRS-INFER-008, SDS-INFER-006
    """
    return hashlib.sha256(candidates.model_dump_json().encode()).hexdigest()


def input_identity(
    volume: CtVolume, candidates: CandidateList, /, *, kind: InputKind, gate: GateReport
) -> InputIdentity:
    """Return which images and candidates a result belongs to.

    :implements: SRS-INFER-008, SDS-INFER-006

    Parameters
    ----------
    kind
        Whether the images show a patient or a phantom.
    gate
        What the input gate said about the volume.
    """
    return InputIdentity(
        kind=kind,
        study_instance_uid=volume.series.study_instance_uid,
        series_instance_uid=volume.series.series_instance_uid,
        frame_of_reference_uid=volume.series.frame_of_reference_uid,
        sha256=volume_sha256(volume),
        candidates_sha256=candidates_sha256(candidates),
        grid=Grid.from_geometry(volume.geometry),
        notes=volume.series.notes,
        flags=tuple(
            InputFlag(property_id=line.property_id, title=line.title, measured=line.measured, allowed=line.allowed)
            for line in gate.flags
        ),
    )
