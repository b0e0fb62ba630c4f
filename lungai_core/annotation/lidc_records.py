"""LIDC reads placed in the patient: records and masks, with the reads of one nodule brought together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.annotation.contours import contours_mask, longest_axial_mm
from lungai_core.annotation.masks import Mask
from lungai_core.annotation.record import (
    Diameter,
    DiameterDefinition,
    Malignancy,
    MalignancyBasis,
    NoduleAnnotation,
    Read,
    ReaderRole,
    Volume,
)
from lungai_core.domain.texture import Texture
from lungai_core.errors import LidcXmlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lungai_core.annotation.lidc import LidcNodule, LidcReading
    from lungai_core.domain.geometry import Geometry
    from lungai_core.domain.volume import CtSeries

__all__ = ["LidcImport", "group_reads", "place_lidc_reading"]


@dataclass(frozen=True, slots=True, eq=False)
class LidcImport:
    """Records of a LIDC series with their masks.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Parameters
    ----------
    annotations
        One for each nodule of 3 mm or more and reader.
    masks
        Mask of each annotation identifier; contours of one point give an empty mask.
    """

    annotations: tuple[NoduleAnnotation, ...]
    masks: dict[str, Mask]


def place_lidc_reading(reading: LidcReading, /, *, series: CtSeries, geometry: Geometry, patient: str) -> LidcImport:
    """Turn the rated nodules of a LIDC message into records in DICOM LPS.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Parameters
    ----------
    reading
        The message.
    series, geometry
        The CT series that it was read on.
    patient
        Pseudonym of the patient.

    Raises
    ------
    LidcXmlError
        If the message is about another series.
    """
    if reading.series_instance_uid != series.series_instance_uid:
        raise LidcXmlError(
            "The LIDC message is about another series.",
            where="SeriesInstanceUid",
            allowed="the Series Instance UID of the CT",
            remedy="Give the CT series that the message names.",
        )
    slices = {uid: index for index, uid in enumerate(series.sop_instance_uids)}
    rated = [
        (f"reader{number}", nodule)
        for number, session in enumerate(reading.sessions, start=1)
        for nodule in session.nodules
        if nodule.ratings is not None
    ]
    masks = [
        Mask(values=contours_mask(nodule.contours, shape_zyx=geometry.shape_zyx, slices=slices), geometry=geometry)
        for _, nodule in rated
    ]
    centers = [_center(nodule, mask, geometry, slices) for (_, nodule), mask in zip(rated, masks, strict=True)]
    diameters = [longest_axial_mm(nodule.contours, pixel_spacing_mm=geometry.spacing_zyx_mm[2]) for _, nodule in rated]
    groups = group_reads(centers, diameters_mm=diameters, readers=[reader for reader, _ in rated])
    annotations = []
    for number, (reader, nodule) in enumerate(rated):
        annotations.append(
            _record(
                reading,
                series,
                nodule,
                mask=masks[number],
                place=(f"lidc-{number + 1:03d}", f"nodule-{groups[number] + 1:02d}", patient, reader),
                measured=(centers[number], diameters[number]),
            )
        )
    return LidcImport(
        annotations=tuple(annotations),
        masks={record.annotation_id: mask for record, mask in zip(annotations, masks, strict=True)},
    )


def group_reads(
    centers_lps_mm: Sequence[tuple[float, float, float]],
    /,
    *,
    diameters_mm: Sequence[float],
    readers: Sequence[str],
) -> tuple[int, ...]:
    """Bring together the reads of one nodule: reads of different readers whose centres are near each other.

    :implements: SRS-ANNO-002, SDS-ANNO-002

    Two reads are linked where their centres are closer than half the larger diameter, nearest pairs first, and a group
    never holds two reads of one reader. Own rule; the message itself does not say which reads belong together.

    Parameters
    ----------
    centers_lps_mm, diameters_mm, readers
        One entry a read.

    Returns
    -------
    tuple
        Group number of each read, from 0 in the order of first reads.
    """
    centers = np.asarray(centers_lps_mm, dtype=np.float64).reshape(-1, 3)
    count = centers.shape[0]
    group = list(range(count))
    pairs = [
        (float(np.linalg.norm(centers[i] - centers[j])), i, j)
        for i in range(count)
        for j in range(i + 1, count)
        if readers[i] != readers[j]
    ]
    for distance, i, j in sorted(pairs):
        if distance >= max(diameters_mm[i], diameters_mm[j]) / 2 or group[i] == group[j]:
            continue
        first = [k for k in range(count) if group[k] == group[i]]
        second = [k for k in range(count) if group[k] == group[j]]
        if {readers[k] for k in first}.isdisjoint(readers[k] for k in second):
            for k in second:
                group[k] = group[i]
    order = {name: number for number, name in enumerate(dict.fromkeys(group))}
    return tuple(order[name] for name in group)


def _center(nodule: LidcNodule, mask: Mask, geometry: Geometry, slices: dict[str, int]) -> tuple[float, float, float]:
    """Give the centroid of the mask, or the mean of the contour points where the mask is empty."""
    index = np.argwhere(mask.values).astype(np.float64)
    if not index.size:
        index = np.asarray(
            [(slices[c.sop_instance_uid], y, x) for c in nodule.contours for x, y in c.points_xy], dtype=np.float64
        )
    x, y, z = geometry.lps_from_index(index.mean(axis=0))
    return float(x), float(y), float(z)


def _record(
    reading: LidcReading,
    series: CtSeries,
    nodule: LidcNodule,
    *,
    mask: Mask,
    place: tuple[str, str, str, str],
    measured: tuple[tuple[float, float, float], float],
) -> NoduleAnnotation:
    annotation_id, nodule_id, patient, reader = place
    center, diameter = measured
    ratings = nodule.ratings
    volume = mask.volume_mm3
    return NoduleAnnotation(
        annotation_id=annotation_id,
        nodule_id=nodule_id,
        patient=patient,
        study_instance_uid=reading.study_instance_uid,
        series_instance_uid=reading.series_instance_uid,
        frame_of_reference_uid=series.frame_of_reference_uid,
        sop_instance_uids=tuple(sorted({contour.sop_instance_uid for contour in nodule.contours})),
        center_lps_mm=center,
        spacing_zyx_mm=mask.geometry.spacing_zyx_mm,
        diameter=Diameter(value_mm=diameter, definition=DiameterDefinition.LONGEST_AXIAL) if diameter > 0 else None,
        volume=Volume(value_mm3=volume, method="voxels inside the contours") if volume > 0 else None,
        malignancy=None if ratings is None else Malignancy(basis=MalignancyBasis.OPINION, rating=ratings.malignancy),
        texture=None if ratings is None else _texture(ratings.texture),
        read=Read(
            reader=reader,
            role=ReaderRole.RATER,
            round=2,
            blinded_to=(),
            tool="LIDC",
            tool_version="unblinded read",
        ),
    )


def _texture(rating: int) -> Texture:
    """LIDC: 1 non-solid, 3 part-solid, 5 solid; 2 and 4 lie between and count as part-solid."""
    return {1: Texture.GROUND_GLASS, 5: Texture.SOLID}.get(rating, Texture.PART_SOLID)
