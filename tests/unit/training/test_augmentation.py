from __future__ import annotations

import numpy as np
import pytest

from lungai_core.training.augmentation import Augmentation, apply_augmentation, draw_augmentation
from lungai_core.training.plan import AugmentationPlan

STILL = {
    "rotation_zyx_rad": (0.0, 0.0, 0.0),
    "scale": 1.0,
    "flips": (),
    "shift_zyx_voxels": (0.0, 0.0, 0.0),
    "gamma": 1.0,
    "noise_sigma": 0.0,
    "noise_seed": 0,
}


def blob(center=(20.0, 12.0, 15.0), radius=6.0):
    z, y, x = np.ogrid[:32, :32, :32]
    mask = (z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2 <= radius**2
    return np.where(mask, 0.8, 0.1).astype(np.float32), mask


def still(**changes):
    return Augmentation(**{**STILL, **changes})


@pytest.mark.verifies("SRS-TRAIN-008")
def test_the_identity_changes_nothing():
    values, mask = blob()
    varied, label = apply_augmentation(values, mask, still(), edge=32)
    assert np.allclose(varied, values, atol=1e-5)
    assert np.array_equal(label, mask)


@pytest.mark.verifies("SRS-TRAIN-008")
@pytest.mark.parametrize("scale", [0.8, 1.2])
def test_a_scale_makes_the_nodules_diameter_larger_by_that_factor(scale):
    values, mask = blob(center=(15.5, 15.5, 15.5), radius=8.0)
    _, label = apply_augmentation(values, mask, still(scale=scale), edge=32)
    assert (label.sum() / mask.sum()) ** (1 / 3) == pytest.approx(scale, abs=0.02)


@pytest.mark.verifies("SRS-TRAIN-008")
def test_image_and_mask_move_together_under_rotation_and_flip():
    values, mask = blob()
    varied, label = apply_augmentation(
        values, mask, still(rotation_zyx_rad=(0.2, -0.1, 0.15), flips=(0, 2), scale=1.1), edge=32
    )
    assert not np.array_equal(label, mask)
    bright = varied > 0.45
    assert 2 * (bright & label).sum() / (bright.sum() + label.sum()) > 0.95


@pytest.mark.verifies("SRS-TRAIN-008")
def test_a_flip_mirrors_the_named_axis():
    values, mask = blob()
    varied, label = apply_augmentation(values, mask, still(flips=(1,)), edge=32)
    assert np.array_equal(label, mask[:, ::-1])
    assert np.allclose(varied, values[:, ::-1], atol=1e-5)


@pytest.mark.verifies("SRS-TRAIN-008")
def test_gamma_keeps_the_ends_and_noise_has_its_sigma_and_stays_within_zero_and_one():
    values, _ = blob()
    bent, label = apply_augmentation(values, None, still(gamma=1.5), edge=32)
    assert label is None
    assert bent.min() == pytest.approx(0.1, abs=1e-4)
    assert bent.max() == pytest.approx(0.8, abs=1e-4)
    flat = np.full((32, 32, 32), 0.5, dtype=np.float32)
    noisy, _ = apply_augmentation(flat, None, still(gamma=1.5, noise_sigma=0.05, noise_seed=3), edge=32)
    assert noisy.std() == pytest.approx(0.05, rel=0.05)
    wild, _ = apply_augmentation(flat, None, still(noise_sigma=5.0), edge=32)
    assert (wild.min(), wild.max()) == (0.0, 1.0)


@pytest.mark.verifies("SRS-TRAIN-008")
def test_drawn_variations_stay_in_the_plans_ranges_and_follow_the_generator():
    plan = AugmentationPlan(probability=1.0)
    drawn = [draw_augmentation(plan, generator=np.random.default_rng(seed)) for seed in range(50)]
    assert drawn == [draw_augmentation(plan, generator=np.random.default_rng(seed)) for seed in range(50)]
    assert all(abs(angle) <= np.pi / 12 for a in drawn for angle in a.rotation_zyx_rad)
    assert all(0.8 <= a.scale <= 1.2 and 0.7 <= a.gamma <= 1.5 and 0 <= a.noise_sigma <= 0.05 for a in drawn)
    assert {axis for a in drawn for axis in a.flips} == {0, 1, 2}
    assert draw_augmentation(AugmentationPlan(probability=0.0), generator=np.random.default_rng(0)) is None


@pytest.mark.verifies("SRS-TRAIN-008")
def test_a_shift_moves_the_patch_over_the_nodule_and_a_smaller_edge_keeps_the_centre():
    values, mask = blob(center=(15.5, 15.5, 15.5), radius=5.0)
    varied, label = apply_augmentation(values, mask, still(shift_zyx_voxels=(2.0, -3.0, 0.0)), edge=24)
    assert varied.shape == label.shape == (24, 24, 24)
    assert np.argwhere(label).mean(axis=0) == pytest.approx([9.5, 14.5, 11.5])
    assert np.allclose(varied, values[6:30, 1:25, 4:28], atol=1e-5)


@pytest.mark.verifies("SRS-TRAIN-008")
def test_drawn_shifts_stay_within_the_plan():
    plan = AugmentationPlan(probability=1.0, shift_mm=2.0)
    drawn = [draw_augmentation(plan, generator=np.random.default_rng(seed)).shift_zyx_voxels for seed in range(50)]
    assert 1.5 < np.abs(drawn).max() <= 2.0
