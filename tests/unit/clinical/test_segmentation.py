from __future__ import annotations

import numpy as np
import pytest
from monai.metrics import utils as monai_utils

from lungai_core.clinical._surfels import surfel_areas
from lungai_core.clinical.segmentation import MaskOutcome, compare_masks, summarise
from lungai_core.errors import StudyDataError

TOPICS = ("segmentation",)


@pytest.mark.verifies("SRS-CLIN-012")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


SPACING = (1.0, 1.0, 1.0)


def _cube(start, size=6):
    mask = np.zeros((16, 16, 16), dtype=bool)
    mask[start : start + size, 4:10, 4:10] = True
    return mask


@pytest.mark.verifies("SRS-CLIN-012")
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.7), (0.6, 1.7, 1.1)])
def test_the_areas_of_all_256_neighbourhoods_are_those_of_the_published_table(spacing):
    table, _ = monai_utils.create_table_neighbour_code_to_surface_area(spacing)
    assert np.abs(surfel_areas(spacing) - table.numpy()).max() < 1e-6


@pytest.mark.verifies("SRS-CLIN-012", "RC-CLIN-003")
def test_every_empty_mask_has_an_outcome_and_counts():
    empty, cube = np.zeros((16, 16, 16), dtype=bool), _cube(4)
    results = [
        compare_masks(cube, cube, spacing_zyx_mm=SPACING),
        compare_masks(cube, empty, spacing_zyx_mm=SPACING),
        compare_masks(empty, cube, spacing_zyx_mm=SPACING),
        compare_masks(empty, empty, spacing_zyx_mm=SPACING),
    ]
    assert [result.outcome for result in results] == list(MaskOutcome)
    assert [result.dice for result in results] == [1, 0, 0, None]
    summary = summarise(results)
    assert (summary.n, summary.compared, summary.missed, summary.false_positive, summary.both_empty) == (4, 1, 1, 1, 1)
    assert summary.mean_dice == pytest.approx(1 / 3)
    assert summary.mean_hd95_mm == 0


@pytest.mark.verifies("SRS-CLIN-012", "RC-CLIN-003")
def test_a_summary_of_nothing_compared_has_no_mean_distance():
    empty = np.zeros((4, 4, 4), dtype=bool)
    summary = summarise([compare_masks(empty, empty, spacing_zyx_mm=SPACING)])
    assert (summary.mean_dice, summary.mean_hd95_mm, summary.both_empty) == (None, None, 1)


@pytest.mark.verifies("SRS-CLIN-012")
def test_distances_do_not_depend_on_the_surroundings():
    near = compare_masks(_cube(4), _cube(5), spacing_zyx_mm=(2.0, 1.0, 1.0))
    far = compare_masks(np.pad(_cube(4), 9), np.pad(_cube(5), 9), spacing_zyx_mm=(2.0, 1.0, 1.0))
    assert near == far
    assert near.voxels.hd == 2


@pytest.mark.verifies("SRS-CLIN-012")
def test_masks_of_different_grids_are_refused():
    with pytest.raises(StudyDataError, match="different grids"):
        compare_masks(np.zeros((2, 2, 2), dtype=bool), np.zeros((2, 2, 3), dtype=bool), spacing_zyx_mm=SPACING)
