"""A plan of phantom cases: nodules, grids, noise and situations, varied by counting and by one seed."""

from __future__ import annotations

from enum import StrEnum
from itertools import cycle

import numpy as np

from lungai_core.domain.candidate import Candidate, CandidateList
from lungai_core.domain.geometry import Vector
from lungai_core.domain.model import FrozenModel
from lungai_core.testing.phantom import LUNGS, NoduleKind, PhantomNodule, PhantomSpec

__all__ = ["CaseSituation", "GridOrientation", "PhantomCase", "phantom_plan"]

# Slice spacing and in-plane spacing in mm. Each grid is 90 mm wide, so that a patch sees what a whole CT would show it.
_SPACINGS_ZX_MM = ((2.5, 1.0), (4.0, 0.9), (1.5, 1.5), (3.0, 1.0), (5.0, 0.8))
_WIDTH_MM = 90.0
_DIAMETERS_MM = (4.0, 30.0)
_SECOND_DIAMETER_MM = 9.0
_GAP_MM = 10.0
_NOISE_HU = (5.0, 40.0)
_SHIFT_MM = 4.0
_JITTER_MM = 1.5
# Nodules stay in the inner part of a lung's ellipsoid.
_LUNG_SHARE = 0.6
_EVERY_SECOND_NODULE = 7
_EVERY_SITUATION = 20
_FAR_AWAY_MM = 900.0


class CaseSituation(StrEnum):
    """What a case is made to show.

    :implements: SRS-TEST-005, SDS-TEST-004
    """

    COMPLETE = "complete"
    NO_CANDIDATES = "no candidates"
    OUTSIDE_VOLUME = "one candidate outside the volume"
    OTHER_SERIES = "candidates of another series"
    MISSING_SLICE = "a missing slice"


class GridOrientation(StrEnum):
    """How the grid lies in the patient.

    :implements: SRS-TEST-005, SDS-TEST-004
    """

    AXIAL = "axial"
    PRONE = "axial, prone"
    HEAD_TO_FEET = "axial, slices from head to feet"
    TILTED = "tilted by 12 degrees"
    TURNED = "turned by 20 degrees"
    CORONAL = "coronal"


_COS_12, _SIN_12 = float(np.cos(np.radians(12))), float(np.sin(np.radians(12)))
_COS_20, _SIN_20 = float(np.cos(np.radians(20))), float(np.sin(np.radians(20)))
# Unit vectors along the array axes z, y, x.
_AXES_ZYX_LPS: dict[GridOrientation, tuple[Vector, Vector, Vector]] = {
    GridOrientation.AXIAL: ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
    GridOrientation.PRONE: ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)),
    GridOrientation.HEAD_TO_FEET: ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)),
    GridOrientation.TILTED: ((0.0, -_SIN_12, _COS_12), (0.0, _COS_12, _SIN_12), (1.0, 0.0, 0.0)),
    GridOrientation.TURNED: ((0.0, 0.0, 1.0), (-_SIN_20, _COS_20, 0.0), (_COS_20, _SIN_20, 0.0)),
    GridOrientation.CORONAL: ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)),
}


class PhantomCase(FrozenModel):
    """One case of a plan.

    :implements: SRS-TEST-005, SDS-TEST-004

    ``spec.nodules`` is the truth. ``candidates_lps_mm`` are the points handed over for them, beside their centres as a
    detector's would be; a candidate has the identifier of its nodule.
    """

    case_id: str
    situation: CaseSituation
    orientation: GridOrientation
    spec: PhantomSpec
    candidates_lps_mm: tuple[Vector, ...]

    def candidates(self, series_instance_uid: str, /) -> CandidateList:
        """Return the candidate list that the situation calls for.

        :implements: SRS-TEST-005, SDS-TEST-004

        Parameters
        ----------
        series_instance_uid
            Of the phantom's series.
        """
        listed = [
            Candidate(candidate_id=nodule.nodule_id, center_lps_mm=center)
            for nodule, center in zip(self.spec.nodules, self.candidates_lps_mm, strict=True)
        ]
        if self.situation is CaseSituation.NO_CANDIDATES:
            listed = []
        if self.situation is CaseSituation.OUTSIDE_VOLUME:
            listed.append(Candidate(candidate_id="outside", center_lps_mm=(0.0, 0.0, _FAR_AWAY_MM)))
        other = self.situation is CaseSituation.OTHER_SERIES
        return CandidateList(
            series_instance_uid=f"{series_instance_uid}9" if other else series_instance_uid, candidates=tuple(listed)
        )


