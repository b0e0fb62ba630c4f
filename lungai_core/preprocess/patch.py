"""Patches around candidates, sampled straight from the native grid."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.candidate import require_inside
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.patch import Patch
from lungai_core.preprocess.axes import AxisPlan, plan_axis
from lungai_core.preprocess.interpolation import ValueMap, interpolate
from lungai_core.preprocess.kernels import Kernel
from lungai_core.preprocess.threads import require_threads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lungai_core.domain.candidate import Candidate
    from lungai_core.domain.contract import InputContract
    from lungai_core.domain.volume import CtVolume

__all__ = ["extract_patch", "extract_patches"]


def extract_patch(
    volume: CtVolume, candidate: Candidate, /, *, contract: InputContract, kernel: Kernel = Kernel.NUMPY
) -> Patch:
    """Sample the patch of one candidate.

    :implements: SRS-PREP-001, SRS-PREP-002, SRS-PREP-006, SDS-PREP-001, SDS-PREP-002

    The patch is centred on the candidate; with an even size the centre lies between the two middle voxels. Its axes are
    those of the volume, whatever their orientation. Values are linear interpolations of HU, then clipped to the
    contract's window and mapped to [0, 1]; nothing outside the patch is computed. Voxels of padding take part with the
    value that the series gives them, as in SimpleITK: at or below the window's lower end they become 0.

    Parameters
    ----------
    volume
        The CT.
    candidate
        Its centre, LPS in mm, inside the volume.
    contract
        Size, spacing, window and fill value.
    kernel
        What computes the values. The result is the same, bit by bit, for each.

    Returns
    -------
    Patch
        ``(1, z, y, x)`` float32 in [0, 1].

    Raises
    ------
    CandidateOutsideVolumeError
        If the centre lies outside the volume.
    MissingDependencyError
        If the kernel is not installed.
    """
    return _sample(volume, candidate, contract, kernel, np.empty((1, *contract.size_zyx), dtype=np.float32))


def extract_patches(
    volume: CtVolume,
    candidates: Iterable[Candidate],
    /,
    *,
    contract: InputContract,
    threads: int = 1,
    kernel: Kernel = Kernel.NUMPY,
) -> tuple[Patch, ...]:
    """Sample the patches of several candidates, in their order. They share one array, of which each is a view.

    :implements: SRS-PREP-001, SRS-PREP-004, SDS-PREP-001

    Parameters
    ----------
    volume, contract, kernel
        As for :func:`extract_patch`.
    candidates
        Each inside the volume.
    threads
        How many patches are computed at a time, 1 to 64. The result is the same, bit by bit, for any number.

    Raises
    ------
    CandidateOutsideVolumeError
        If a centre lies outside the volume.
    InvalidArgumentError
        If ``threads`` is out of range.
    MissingDependencyError
        If the kernel is not installed.
    """
    require_threads(threads)
    chosen = tuple(candidates)
    # One array for all: the system hands out large memory in large pages, which takes a quarter of the time off.
    values = np.empty((len(chosen), 1, *contract.size_zyx), dtype=np.float32)
    if threads == 1:
        return tuple(_sample(volume, one, contract, kernel, part) for one, part in zip(chosen, values, strict=True))
    with ThreadPoolExecutor(threads) as pool:
        return tuple(pool.map(lambda one, part: _sample(volume, one, contract, kernel, part), chosen, values))


def _sample(
    volume: CtVolume, candidate: Candidate, contract: InputContract, kernel: Kernel, values: NDArray[np.float32]
) -> Patch:
    """Write a candidate's surroundings into ``values`` ``(1, z, y, x)``."""
    require_inside(candidate, volume.geometry)
    center = volume.geometry.index_from_lps(candidate.center_lps_mm).tolist()
    plans = _plans(center, volume.geometry, contract)
    inside = math.prod(plan.end - plan.begin for plan in plans)
    total = math.prod(contract.size_zyx)
    if inside < total:
        values[...] = min(max(_window(contract, contract.fill_hu), 0.0), 1.0)
    window = ValueMap(
        scale=volume.rescale_slope / (contract.upper_hu - contract.lower_hu),
        offset=_window(contract, volume.rescale_intercept),
        lower=0.0,
        upper=1.0,
    )
    interpolate(volume.stored, plans, values[0], value_map=window, kernel=kernel)
    return Patch(
        values=values,
        geometry=_patch_geometry(center, volume.geometry, contract),
        candidate_id=candidate.candidate_id,
        outside_fraction=1.0 - inside / total,
    )


def _plans(center: list[float], geometry: Geometry, contract: InputContract) -> tuple[AxisPlan, AxisPlan, AxisPlan]:
    plan_z, plan_y, plan_x = (
        plan_axis(start=middle - (count - 1) / 2 * step, step=step, count=count, size=size)
        for middle, step, count, size in zip(
            center, _steps(geometry, contract), contract.size_zyx, geometry.shape_zyx, strict=True
        )
    )
    return plan_z, plan_y, plan_x


def _steps(geometry: Geometry, contract: InputContract) -> tuple[float, ...]:
    """Return the contract's spacing in native voxels."""
    return tuple(
        target / native for target, native in zip(contract.spacing_zyx_mm, geometry.spacing_zyx_mm, strict=True)
    )


def _patch_geometry(center: list[float], geometry: Geometry, contract: InputContract) -> Geometry:
    steps = _steps(geometry, contract)
    corner = [m - (count - 1) / 2 * step for m, step, count in zip(center, steps, contract.size_zyx, strict=True)]
    x, y, z = geometry.lps_from_index(corner).tolist()
    return Geometry(contract.size_zyx, contract.spacing_zyx_mm, (x, y, z), geometry.axes_zyx_lps)


def _window(contract: InputContract, hu: float) -> float:
    """Map a value in HU by the contract's window, without clipping it."""
    return (hu - contract.lower_hu) / (contract.upper_hu - contract.lower_hu)
