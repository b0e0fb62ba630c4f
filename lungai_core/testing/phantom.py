"""A thorax phantom with known nodules: analytic shapes sampled on any CT grid, with noise, the same for the same seed.

A phantom exercises software. It has no bearing on clinical performance, and every result made from one says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np
from pydantic import Field

from lungai_core.domain.candidate import Candidate, CandidateList
from lungai_core.domain.geometry import Geometry, Shape, Vector
from lungai_core.domain.model import FrozenModel
from lungai_core.domain.volume import CtSeries, CtVolume

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["NoduleKind", "Phantom", "PhantomNodule", "PhantomSpec", "make_phantom", "nodule_coverage"]

_Array: TypeAlias = "NDArray[np.float32]"
_Positive = Annotated[float, Field(gt=0)]

PHANTOM_UID_ROOT = "2.25.3141592653589793"
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"

# Radiodensities in HU, rounded textbook values; nothing is measured on them.
_AIR, _LUNG, _FAT, _SOFT, _BLOOD, _BONE = -1000.0, -860.0, -100.0, 40.0, 45.0, 450.0

# Ellipsoids as (centre, semi-axes), LPS mm around the middle of the thorax; the right lung first.
LUNGS = (((-74.0, 0.0, 0.0), (58.0, 84.0, 112.0)), ((76.0, 2.0, 0.0), (54.0, 82.0, 108.0)))
_HEART = ((22.0, -28.0, -45.0), (48.0, 44.0, 55.0))
_VESSELS_PER_LUNG = 14
_SPICULES = 14


class NoduleKind(StrEnum):
    """What a phantom nodule is made of.

    :implements: SRS-TEST-001, SDS-TEST-001
    """

    SOLID = "solid"
    SPICULATED = "spiculated"
    PART_SOLID = "part-solid"
    GROUND_GLASS = "ground-glass"
    CALCIFIED = "calcified"


_NODULE_HU = {
    NoduleKind.SOLID: 35.0,
    NoduleKind.SPICULATED: 35.0,
    NoduleKind.PART_SOLID: -550.0,
    NoduleKind.GROUND_GLASS: -600.0,
    NoduleKind.CALCIFIED: 300.0,
}


class PhantomNodule(FrozenModel):
    """One nodule of known place, size and kind.

    :implements: SRS-TEST-001, SDS-TEST-001

    ``center_lps_mm`` is the centre in LPS mm, ``diameter_mm`` that of the sphere (without spicules).
    """

    nodule_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    center_lps_mm: Vector
    diameter_mm: _Positive
    kind: NoduleKind = NoduleKind.SOLID


_DEFAULT_NODULES = (
    PhantomNodule(nodule_id="solid-8mm", center_lps_mm=(-88.0, -30.0, 40.0), diameter_mm=8.0),
    PhantomNodule(
        nodule_id="spiculated-18mm", center_lps_mm=(84.0, 25.0, 35.0), diameter_mm=18.0, kind=NoduleKind.SPICULATED
    ),
    PhantomNodule(
        nodule_id="part-solid-16mm", center_lps_mm=(-70.0, 35.0, -30.0), diameter_mm=16.0, kind=NoduleKind.PART_SOLID
    ),
    PhantomNodule(
        nodule_id="ground-glass-12mm",
        center_lps_mm=(92.0, -10.0, -25.0),
        diameter_mm=12.0,
        kind=NoduleKind.GROUND_GLASS,
    ),
    PhantomNodule(
        nodule_id="calcified-6mm", center_lps_mm=(-95.0, 10.0, -55.0), diameter_mm=6.0, kind=NoduleKind.CALCIFIED
    ),
)


class PhantomSpec(FrozenModel):
    """Everything that decides a phantom; equal specs give equal bytes.

    :implements: SRS-TEST-002, SDS-TEST-001

    ``center_lps_mm`` is the middle of the grid, LPS in mm; (0, 0, 0) is the middle of the thorax. ``spacing_zyx_mm`` is
    the voxel spacing in mm, ``noise_hu`` the standard deviation of the noise in HU, ``axes_zyx_lps`` the orientation of
    the grid as in ``Geometry``.
    """

    seed: Annotated[int, Field(ge=0)] = 0
    shape_zyx: Shape = (128, 320, 320)
    spacing_zyx_mm: tuple[_Positive, _Positive, _Positive] = (2.0, 1.1, 1.1)
    center_lps_mm: Vector = (0.0, 0.0, 0.0)
    axes_zyx_lps: tuple[Vector, Vector, Vector] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    noise_hu: Annotated[float, Field(ge=0)] = 18.0
    nodules: tuple[PhantomNodule, ...] = _DEFAULT_NODULES

    @property
    def geometry(self) -> Geometry:
        """The grid in patient space."""
        half_mm = (np.asarray(self.shape_zyx) - 1) / 2 * np.asarray(self.spacing_zyx_mm)
        x, y, z = map(float, np.asarray(self.center_lps_mm) - half_mm @ np.asarray(self.axes_zyx_lps))
        return Geometry(self.shape_zyx, self.spacing_zyx_mm, (x, y, z), self.axes_zyx_lps)


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A generated CT with its truth.

    :implements: SRS-TEST-001, SDS-TEST-001

    Parameters
    ----------
    spec
        What it was made from; ``spec.nodules`` is the truth.
    volume
        The CT: uint16 stored values, HU = stored - 1024.
    """

    spec: PhantomSpec
    volume: CtVolume

    @property
    def candidates(self) -> CandidateList:
        """The centres of the nodules, as a detector would hand them over."""
        return CandidateList(
            series_instance_uid=self.volume.series.series_instance_uid,
            candidates=tuple(
                Candidate(candidate_id=nodule.nodule_id, center_lps_mm=nodule.center_lps_mm)
                for nodule in self.spec.nodules
            ),
        )


