"""Patches and resampled volumes against SimpleITK's linear interpolator, on generated grids."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from lungai_core.domain.candidate import Candidate
from lungai_core.domain.contract import InputContract
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtVolume
from lungai_core.preprocess.axes import plan_axis
from lungai_core.preprocess.interpolation import ValueMap, interpolate
from lungai_core.preprocess.kernels import Kernel
from lungai_core.preprocess.patch import extract_patch
from lungai_core.preprocess.resampling import resample
from support.volumes import series_of

SERIES = series_of()
FILL_HU = -777.0
LOWER_HU, UPPER_HU = -3000.0, 5000.0  # wide enough that nothing is clipped


@st.composite
def rotations(draw):
    """Return three orthonormal right-handed axes z, y, x, turned by three angles."""
    axes = np.eye(3)
    for axis in range(3):
        angle = draw(st.integers(-314, 314)) / 100
        turn = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        axes = axes @ turn
    return tuple(tuple(axis.tolist()) for axis in axes[::-1])


@st.composite
def volumes(draw):
    shape = draw(st.tuples(*[st.integers(1, 14)] * 3))
    spacing = draw(st.tuples(*[st.floats(0.3, 4.0)] * 3))
    origin = draw(st.tuples(*[st.floats(-300, 300)] * 3))
    generator = np.random.default_rng(draw(st.integers(0, 1000)))
    signed = draw(st.booleans())
    stored = generator.integers(0, 3000, shape).astype(np.int16 if signed else np.uint16)
    slope, intercept = draw(st.sampled_from([(1.0, -1024.0), (0.5, -1000.0), (1.0, 0.0)]))
    axes = draw(st.one_of(st.just(((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))), rotations()))
    return CtVolume(stored, slope, intercept, Geometry(shape, spacing, origin, axes), SERIES)


def simpleitk_image(volume):
    image = SimpleITK.GetImageFromArray(volume.hounsfield().astype(np.float64))
    geometry = volume.geometry
    image.SetSpacing(geometry.spacing_zyx_mm[::-1])
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetDirection(np.array(geometry.axes_zyx_lps[::-1]).T.ravel().tolist())
    return image


def simpleitk_sampled(volume, geometry):
    """Return what SimpleITK samples on a grid, and which points are so near a border that rounding decides."""
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetInterpolator(SimpleITK.sitkLinear)
    resampler.SetDefaultPixelValue(FILL_HU)
    resampler.SetSize(geometry.shape_zyx[::-1])
    resampler.SetOutputSpacing(geometry.spacing_zyx_mm[::-1])
    resampler.SetOutputOrigin(geometry.origin_lps_mm)
    resampler.SetOutputDirection(np.array(geometry.axes_zyx_lps[::-1]).T.ravel().tolist())
    values = SimpleITK.GetArrayFromImage(resampler.Execute(simpleitk_image(volume)))
    grid = np.stack(np.meshgrid(*map(np.arange, geometry.shape_zyx), indexing="ij"), axis=-1)
    index = volume.geometry.index_from_lps(geometry.lps_from_index(grid))
    ends = np.stack((np.full(3, -0.5), np.array(volume.geometry.shape_zyx) - 0.5))
    undecided = np.any(np.abs(index[..., None, :] - ends) < 1e-5, axis=(-1, -2))
    return values, undecided


@pytest.mark.verifies("SRS-PREP-001", "SRS-PREP-002", "RC-PREP-001")
@settings(max_examples=60, deadline=None)
@given(
    volume=volumes(),
    place=st.tuples(*[st.floats(0, 1)] * 3),
    size=st.tuples(*[st.integers(1, 12)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 3.0)] * 3),
)
def test_patches_of_any_grid_equal_simpleitk_inside_and_at_the_borders(volume, place, size, spacing):
    contract = InputContract(
        size_zyx=size, spacing_zyx_mm=spacing, lower_hu=LOWER_HU, upper_hu=UPPER_HU, fill_hu=FILL_HU
    )
    index = np.array(place) * (np.array(volume.geometry.shape_zyx) - 1)
    x, y, z = volume.geometry.lps_from_index(index).tolist()
    patch = extract_patch(volume, Candidate(candidate_id="1", center_lps_mm=(x, y, z)), contract=contract)
    expected, undecided = simpleitk_sampled(volume, patch.geometry)
    hu = patch.values[0].astype(np.float64) * (UPPER_HU - LOWER_HU) + LOWER_HU
    assert np.abs(hu - expected)[~undecided].max(initial=0.0) < 0.01


@pytest.mark.verifies("SRS-PREP-003", "RC-PREP-001")
@settings(max_examples=40, deadline=None)
@given(volume=volumes(), spacing=st.tuples(*[st.floats(0.3, 5.0)] * 3))
def test_a_resampled_volume_of_any_grid_equals_simpleitk(volume, spacing):
    result = resample(volume, spacing_zyx_mm=spacing)
    expected, undecided = simpleitk_sampled(volume, result.geometry)
    assert np.abs(result.values_hu - expected)[~undecided].max(initial=0.0) < 0.01
    assert not result.values_hu.flags.writeable


@pytest.mark.verifies("SRS-PREP-004")
@settings(max_examples=20, deadline=None)
@given(volume=volumes(), spacing=st.tuples(*[st.floats(0.1, 0.6)] * 3), threads=st.integers(2, 5))
def test_a_resampled_volume_is_the_same_for_any_number_of_threads(volume, spacing, threads):
    one = resample(volume, spacing_zyx_mm=spacing)
    many = resample(volume, spacing_zyx_mm=spacing, threads=threads)
    assert one.values_hu.tobytes() == many.values_hu.tobytes()


@pytest.mark.verifies("SRS-PREP-001")
@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, 9), start=st.floats(-30, 30), step=st.floats(0.05, 5.0), count=st.integers(1, 20))
def test_an_axis_plan_gives_weights_between_neighbours_that_exist(size, start, step, count):
    plan = plan_axis(start=start, step=step, count=count, size=size)
    assert 0 <= plan.begin <= plan.end <= count
    assert plan.lower.size == plan.upper.size == plan.weight.size == plan.end - plan.begin
    if plan.end > plan.begin:
        assert plan.lower.min() == 0
        assert plan.first + plan.upper.max() == plan.last <= size - 1
        assert np.all((plan.upper - plan.lower >= 0) & (plan.upper - plan.lower <= 1))
        assert np.all((plan.weight >= 0) & (plan.weight < 1))


@pytest.mark.verifies("SRS-PREP-001", "SRS-PREP-004")
@settings(max_examples=30, deadline=None)
@given(volume=volumes(), block_voxels=st.integers(1, 200), factor=st.floats(0.2, 2.0))
def test_values_do_not_depend_on_how_the_rows_are_cut_into_blocks(volume, block_voxels, factor):
    plans = tuple(
        plan_axis(start=-1.0, step=factor, count=int(size / factor) + 3, size=size) for size in volume.stored.shape
    )
    shape = tuple(plan.count for plan in plans)
    whole, cut = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    interpolate(volume.stored, plans, whole, value_map=ValueMap(0.5, 1.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungai_core.preprocess.interpolation._BLOCK_VOXELS", block_voxels)
        interpolate(volume.stored, plans, cut, value_map=ValueMap(0.5, 1.0), threads=2)
    assert whole.tobytes() == cut.tobytes()


@pytest.mark.verifies("SRS-PREP-007")
@settings(max_examples=60, deadline=None)
@given(
    volume=volumes(),
    steps=st.tuples(*[st.floats(0.2, 3.0)] * 3),
    start=st.floats(-3.0, 3.0),
    scale=st.floats(-2.0, 2.0),
    lower=st.sampled_from([-np.inf, 0.0, 100.0]),
)
def test_both_kernels_give_the_same_bits_for_any_grid_and_map(volume, steps, start, scale, lower):
    pytest.importorskip("numba", reason="numba is not installed")
    shape = volume.stored.shape
    plans = tuple(
        plan_axis(start=start, step=step, count=9, size=size) for step, size in zip(steps, shape, strict=True)
    )
    value_map = ValueMap(scale, -50.0, lower, lower + 1000.0 if np.isfinite(lower) else np.inf)
    of_numpy, of_numba = np.zeros((9, 9, 9), np.float32), np.zeros((9, 9, 9), np.float32)
    interpolate(volume.stored, plans, of_numpy, value_map=value_map, kernel=Kernel.NUMPY)
    interpolate(volume.stored, plans, of_numba, value_map=value_map, kernel=Kernel.NUMBA)
    assert of_numpy.tobytes() == of_numba.tobytes()
