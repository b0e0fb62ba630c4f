from __future__ import annotations

import dataclasses

import pytest
import torch

from lungai_core.training.batches import epoch_order, evaluation_batches, make_batch, seed_of, training_batches


@pytest.mark.verifies("SRS-TRAIN-010")
def test_a_seed_follows_from_its_parts_in_their_order():
    assert seed_of(1, "a", 2) == seed_of(1, "a", 2)
    assert len({seed_of(1, "a", 2), seed_of(1, "a", 3), seed_of(2, "a", 1), seed_of("1", "a", 2)}) == 4
    assert 0 <= seed_of(0) < 2**63


@pytest.mark.verifies("SRS-TRAIN-009")
def test_an_epoch_sees_each_sample_and_fills_the_last_batch_by_drawing_again():
    batches = epoch_order(10, batch_size=4, seed=1, epoch=1)
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert set(range(10)) == {index for batch in batches for index in batch}
    assert batches != epoch_order(10, batch_size=4, seed=1, epoch=2)
    assert batches == epoch_order(10, batch_size=4, seed=1, epoch=1)


@pytest.mark.verifies("SRS-TRAIN-009", "SRS-TRAIN-011")
def test_two_processes_share_the_patches_that_one_process_has(samples, plan):
    whole = next(training_batches(samples, plan=plan, epoch=3, rank=0, processes=1))
    first, second = (next(training_batches(samples, plan=plan, epoch=3, rank=rank, processes=2)) for rank in (0, 1))
    assert torch.equal(torch.stack([first.patches, second.patches], dim=1).flatten(0, 1), whole.patches)
    assert first.counts == second.counts == whole.counts


@pytest.mark.verifies("SRS-TRAIN-008")
def test_a_samples_variation_depends_on_the_epoch_and_not_on_its_neighbours(samples, plan):
    alone = make_batch(samples[:1], samples, plan=plan, epoch=1).patches
    among = make_batch(samples[:3], samples, plan=plan, epoch=1).patches[:1]
    later = make_batch(samples[:1], samples, plan=plan, epoch=2).patches
    assert torch.equal(alone, among)
    assert not torch.equal(alone, later)


@pytest.mark.verifies("SRS-TRAIN-008")
def test_the_diameter_label_grows_with_the_drawn_scale(samples, plan):
    wide = plan.model_copy(
        update={"augmentation": plan.augmentation.model_copy(update={"probability": 1.0, "scale": (1.2, 1.2)})}
    )
    batch = make_batch(samples[:2], samples, plan=wide, epoch=1)
    expected = torch.tensor([1.2 * sample.labels.diameter_mm for sample in samples[:2]])
    assert torch.allclose(batch.truth.diameter_mm, expected)


@pytest.mark.verifies("SRS-TRAIN-009")
def test_missing_labels_are_marked_and_counted_over_the_whole_batch(samples, plan):
    bare = dataclasses.replace(samples[0], mask=None, labels=samples[0].labels.model_copy(update={"diagnosis": None}))
    batch = make_batch([bare], [bare, samples[1], samples[2]], plan=plan, epoch=None)
    assert (float(batch.truth.has_malignant), float(batch.truth.has_mask), float(batch.truth.has_diameter)) == (0, 0, 1)
    assert (batch.counts.malignancy, batch.counts.mask, batch.counts.diameter) == (2, 2, 3)


@pytest.mark.verifies("SRS-TRAIN-009")
def test_evaluation_batches_hold_one_patch_each_in_the_order_of_the_samples_and_never_vary(samples, plan):
    once, again = (list(evaluation_batches(samples[:3], plan=plan)) for _ in range(2))
    assert [float(batch.truth.malignant) for batch in once] == [0.0, 1.0, 0.0]
    assert all(torch.equal(a.patches, b.patches) for a, b in zip(once, again, strict=True))


# torch advises fewer workers on a machine of one core; the batches are the same on it all the more.
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.verifies("SRS-TRAIN-009", "SRS-TRAIN-010")
def test_worker_processes_make_the_very_same_batches(samples, plan):
    helped = plan.model_copy(update={"compute": plan.compute.model_copy(update={"workers": 2})})
    alone, ahead = (list(training_batches(samples, plan=each, epoch=1, rank=0, processes=1)) for each in (plan, helped))
    assert len(alone) == len(ahead) == 4
    assert all(torch.equal(a.patches, b.patches) for a, b in zip(alone, ahead, strict=True))
    assert all(torch.equal(a.truth.diameter_mm, b.truth.diameter_mm) for a, b in zip(alone, ahead, strict=True))