def make_phantom(spec: PhantomSpec, /) -> Phantom:
    """Generate the CT of a phantom.

    :implements: SRS-TEST-001, SRS-TEST-002, SDS-TEST-001

    Parameters
    ----------
    spec
        Grid, noise, nodules and seed.

    Returns
    -------
    Phantom
        With a volume of shape ``spec.shape_zyx``. Borders of shapes are blended over one voxel, so that the partial
        volume of a nodule is right to the first order.
    """
    geometry = spec.geometry
    generator = np.random.Generator(np.random.Philox(spec.seed))
    hu = np.empty(spec.shape_zyx, dtype=np.float32)
    for z in range(spec.shape_zyx[0]):
        hu[z] = _thorax_slice(_slice_positions(geometry, z), softness_mm=max(spec.spacing_zyx_mm[1:]))
    for start, end, radius_mm in _vessel_tree(generator):
        _blend_capsule(hu, geometry, start, end, radius_mm=radius_mm, value_hu=_BLOOD)
    for nodule in spec.nodules:
        _blend_nodule(hu, geometry, nodule, generator)
    hu += _noise(generator, spec)
    stored = np.clip(np.rint(hu + 1024), 0, 4095).astype(np.uint16)
    return Phantom(
        spec=spec,
        volume=CtVolume(
            stored=stored,
            rescale_slope=1.0,
            rescale_intercept=-1024.0,
            geometry=geometry,
            series=_series(spec),
        ),
    )


def nodule_coverage(nodule: PhantomNodule, geometry: Geometry, /) -> _Array:
    """Return the share of each voxel that a nodule's sphere fills.

    :implements: SRS-TEST-001, SDS-TEST-001

    Parameters
    ----------
    nodule
        The truth; spicules do not count.
    geometry
        The grid to sample on.

    Returns
    -------
    numpy.ndarray
        ``geometry.shape_zyx`` float32 in [0, 1]; at 0.5 and above it is the nodule's mask.
    """
    coverage = np.zeros(geometry.shape_zyx, dtype=np.float32)
    box = _box_around(geometry, nodule.center_lps_mm, nodule.diameter_mm / 2)
    coverage[box] = _sphere_coverage(_box_positions(geometry, box), nodule, geometry)
    return coverage


def _series(spec: PhantomSpec) -> CtSeries:
    stem = f"{PHANTOM_UID_ROOT}{spec.seed}"
    return CtSeries(
        study_instance_uid=f"{stem}1",
        series_instance_uid=f"{stem}2",
        frame_of_reference_uid=f"{stem}3",
        sop_class_uid=CT_IMAGE_STORAGE,
        sop_instance_uids=tuple(f"{stem}4{index + 1:05d}" for index in range(spec.shape_zyx[0])),
        slice_thickness_mm=spec.spacing_zyx_mm[0],
        convolution_kernel="PHANTOM",
        manufacturer="lungai-core phantom",
        body_part_examined="CHEST",
    )


