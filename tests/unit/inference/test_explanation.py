from __future__ import annotations

import numpy as np
import pytest

from lungai_core.domain.geometry import Geometry
from lungai_core.inference.explanation import explanation_map
from lungai_core.inference.masks import NoduleVoxels

PATCH = Geometry((8, 8, 8), (1.0, 1.0, 1.0), (-3.5, -3.5, -3.5))
CT = Geometry((8, 16, 16), (1.0, 0.5, 0.5), (-3.75, -3.75, -3.5))


def _nodule(box):
    inside = np.zeros(CT.shape_zyx, np.bool_)
    inside[box] = True
    return NoduleVoxels(inside, (0, 0, 0), touches_border=False)


@pytest.mark.verifies("SRS-INFER-007")
def test_the_map_covers_the_patch_with_larger_voxels():
    evidence = np.zeros((2, 4, 2), np.float32)
    evidence[1, 2, 0] = 3.0
    found = explanation_map(evidence, patch=PATCH, nodule=_nodule(np.s_[:0]), volume=CT)
    grid = found.grid.to_geometry()
    assert (grid.shape_zyx, grid.spacing_zyx_mm) == ((2, 4, 2), (4.0, 2.0, 4.0))
    assert grid.lps_from_index((0, 0, 0)).tolist() == [-2.0, -3.0, -2.0]
    assert grid.lps_from_index((-0.5, -0.5, -0.5)).tolist() == PATCH.lps_from_index((-0.5, -0.5, -0.5)).tolist()
    assert (found.scale, max(found.values), found.mass_inside_mask) == (3.0, 255, None)


@pytest.mark.verifies("SRS-INFER-007")
def test_negative_evidence_is_left_out():
    evidence = np.asarray([-5.0, 1.0, 2.0, 0.0], np.float32).reshape(1, 1, 4)
    assert explanation_map(evidence, patch=PATCH, nodule=_nodule(np.s_[:]), volume=CT).values == (0, 128, 255, 0)


@pytest.mark.verifies("SRS-INFER-007")
def test_the_share_inside_the_mask_is_that_of_the_covered_voxels():
    evidence = np.zeros((2, 2, 2), np.float32)
    evidence[0, 0, 0], evidence[1, 1, 1] = 3.0, 1.0
    whole = explanation_map(evidence, patch=PATCH, nodule=_nodule(np.s_[:4, :8, :8]), volume=CT)
    half = explanation_map(evidence, patch=PATCH, nodule=_nodule(np.s_[:2, :8, :8]), volume=CT)
    assert (whole.mass_inside_mask, half.mass_inside_mask) == (0.75, 0.375)


@pytest.mark.verifies("SRS-INFER-007")
def test_a_map_without_positive_evidence_is_all_zero():
    found = explanation_map(np.full((2, 2, 2), -1.0, np.float32), patch=PATCH, nodule=_nodule(np.s_[:]), volume=CT)
    assert (set(found.values), found.scale, found.mass_inside_mask) == ({0}, 0.0, None)
