"""Nodules that readers annotated: records and masks of area ``annotation``, and the CT that they were drawn on."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.annotation.consensus import majority
from lungai_core.annotation.masks import read_referenced_mask
from lungai_core.annotation.record import MalignancyBasis, ReaderRole, read_annotations
from lungai_core.dicom.reader import read_ct_series
from lungai_core.errors import DataSetError
from lungai_core.training.samples import NoduleLabels, NoduleSample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lungai_core.annotation.consensus import TieRule
    from lungai_core.annotation.record import NoduleAnnotation
    from lungai_core.domain.geometry import Geometry, Vector
    from lungai_core.domain.volume import CtVolume

__all__ = ["load_annotated"]

_GRID_TOLERANCE_MM = 1e-3
_SUSPICIOUS = 3
_AGREEMENT = 2


def load_annotated(
    records: Path, images: Path, /, *, half_edge_mm: float, ties: TieRule, folds: int
) -> tuple[NoduleSample, ...]:
    """Load the nodules of a file of annotations, one sample for all reads of a nodule.

    :implements: SRS-TRAIN-019, SDS-TRAIN-013

    An arbiter's reads, where a nodule has any, stand for all. ``readings`` are the reads' opinions on malignancy;
    ``diagnosis`` is what pathology or stability has shown, else whether at least two opinions lie above 3, and empty
    where a single one stands alone; ``mean_rating`` is the side of 3 on which the mean opinion lies. Centre and
    diameter are means over the reads, the mask their majority. A patient's fold follows from the pseudonym alone, so
    that it stays when the data grow.

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
        If a series is missing, a mask lies on another grid than its series, a centre outside of it, or reads of one
        nodule contradict each other about patient, series, proof or the definition of the diameter.
    """
    content = read_annotations(records)
    nodules: dict[str, list[NoduleAnnotation]] = {}
    for annotation in content.annotations:
        nodules.setdefault(annotation.nodule_id, []).append(annotation)
    folders = {path.name: path for path in images.rglob("*") if path.is_dir()}
    found: dict[str, NoduleSample] = {}
    # Series by series, so that one whole CT at a time is in memory.
    for uid, names in _by_series(nodules).items():
        if uid not in folders:
            raise _unusable(names[0], f"no folder of its series below {images.name}", "the series that it was read on")
        volume = read_ct_series(folders[uid], series_instance_uid=uid)
        for name in names:
            deciding = _deciding(nodules[name])
            mask = _mask(name, deciding, volume, folder=records.parent, ties=ties)
            center = _mean_center(deciding)
            if not volume.geometry.contains_lps(center):
                raise _unusable(name, "its centre lies outside of its series", "a centre in LPS mm inside the CT")
            box = _box(volume.geometry, center, half_edge_mm)
            found[name] = NoduleSample(
                data_set=records.stem,
                sample_id=name,
                patient_id=deciding[0].patient,
                volume=_cropped(volume, box),
                center_lps_mm=center,
                mask=None if mask is None else mask[box].copy(),
                labels=_labels(name, deciding),
                fold=_fold(deciding[0].patient, folds),
            )
    return tuple(found[name] for name in nodules)


def _by_series(nodules: dict[str, list[NoduleAnnotation]], /) -> dict[str, list[str]]:
    series: dict[str, list[str]] = {}
    for name, reads in nodules.items():
        if len({(read.patient, read.series_instance_uid) for read in reads}) > 1:
            raise _unusable(name, "its reads name several patients or series", "reads of one nodule on one series")
        series.setdefault(reads[0].series_instance_uid, []).append(name)
    return series


def _deciding(reads: Sequence[NoduleAnnotation], /) -> list[NoduleAnnotation]:
    arbiters = [read for read in reads if read.read.role is ReaderRole.ARBITER]
    return arbiters or list(reads)


def _labels(name: str, reads: Sequence[NoduleAnnotation], /) -> NoduleLabels:
    said = [read.malignancy for read in reads if read.malignancy is not None]
    opinions = [one.rating for one in said if one.basis is MalignancyBasis.OPINION and one.rating is not None]
    proofs = {one.malignant for one in said if one.basis is not MalignancyBasis.OPINION and one.malignant is not None}
    if len(proofs) > 1:
        raise _unusable(name, "its reads report proof of both kinds", "one proof of malignancy a nodule")
    agreed = sum(rating > _SUSPICIOUS for rating in opinions) >= _AGREEMENT if len(opinions) >= _AGREEMENT else None
    mean = sum(opinions) / len(opinions) if opinions else _SUSPICIOUS
    return NoduleLabels(
        diagnosis=proofs.pop() if proofs else agreed,
        mean_rating=None if mean == _SUSPICIOUS else mean > _SUSPICIOUS,
        readings=tuple(opinions),
        diameter_mm=_diameter_mm(name, reads),
    )


def _diameter_mm(name: str, reads: Sequence[NoduleAnnotation], /) -> float | None:
    diameters = [read.diameter for read in reads if read.diameter is not None]
    if len({diameter.definition for diameter in diameters}) > 1:
        raise _unusable(name, "its diameters have several definitions", "one definition of the diameter a nodule")
    return sum(diameter.value_mm for diameter in diameters) / len(diameters) if diameters else None


def _mask(
    name: str, reads: Iterable[NoduleAnnotation], volume: CtVolume, /, *, folder: Path, ties: TieRule
) -> NDArray[np.bool_] | None:
    masks = [read_referenced_mask(read.mask, folder=folder) for read in reads if read.mask is not None]
    if not masks:
        return None
    wanted = volume.geometry
    for mask in masks:
        apart = np.abs(mask.geometry.affine_lps_from_zyx - wanted.affine_lps_from_zyx).max()
        if mask.geometry.shape_zyx != wanted.shape_zyx or apart > _GRID_TOLERANCE_MM:
            raise _unusable(name, "a mask lies on another grid than its series", "masks on the grid of the series")
    return majority([mask.values for mask in masks], ties=ties)


def _mean_center(reads: Sequence[NoduleAnnotation], /) -> Vector:
    x, y, z = np.mean([read.center_lps_mm for read in reads], axis=0).tolist()
    return x, y, z


def _box(geometry: Geometry, center: Vector, half_edge_mm: float, /) -> tuple[slice, slice, slice]:
    # The corners of a cube along the patient's axes: right for a series that is cut in any direction.
    corners = np.asarray(center) + half_edge_mm * np.asarray(list(product((-1, 1), repeat=3)))
    indices = geometry.index_from_lps(corners)
    z, y, x = _slices(indices, geometry.shape_zyx)
    return z, y, x


def _slices(indices: NDArray[np.float64], shape: tuple[int, ...], /) -> Iterator[slice]:
    # One voxel more, so that interpolation at the cube's faces has both its neighbours.
    lower, upper = np.floor(indices.min(axis=0)).astype(int) - 1, np.ceil(indices.max(axis=0)).astype(int) + 2
    for low, high, edge in zip(lower.tolist(), upper.tolist(), shape, strict=True):
        yield slice(max(low, 0), min(high, edge))


def _cropped(volume: CtVolume, box: tuple[slice, slice, slice], /) -> CtVolume:
    stored = volume.stored[box].copy()
    depth, rows, columns = stored.shape
    x, y, z = volume.geometry.lps_from_index([part.start for part in box]).tolist()
    geometry = replace(volume.geometry, shape_zyx=(depth, rows, columns), origin_lps_mm=(x, y, z))
    kept = {
        "sop_instance_uids": volume.series.sop_instance_uids[box[0]],
        "frame_numbers": volume.series.frame_numbers[box[0]],
    }
    return replace(volume, stored=stored, geometry=geometry, series=volume.series.model_copy(update=kept))


def _fold(patient: str, folds: int, /) -> int:
    return int.from_bytes(hashlib.sha256(f"fold\0{patient}".encode()).digest()[:8]) % folds


def _unusable(nodule: str, why: str, allowed: str, /) -> DataSetError:
    return DataSetError(
        f"An annotated nodule cannot be used: {why}.",
        where=f"nodule {nodule}",
        allowed=allowed,
        remedy="Mend the record, or leave the nodule out.",
    )