def _slice_positions(geometry: Geometry, z: int) -> _Array:
    _, rows, columns = geometry.shape_zyx
    positions: _Array = _box_positions(geometry, (slice(z, z + 1), slice(0, rows), slice(0, columns)))[0]
    return positions


def _box_positions(geometry: Geometry, box: tuple[slice, slice, slice]) -> _Array:
    """Positions ``(z, y, x, 3)`` in LPS mm of the voxels of an index box."""
    index = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), axis=-1)
    positions: _Array = geometry.lps_from_index(index).astype(np.float32)
    return positions


def _box_around(geometry: Geometry, points_lps_mm: ArrayLike, radius_mm: float) -> tuple[slice, slice, slice]:
    """Return the index box that holds the balls around ``(..., 3)`` points, two voxels wider and cut to the grid."""
    points = np.atleast_2d(geometry.index_from_lps(points_lps_mm))
    reach = radius_mm / np.asarray(geometry.spacing_zyx_mm) + 2
    lower = np.clip(np.floor(points.min(axis=0) - reach), 0, geometry.shape_zyx).astype(int)
    upper = np.clip(np.ceil(points.max(axis=0) + reach) + 1, 0, geometry.shape_zyx).astype(int)
    z, y, x = (slice(int(a), int(max(a, b))) for a, b in zip(lower, upper, strict=True))
    return z, y, x


def _coverage(signed_distance_mm: _Array, width_mm: float) -> _Array:
    """Share of a voxel inside a surface: 1 inside, 0 outside, linear over one voxel's width."""
    coverage: _Array = np.clip(0.5 - signed_distance_mm / np.float32(width_mm), 0, 1)
    return coverage


def _ellipsoid_distance(positions: _Array, center: Vector, semi_axes: Vector) -> _Array:
    """Approximate signed distance in mm to an ellipsoid: exact on its surface, negative inside."""
    scaled = (positions - np.asarray(center, np.float32)) / np.asarray(semi_axes, np.float32)
    distance: _Array = (np.linalg.norm(scaled, axis=-1) - 1) * np.float32(min(semi_axes))
    return distance


def _cylinder_distance(positions: _Array, semi_axes_xy: tuple[float, float]) -> _Array:
    """Do the same for an elliptic cylinder along the patient's z axis."""
    scaled = positions[..., :2] / np.asarray(semi_axes_xy, np.float32)
    distance: _Array = (np.linalg.norm(scaled, axis=-1) - 1) * np.float32(min(semi_axes_xy))
    return distance


def _thorax_slice(positions: _Array, *, softness_mm: float) -> _Array:
    """HU of skin, fat, muscle, ribs, spine, lungs, heart and trachea at ``(..., 3)`` positions."""
    hu = np.full(positions.shape[:-1], _AIR, dtype=np.float32)

    def fill(distance_mm: _Array, value_hu: float) -> None:
        share = _coverage(distance_mm, softness_mm)
        hu[...] = hu * (1 - share) + np.float32(value_hu) * share

    fill(_cylinder_distance(positions, (172.0, 118.0)), _FAT)
    fill(_cylinder_distance(positions, (160.0, 106.0)), _SOFT)
    fill(_rib_distance(positions), _BONE)
    for center, semi_axes in LUNGS:
        fill(_ellipsoid_distance(positions, center, semi_axes), _LUNG)
    fill(_ellipsoid_distance(positions, *_HEART), _SOFT)
    column = np.array([0.0, 78.0], np.float32)
    fill(np.linalg.norm(positions[..., :2] - column, axis=-1) - 19, _BONE)
    airway = np.array([0.0, 18.0], np.float32)
    fill(np.maximum(np.linalg.norm(positions[..., :2] - airway, axis=-1) - 9, 20 - positions[..., 2]), _AIR)
    return hu


