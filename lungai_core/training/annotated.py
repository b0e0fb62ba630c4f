"""Nodules that readers annotated: records and masks of area ``annotation``, and the CT that they were drawn on."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lungai_core.annotation.consensus import majority
from lungai_core.annotation.masks import read_referenced_mask
from lungai_core.annotation.record import MalignancyBasis, ReaderRole, read_annotations
from lungai_core.dicom.reader import read_ct_series
from lungai_core.errors import DataSetError
from lungai_core.training.samples import NoduleLabels, NoduleSample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lungai_core.annotation.consensus import TieRule
    from lungai_core.annotation.record import NoduleAnnotation
    from lungai_core.domain.geometry import Geometry, Vector
    from lungai_core.domain.volume import CtVolume

__all__ = ["load_annotated"]

_GRID_TOLERANCE_MM = 1e-3
_NEUTRAL = 3
_AGREEMENT = 2

_Value = TypeVar("_Value")


def load_annotated(
    records: Path, images: Path, /, *, half_edge_mm: float, ties: TieRule, folds: int
) -> tuple[NoduleSample, ...]:
    """Load the nodules of a file of annotations, one sample for all reads of a nodule.

    :implements: SRS-TRAIN-019, SDS-TRAIN-013

    Of each reader the last round counts. What an arbiter says of a nodule's centre, diameter, mask or malignancy stands
    for all; where the arbiter says nothing, the raters' reads do: means of centre and diameter, the majority of masks,
    ``readings`` for the opinions on malignancy. ``diagnosis`` is what pathology or stability has shown, by whomever it
    is reported, and then there are no ``readings`` for a lesson to prefer; else the arbiter's side of 3; else whether
    at least two raters gave more than 3, and empty where one stands alone. ``mean_rating`` is the side of 3 on which
    the mean opinion lies. A patient's fold follows from the pseudonym alone, so that it stays when the data grow.

    Parameters
    ----------
    records
        A file of the schema ``lungai-annotations/1``; masks are named relative to its folder.
    images
        Holds each series, at any depth, in a folder whose name is its Series Instance UID, as ``lungai deidentify``
        writes them.
    half_edge_mm
        How far the CT is kept around a nodule's centre along each axis of the patient.
    ties
        What becomes of a voxel that exactly half of the reads marked.
    folds
        Number of folds.

    Returns
    -------
    tuple
        In the order in which the nodules first occur in the file.

    Raises
    ------
    AnnotationFileError, MaskFileError, ConsensusError, InputRejectedError
        If the file, a mask or a series cannot be read.
    DataSetError
        For the first nodule whose series is missing or there twice or of another study or frame of reference, whose
        masks have another grid than the series or lie away from the centre, whose centre lies outside of the series, or
        whose reads contradict each other about patient, series, proof or the definition of the diameter.
    """
    nodules: dict[str, list[NoduleAnnotation]] = {}
    for annotation in read_annotations(records).annotations:
        nodules.setdefault(annotation.nodule_id, []).append(annotation)
    folders = _folders(images)
    found: dict[str, NoduleSample] = {}
    # Series by series, so that one whole CT at a time is in memory.
    for uid, names in _by_series(nodules).items():
        if len(folders.get(uid, ())) != 1:
            why = f"{len(folders.get(uid, ()))} folders of its series below {images.name}"
            raise _unusable(names[0], why, "one folder, named by the Series Instance UID")
        volume = read_ct_series(folders[uid][0], series_instance_uid=uid)
        for name in names:
            reads = _last_rounds(nodules[name])
            _require_same_study(name, reads, volume)
            center = _center(reads)
            if not volume.geometry.contains_lps(center):
                raise _unusable(name, "its centre lies outside of its series", "a centre in LPS mm inside the CT")
            box = _box(volume.geometry, center, half_edge_mm)
            mask = _mask(name, reads, volume, folder=records.parent, ties=ties)
            found[name] = NoduleSample(
                data_set=records.stem,
                sample_id=name,
                patient_id=reads[0].patient,
                volume=_cropped(volume, box),
                center_lps_mm=center,
                mask=None if mask is None else _near(name, mask, volume.geometry.index_from_lps(center))[box].copy(),
                labels=_labels(name, reads),
                fold=_fold(reads[0].patient, folds),
            )
    return tuple(found[name] for name in nodules)


def _folders(images: Path, /) -> dict[str, list[Path]]:
    folders: dict[str, list[Path]] = {}
    for path in images.rglob("*"):
        if path.is_dir():
            folders.setdefault(path.name, []).append(path)
    return folders


def _by_series(nodules: dict[str, list[NoduleAnnotation]], /) -> dict[str, list[str]]:
    series: dict[str, list[str]] = {}
    for name, reads in nodules.items():
        if len({(read.patient, read.series_instance_uid) for read in reads}) > 1:
            raise _unusable(name, "its reads name several patients or series", "reads of one nodule on one series")
        series.setdefault(reads[0].series_instance_uid, []).append(name)
    return series


def _last_rounds(reads: Sequence[NoduleAnnotation], /) -> list[NoduleAnnotation]:
    last: dict[tuple[str, ReaderRole], NoduleAnnotation] = {}
    for read in reads:
        known = last.get((read.read.reader, read.read.role))
        if known is None or read.read.round >= known.read.round:
            last[read.read.reader, read.read.role] = read
    return list(last.values())


def _said(reads: Iterable[NoduleAnnotation], field: Callable[[NoduleAnnotation], _Value | None], /) -> list[_Value]:
    """Give what the reads say of something; an arbiter's word alone where there is one."""
    words: dict[ReaderRole, list[_Value]] = {role: [] for role in ReaderRole}
    for read in reads:
        value = field(read)
        if value is not None:
            words[read.read.role].append(value)
    return words[ReaderRole.ARBITER] or words[ReaderRole.RATER]


