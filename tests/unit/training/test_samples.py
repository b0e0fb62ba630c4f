from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lungai_core.errors import DataSetError
from lungai_core.training.plan import Target
from lungai_core.training.samples import (
    NoduleLabels,
    PreparedNodule,
    fill_context,
    prepare,
    sample_sha256,
    target_of,
    training_input,
)


@pytest.mark.verifies("SRS-TRAIN-006")
def test_a_prepared_nodule_lies_in_the_middle_with_its_true_size(samples):
    for sample in samples[:4]:
        nodule = prepare(sample, contract=training_input(32))
        assert np.allclose(np.argwhere(nodule.mask).mean(axis=0), 15.5, atol=0.3)
        equivalent = (6 * nodule.mask.sum() / np.pi) ** (1 / 3)
        assert abs(equivalent - sample.labels.diameter_mm) < 0.8
        assert nodule.values[nodule.mask].mean() > 0.6
        # 12 slices of 1.6 mm cover 19.2 of 32 mm, 36 and 40 pixels of 0.8 mm cover 28.8 and 32.
        assert 0.4 < nodule.inside.mean() < 0.65
        assert (nodule.values[~nodule.inside] == 0).all()


@pytest.mark.verifies("SRS-TRAIN-008", "RC-TRAIN-003")
def test_the_filled_padding_looks_like_the_lung_of_the_crop_and_keeps_its_middle(samples):
    nodule = prepare(samples[1], contract=training_input(32))
    filled = fill_context(nodule, generator=np.random.default_rng(0))
    assert np.array_equal(filled[10:22, 10:22, 10:22], nodule.values[10:22, 10:22, 10:22])
    outside = filled[~nodule.inside]
    lung = nodule.values[nodule.inside & ~nodule.mask]
    assert abs(np.median(outside) - np.median(lung)) < 0.06
    assert 0.3 < outside.std() / lung.std() < 3
    assert 0 <= filled.min() <= filled.max() <= 1


@pytest.mark.verifies("SRS-TRAIN-008", "RC-TRAIN-003")
def test_a_patch_with_full_context_stays_as_it_is_and_an_empty_one_becomes_typical_lung():
    values = np.full((32, 32, 32), 0.5, dtype=np.float32)
    everywhere, nowhere = np.ones(values.shape, dtype=bool), np.zeros(values.shape, dtype=bool)
    generator = np.random.default_rng(0)
    assert fill_context(PreparedNodule(values, everywhere, None), generator=generator) is values
    one_voxel = nowhere.copy()
    one_voxel[16, 16, 16] = True
    filled = fill_context(PreparedNodule(values, one_voxel, None), generator=generator)
    assert 0.03 < np.median(filled) < 0.2


@pytest.mark.verifies("SRS-TRAIN-006")
def test_the_target_is_one_label_or_the_other():
    labels = NoduleLabels(diagnosis=True, mean_rating=None)
    assert target_of(labels, Target.DIAGNOSIS) is True
    assert target_of(labels, Target.MEAN_RATING) is None


@pytest.mark.verifies("SRS-TRAIN-006")
@pytest.mark.parametrize("mask", [np.zeros((12, 36, 40), dtype=bool), np.ones((2, 2, 2), dtype=bool)])
def test_an_empty_mask_and_one_of_another_shape_are_refused(samples, mask):
    with pytest.raises(DataSetError, match="mask is empty or has another shape"):
        dataclasses.replace(samples[0], mask=mask)


@pytest.mark.verifies("SRS-TRAIN-006")
def test_a_nodule_without_mask_has_none_after_preparation(samples):
    bare = dataclasses.replace(samples[0], mask=None)
    assert prepare(bare, contract=training_input(32)).mask is None


@pytest.mark.verifies("SRS-TRAIN-007")
def test_the_identity_of_an_image_is_its_voxels_and_shape(samples):
    assert len({sample_sha256(sample) for sample in samples}) == len(samples)
    assert sample_sha256(samples[0]) == sample_sha256(dataclasses.replace(samples[0], sample_id="other"))
