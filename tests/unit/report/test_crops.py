from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from lungai_core.domain.case_report import Grid
from lungai_core.domain.geometry import Geometry
from lungai_core.report.crops import CROP_LOWER_HU, CROP_UPPER_HU, cut_crop

AXES = {
    "head first": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
    "feet first": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)),
    "prone": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)),
    "coronal slices": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)),
    "sagittal slices": ((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
}


def _centroid_mm(weights, crop):
    index = np.argwhere(weights)
    return (index.mean(axis=0) - (np.asarray(weights.shape) - 1) / 2) * crop.step_mm


def _values_hu(crop):
    return CROP_LOWER_HU + crop.ct / 255 * (CROP_UPPER_HU - CROP_LOWER_HU)


@pytest.mark.verifies("SRS-REPORT-003", "RC-REPORT-001")
@pytest.mark.parametrize("axes", AXES.values(), ids=AXES.keys())
def test_marks_lie_where_they_are_in_the_patient_whatever_the_grid(make, axes):
    volume = make["volume"](axes=axes, shape=(90, 90, 90), spacing=(1.0, 0.8, 0.8))
    crop = cut_crop(volume, make["nodule"](volume))
    # 18 mm to superior, 10 mm to posterior, 14 mm to the patient's left.
    assert _centroid_mm(_values_hu(crop) > 250, crop) == pytest.approx((18.0, 10.0, 14.0), abs=0.8)
    assert _centroid_mm(crop.mask, crop) == pytest.approx((0.0, 0.0, 0.0), abs=0.8)


@pytest.mark.verifies("SRS-REPORT-003", "RC-REPORT-001")
@pytest.mark.parametrize("axes", list(AXES.values())[:3], ids=list(AXES)[:3])
def test_the_mask_and_the_image_of_the_nodule_cover_each_other(make, axes):
    volume = make["volume"](axes=axes)
    crop = cut_crop(volume, make["nodule"](volume))
    near = np.zeros(crop.ct.shape, np.bool_)
    near[26:54, 26:54, 26:54] = True
    bright = (_values_hu(crop) > -400) & near
    assert 2 * np.sum(bright & crop.mask) / (bright.sum() + crop.mask.sum()) > 0.93


@pytest.mark.verifies("SRS-REPORT-003")
def test_heat_lies_in_the_corner_that_the_map_names(make, volume):
    crop = cut_crop(volume, make["nodule"](volume))
    # The map's last voxel is the upper, posterior, left one; its centre lies beyond the crop's corner.
    assert crop.heat[-1, -1, -1] == crop.heat.max() > 100
    assert crop.heat[0, 0, 0] == 0


@pytest.mark.verifies("SRS-REPORT-003")
def test_a_nodule_without_mask_and_map_has_a_crop_without_them(make, volume):
    crop = cut_crop(volume, make["nodule"](volume, mask=None, explanation=None))
    assert not crop.mask.any()
    assert not crop.heat.any()
    assert crop.ct.max() > 200
    with pytest.raises(ValueError, match="read-only"):
        crop.ct[0, 0, 0] = 1


@pytest.mark.verifies("SRS-REPORT-003")
def test_axes_halfway_between_two_directions_still_give_a_crop(make):
    half = float(np.sqrt(0.5))
    volume = make["volume"](axes=((0.0, 0.0, 1.0), (-half, half, 0.0), (half, half, 0.0)))
    assert cut_crop(volume, make["nodule"](volume)).ct.shape == (80, 80, 80)


@pytest.mark.verifies("SRS-REPORT-003", "RC-REPORT-004")
@pytest.mark.parametrize("patch_mm", [32, 64, 96])
def test_heat_is_shown_where_the_network_looked_and_nowhere_else(make, volume, patch_mm):
    """A patch may be smaller or larger than the crop of 64 mm: beyond its border nothing is known."""
    nodule = make["nodule"](volume)
    cells = patch_mm // 8
    grid = Geometry((cells,) * 3, (8.0,) * 3, tuple(c - (patch_mm - 8) / 2 for c in nodule.center_lps_mm))
    full = nodule.explanation.model_copy(update={"grid": Grid.from_geometry(grid), "values": (255,) * cells**3})
    crop = cut_crop(volume, nodule.model_copy(update={"explanation": full}))
    lit = np.argwhere(crop.heat)
    width_mm = (lit.max(axis=0) - lit.min(axis=0) + 1) * crop.step_mm
    assert width_mm == pytest.approx(min(patch_mm, 64), abs=0.8)
    assert crop.heat[tuple(lit.T)].min() == 255


@pytest.mark.verifies("SRS-REPORT-003", "RC-REPORT-004")
@pytest.mark.parametrize(("cells", "step_mm"), [((9, 8, 7), 8.0), ((1, 5, 3), 16.0)])
def test_heat_between_the_maps_voxels_is_that_of_trilinear_interpolation(make, volume, cells, step_mm):
    nodule = make["nodule"](volume)
    lower = tuple(c - (n - 1) * step_mm / 2 + 0.3 for c, n in zip(nodule.center_lps_mm, cells[::-1], strict=True))
    grid = Geometry(cells, (step_mm,) * 3, lower)
    values = np.random.default_rng(0).integers(0, 256, cells)
    known = nodule.explanation.model_copy(
        update={"grid": Grid.from_geometry(grid), "values": tuple(values.ravel().tolist())}
    )
    crop = cut_crop(volume, nodule.model_copy(update={"explanation": known}))
    centre = np.indices(crop.heat.shape).reshape(3, -1).T - (np.asarray(crop.heat.shape) - 1) / 2
    at = grid.index_from_lps(np.asarray(nodule.center_lps_mm) + centre[:, ::-1] * crop.step_mm)
    inside = ((at >= -0.5) & (at <= np.asarray(cells) - 0.5)).all(axis=1)
    wanted = map_coordinates(values.astype(np.float64), at.T, order=1, mode="nearest") * inside
    assert inside.any()
    assert np.abs(crop.heat.ravel() - wanted).max() <= 0.5 + 1e-5


@pytest.mark.verifies("SRS-REPORT-003")
def test_thick_slices_give_a_crop_of_the_same_steps(make):
    volume = make["volume"](shape=(16, 90, 90), spacing=(10.0, 0.6, 0.6))
    crop = cut_crop(volume, make["nodule"](volume))
    assert crop.ct.shape == (80, 80, 80)
    assert _centroid_mm(crop.mask, crop) == pytest.approx((0.0, 0.0, 0.0), abs=0.8)