def _labels(name: str, reads: Sequence[NoduleAnnotation], /) -> NoduleLabels:
    told = [read.malignancy for read in reads if read.malignancy is not None]
    proofs = {one.malignant for one in told if one.basis is not MalignancyBasis.OPINION and one.malignant is not None}
    if len(proofs) > 1:
        raise _unusable(name, "its reads report proof of both kinds", "one proof of malignancy a nodule")
    opinions = _said(reads, _opinion)
    proof, side = next(iter(proofs), None), _side(opinions)
    arbitrated = any(read.read.role is ReaderRole.ARBITER and _opinion(read) is not None for read in reads)
    opinion = side if arbitrated else _agreement(opinions)
    return NoduleLabels(
        diagnosis=opinion if proof is None else proof,
        mean_rating=side,
        readings=tuple(opinions) if proof is None else (),
        diameter_mm=_diameter_mm(name, reads),
    )


def _opinion(read: NoduleAnnotation, /) -> int | None:
    said = read.malignancy
    return None if said is None or said.basis is not MalignancyBasis.OPINION else said.rating


def _agreement(ratings: Sequence[int], /) -> bool | None:
    suspicious = sum(rating > _NEUTRAL for rating in ratings)
    return suspicious >= _AGREEMENT if len(ratings) >= _AGREEMENT else None


def _side(ratings: Sequence[int], /) -> bool | None:
    total = sum(ratings) - _NEUTRAL * len(ratings)
    return None if total == 0 else total > 0


def _diameter_mm(name: str, reads: Sequence[NoduleAnnotation], /) -> float | None:
    diameters = _said(reads, lambda read: read.diameter)
    if len({diameter.definition for diameter in diameters}) > 1:
        raise _unusable(name, "its diameters have several definitions", "one definition of the diameter a nodule")
    return sum(diameter.value_mm for diameter in diameters) / len(diameters) if diameters else None


def _center(reads: Sequence[NoduleAnnotation], /) -> Vector:
    centers = _said(reads, lambda read: read.center_lps_mm)
    x, y, z = np.mean(centers, axis=0).tolist()
    return x, y, z


def _require_same_study(name: str, reads: Iterable[NoduleAnnotation], volume: CtVolume, /) -> None:
    series = volume.series
    for read in reads:
        same_frame = read.frame_of_reference_uid in (None, series.frame_of_reference_uid)
        if read.study_instance_uid != series.study_instance_uid or not same_frame:
            what = "the study and frame of reference of its reads are not those of the series"
            raise _unusable(name, what, "reads made on this very series")


def _mask(
    name: str, reads: Iterable[NoduleAnnotation], volume: CtVolume, /, *, folder: Path, ties: TieRule
) -> NDArray[np.bool_] | None:
    references = _said(reads, lambda read: read.mask)
    if not references:
        return None
    wanted = volume.geometry
    masks = [read_referenced_mask(reference, folder=folder) for reference in references]
    for mask in masks:
        apart = np.abs(mask.geometry.affine_lps_from_zyx - wanted.affine_lps_from_zyx).max()
        if mask.geometry.shape_zyx != wanted.shape_zyx or apart > _GRID_TOLERANCE_MM:
            allowed = "masks with the size, position, spacing and axis directions of the series; save them so"
            raise _unusable(name, "a mask lies on another grid than its series", allowed)
    return majority([mask.values for mask in masks], ties=ties)


def _near(name: str, mask: NDArray[np.bool_], center_zyx: NDArray[np.float64], /) -> NDArray[np.bool_]:
    marked = np.argwhere(mask)
    if not len(marked) or (center_zyx < marked.min(axis=0) - 1).any() or (center_zyx > marked.max(axis=0) + 1).any():
        raise _unusable(name, "its mask does not surround its centre", "a mask with the centre inside its bounding box")
    return mask


def _box(geometry: Geometry, center: Vector, half_edge_mm: float, /) -> tuple[slice, slice, slice]:
    # A patch follows the axes of its series. One voxel more: interpolation at its faces has both its neighbours.
    middle, reach = geometry.index_from_lps(center), half_edge_mm / np.asarray(geometry.spacing_zyx_mm)
    lower, upper = np.floor(middle - reach).astype(int) - 1, np.ceil(middle + reach).astype(int) + 2
    z, y, x = (
        slice(max(low, 0), min(high, edge))
        for low, high, edge in zip(lower.tolist(), upper.tolist(), geometry.shape_zyx, strict=True)
    )
    return z, y, x


def _cropped(volume: CtVolume, box: tuple[slice, slice, slice], /) -> CtVolume:
    stored = volume.stored[box].copy()
    depth, rows, columns = stored.shape
    x, y, z = volume.geometry.lps_from_index([part.start for part in box]).tolist()
    geometry = replace(volume.geometry, shape_zyx=(depth, rows, columns), origin_lps_mm=(x, y, z))
    kept = {
        "sop_instance_uids": volume.series.sop_instance_uids[box[0]],
        "frame_numbers": volume.series.frame_numbers[box[0]],
    }
    series = volume.series.model_copy(update=kept)
    return replace(volume, stored=stored, geometry=geometry, series=series, files=volume.files[box[0]])


def _fold(patient: str, folds: int, /) -> int:
    return int.from_bytes(hashlib.sha256(f"fold\0{patient}".encode()).digest()[:8]) % folds


def _unusable(nodule: str, why: str, allowed: str, /) -> DataSetError:
    return DataSetError(
        f"An annotated nodule cannot be used: {why}.",
        where=f"nodule {nodule}",
        allowed=allowed,
        remedy="Mend the record, or leave the nodule out.",
    )