def phantom_plan(count: int, /, *, seed: int) -> tuple[PhantomCase, ...]:
    """Return a plan of cases; the same count and seed give the same plan.

    :implements: SRS-TEST-005, SDS-TEST-004

    Kind, spacing and orientation are counted through, so that every pair of them occurs; the rest is drawn.

    Parameters
    ----------
    count
        How many cases, at least 1. Every twentieth shows a situation that is not a complete one.
    seed
        Of the draws.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    unusual = cycle(list(CaseSituation)[1:])
    return tuple(
        _case(number, generator, situation=CaseSituation.COMPLETE if number % _EVERY_SITUATION else next(unusual))
        for number in range(1, count + 1)
    )


def _case(number: int, generator: np.random.Generator, /, *, situation: CaseSituation) -> PhantomCase:
    slice_mm, pixel_mm = _SPACINGS_ZX_MM[number // 5 % len(_SPACINGS_ZX_MM)]
    orientation = list(GridOrientation)[(number + number // 25) % len(GridOrientation)]
    nodules = _nodules(number, generator)
    middle = np.asarray(nodules[0].center_lps_mm) + generator.uniform(-_SHIFT_MM, _SHIFT_MM, size=3)
    in_plane = round(_WIDTH_MM / pixel_mm)
    spec = PhantomSpec(
        seed=number,
        shape_zyx=(round(_WIDTH_MM / slice_mm), in_plane, in_plane),
        spacing_zyx_mm=(slice_mm, pixel_mm, pixel_mm),
        center_lps_mm=_vector(middle),
        axes_zyx_lps=_AXES_ZYX_LPS[orientation],
        noise_hu=round(float(generator.uniform(*_NOISE_HU)), 1),
        nodules=nodules,
    )
    return PhantomCase(
        case_id=f"P{number:03d}",
        situation=situation,
        orientation=orientation,
        spec=spec,
        candidates_lps_mm=tuple(
            _vector(np.asarray(nodule.center_lps_mm) + generator.uniform(-_JITTER_MM, _JITTER_MM, size=3))
            for nodule in nodules
        ),
    )


def _nodules(number: int, generator: np.random.Generator, /) -> tuple[PhantomNodule, ...]:
    center, semi_axes = LUNGS[number % len(LUNGS)]
    place = np.asarray(center) + _LUNG_SHARE * np.asarray(semi_axes) * _direction(generator) * np.cbrt(
        generator.uniform()
    )
    low, high = np.log(_DIAMETERS_MM)
    first = PhantomNodule(
        nodule_id="n1",
        center_lps_mm=_vector(place),
        diameter_mm=round(float(np.exp(generator.uniform(low, high))), 1),
        kind=list(NoduleKind)[number % len(NoduleKind)],
    )
    if number % _EVERY_SECOND_NODULE:
        return (first,)
    distance_mm = (first.diameter_mm + _SECOND_DIAMETER_MM) / 2 + _GAP_MM
    second = PhantomNodule(
        nodule_id="n2",
        center_lps_mm=_vector(np.asarray(first.center_lps_mm) + distance_mm * _direction(generator)),
        diameter_mm=_SECOND_DIAMETER_MM,
        kind=list(NoduleKind)[(number + 1) % len(NoduleKind)],
    )
    return first, second


def _direction(generator: np.random.Generator, /) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    direction: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = generator.normal(size=3)
    return direction / np.linalg.norm(direction)


def _vector(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], /) -> Vector:
    x, y, z = (round(float(value), 2) for value in values)
    return x, y, z
