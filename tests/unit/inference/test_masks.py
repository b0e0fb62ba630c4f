from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtVolume
from lungai_core.inference.masks import (
    NoduleVoxels,
    connected_part,
    long_axis_mm,
    measure_mask,
    place_on_ct,
    sphere_diameter_mm,
)
from support.volumes import series_of

CENTER = np.asarray((2.0, -3.0, 5.0))
HEAD_FIRST = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
FEET_FIRST = ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0))
CORONAL = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0))


def _grid(shape, spacing, axes, shift=(0.0, 0.0, 0.0)):
    middle = (np.asarray(shape) - 1) / 2 * np.asarray(spacing)
    origin = CENTER + np.asarray(shift) - middle @ np.asarray(axes)
    return Geometry(shape, spacing, tuple(float(v) for v in origin), axes)


def _sphere_logit(grid, radius_mm, center=CENTER):
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape_zyx), indexing="ij"), axis=-1)
    return (radius_mm - np.linalg.norm(grid.lps_from_index(index) - center, axis=-1)).astype(np.float32)


def _place(logit, patch, volume, center=CENTER):
    return place_on_ct(
        logit, patch=patch, volume=volume, center_lps_mm=tuple(float(c) for c in center), threshold_logit=0.0
    )


@pytest.mark.verifies("SRS-INFER-005", "RC-INFER-004")
@settings(max_examples=20, deadline=None)
@given(
    axes=st.sampled_from([HEAD_FIRST, FEET_FIRST, CORONAL]),
    slice_mm=st.sampled_from([0.625, 1.25, 2.5]),
    radius_mm=st.floats(5, 14),
    shift=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
)
def test_a_sphere_lands_where_it_is_with_its_diameter(axes, slice_mm, radius_mm, shift):
    spacing = (slice_mm, 0.8, 0.8)
    volume = _grid((72, 80, 80), spacing, axes, shift)
    patch = _grid((48, 48, 48), (1.0, 1.0, 1.0), axes)
    nodule = _place(_sphere_logit(patch, radius_mm), patch, volume)
    found = np.argwhere(nodule.inside) + np.asarray(nodule.lower_zyx)
    centroid = volume.lps_from_index(found).mean(axis=0)
    assert np.all(np.abs(centroid - CENTER) <= max(spacing) / 2)
    voxel_volume = slice_mm * 0.64
    assert sphere_diameter_mm(len(found) * voxel_volume) == pytest.approx(2 * radius_mm, abs=max(spacing))
    assert long_axis_mm(nodule, spacing_zyx_mm=spacing) == pytest.approx(2 * radius_mm, abs=max(spacing))
    assert not nodule.touches_border


@pytest.mark.verifies("SRS-INFER-005")
@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.bool_, (6, 7, 8), elements=st.booleans()), st.data())
def test_the_connected_part_is_that_of_an_independent_labelling(mask, data):
    found = np.argwhere(mask)
    if not len(found):
        return
    seed = tuple(int(i) for i in found[data.draw(st.integers(0, len(found) - 1))])
    labels, _ = ndimage.label(mask)
    assert np.array_equal(connected_part(mask, seed_zyx=seed), labels == labels[seed])


@pytest.mark.verifies("SRS-INFER-005", "RC-INFER-004")
def test_a_neighbour_is_left_out_and_a_mask_far_from_the_candidate_is_empty():
    volume = _grid((60, 90, 90), (1.25, 0.8, 0.8), HEAD_FIRST)
    patch = _grid((48, 48, 48), (1.0, 1.0, 1.0), HEAD_FIRST)
    neighbour = CENTER + np.asarray((16.0, 0.0, 0.0))
    alone = _sphere_logit(patch, 5.0)
    both = np.maximum(alone, _sphere_logit(patch, 4.0, neighbour))
    assert np.array_equal(_place(both, patch, volume).inside, _place(alone, patch, volume).inside)
    assert not _place(_sphere_logit(patch, 4.0, neighbour), patch, volume).inside.any()


@pytest.mark.verifies("SRS-INFER-005")
def test_a_nodule_that_reaches_the_end_of_the_patch_says_so():
    grid = _grid((30, 30, 30), (1.0, 1.0, 1.0), HEAD_FIRST)
    assert _place(_sphere_logit(grid, 40.0), grid, grid).touches_border


@pytest.mark.verifies("SRS-INFER-005")
def test_volume_and_density_are_those_of_the_marked_voxels():
    grid = Geometry((4, 5, 6), (2.0, 0.5, 0.5), (0.0, 0.0, 0.0))
    stored = np.arange(120, dtype=np.int16).reshape(4, 5, 6)
    volume = CtVolume(stored, 2.0, -1000.0, grid, series_of(4))
    inside = np.zeros((2, 2, 2), np.bool_)
    inside[0, 1, 1] = inside[1, 1, 1] = True
    mask = measure_mask(NoduleVoxels(inside, (1, 2, 3), touches_border=False), volume=volume)
    values = [stored[1, 3, 4] * 2.0 - 1000, stored[2, 3, 4] * 2.0 - 1000]
    assert (mask.voxels, mask.volume_mm3, mask.mean_hu) == (2, 1.0, pytest.approx(np.mean(values)))
    assert mask.box.lower_zyx == (1, 3, 4)
    assert mask.sd_hu == pytest.approx(np.std(values), abs=0.01)


@pytest.mark.verifies("SRS-INFER-005")
def test_an_empty_mask_has_no_measure():
    nothing = NoduleVoxels(np.zeros((2, 2, 2), np.bool_), (0, 0, 0), touches_border=False)
    grid = Geometry((2, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    volume = CtVolume(np.zeros((2, 2, 2), np.int16), 1.0, 0.0, grid, series_of(2))
    assert measure_mask(nothing, volume=volume) is None
    assert long_axis_mm(nothing, spacing_zyx_mm=(1.0, 1.0, 1.0)) == 0.0