def _rib_distance(positions: _Array) -> _Array:
    """Slanted rings, 26 mm apart, in the shell between lungs and skin."""
    shell_mm = np.abs(_cylinder_distance(positions, (147.0, 96.0))) - 4
    slant_mm = positions[..., 2] - np.float32(0.25) * positions[..., 1]
    ring_mm = np.abs(np.mod(slant_mm, np.float32(26)) - 13) - 5
    distance: _Array = np.maximum(shell_mm, ring_mm)
    return distance


def _vessel_tree(generator: np.random.Generator) -> list[tuple[NDArray[np.float64], NDArray[np.float64], float]]:
    """Vessels from each hilum into its lung, as straight pieces (start, end, radius in mm) that grow thinner."""
    pieces = []
    for center, semi_axes in LUNGS:
        hilum = np.array([center[0] * 0.45, center[1], center[2]])
        for _ in range(_VESSELS_PER_LUNG):
            direction = generator.normal(size=3)
            tip = np.asarray(center) + 0.85 * np.asarray(semi_axes) * direction / np.linalg.norm(direction)
            bend = (hilum + tip) / 2 + generator.normal(scale=9, size=3)
            pieces += [(hilum, bend, 2.6), (bend, tip, 1.3)]
    return pieces


def _blend(hu: _Array, box: tuple[slice, slice, slice], share: _Array, value_hu: float) -> None:
    hu[box] = hu[box] * (1 - share) + np.float32(value_hu) * share


def _blend_capsule(
    hu: _Array,
    geometry: Geometry,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    *,
    radius_mm: float,
    value_hu: float,
) -> None:
    box = _box_around(geometry, (start, end), radius_mm)
    positions = _box_positions(geometry, box) - start.astype(np.float32)
    axis = (end - start).astype(np.float32)
    along = np.clip(positions @ axis / np.dot(axis, axis), 0, 1)
    distance_mm = np.linalg.norm(positions - along[..., None] * axis, axis=-1) - np.float32(radius_mm)
    _blend(hu, box, _coverage(distance_mm, min(geometry.spacing_zyx_mm)), value_hu)


def _sphere_coverage(positions: _Array, nodule: PhantomNodule, geometry: Geometry, *, scale: float = 1.0) -> _Array:
    """Share of each voxel in the sphere, from 5 x 5 x 5 points a voxel: exact enough for truth on thick slices."""
    steps = (np.arange(5, dtype=np.float64) - 2) / 5
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    shifts_mm = geometry.lps_from_index(offsets) - np.asarray(geometry.origin_lps_mm)
    center = np.asarray(nodule.center_lps_mm)
    radius_mm = nodule.diameter_mm / 2 * scale
    inside = np.zeros(positions.shape[:-1], dtype=np.float32)
    for shift_mm in shifts_mm:
        inside += np.linalg.norm(positions + (shift_mm - center).astype(np.float32), axis=-1) <= radius_mm
    return inside / np.float32(len(shifts_mm))


def _blend_nodule(hu: _Array, geometry: Geometry, nodule: PhantomNodule, generator: np.random.Generator) -> None:
    center = np.asarray(nodule.center_lps_mm)
    value_hu = _NODULE_HU[nodule.kind]
    if nodule.kind is NoduleKind.SPICULATED:
        for _ in range(_SPICULES):
            direction = generator.normal(size=3)
            tip = center + direction / np.linalg.norm(direction) * nodule.diameter_mm * generator.uniform(0.7, 0.95)
            _blend_capsule(hu, geometry, center, tip, radius_mm=1.0, value_hu=value_hu)
    box = _box_around(geometry, center, nodule.diameter_mm / 2)
    positions = _box_positions(geometry, box)
    _blend(hu, box, _sphere_coverage(positions, nodule, geometry), value_hu)
    if nodule.kind is NoduleKind.PART_SOLID:
        _blend(hu, box, _sphere_coverage(positions, nodule, geometry, scale=0.5), _NODULE_HU[NoduleKind.SOLID])


def _noise(generator: np.random.Generator, spec: PhantomSpec) -> _Array:
    """Noise with the short in-plane correlation of a reconstruction kernel, scaled to ``noise_hu``."""
    white = generator.standard_normal(spec.shape_zyx, dtype=np.float32)
    smooth = white + 0.5 * (np.roll(white, 1, axis=1) + np.roll(white, 1, axis=2))
    noise: _Array = smooth * np.float32(spec.noise_hu / np.sqrt(1.5))
    return noise
