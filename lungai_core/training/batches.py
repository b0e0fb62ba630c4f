"""From nodules to batches: which, in which order, varied how; all of it a function of seed and epoch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from lungai_core.model.losses import Truth
from lungai_core.training.augmentation import apply_augmentation, draw_augmentation
from lungai_core.training.samples import fill_context, lesson_of, prepare, training_input

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lungai_core.training.plan import TrainingPlan
    from lungai_core.training.samples import NoduleSample

__all__ = ["Batch", "LabelCounts", "epoch_order", "evaluation_batches", "make_batch", "seed_of", "training_batches"]


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How many patches of a whole batch, over all processes, have each label.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    malignancy, mask, diameter
        Each at least 1, so that a mean over no patch is 0 and not undefined.
    """

    malignancy: int
    mask: int
    diameter: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The patches of one step that this process computes.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    patches
        ``(N, 1, z, y, x)`` float32 in [0, 1].
    truth
        Their labels.
    counts
        Labels of the whole batch, over all processes.
    """

    patches: torch.Tensor
    truth: Truth
    counts: LabelCounts


def seed_of(*parts: int | str) -> int:
    """Derive a seed from a plan's seed and a place in the run.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007

    Parameters
    ----------
    parts
        Seed, epoch, step, sample … in a fixed order.

    Returns
    -------
    int
        63 bits of the SHA-256 of the parts.
    """
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8]) >> 1


def epoch_order(count: int, /, *, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Return the shuffled indices of an epoch in whole batches; the rest of the last batch is drawn again.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    count
        Number of samples.
    batch_size
        Over all processes.
    seed, epoch
        Decide the order.
    """
    generator = np.random.default_rng(seed_of(seed, "order", epoch))
    order = generator.permutation(count)
    missing = -count % batch_size
    padded = np.concatenate([order, generator.integers(count, size=missing)])
    return [part.tolist() for part in np.split(padded, len(padded) // batch_size)]


def training_batches(
    samples: Sequence[NoduleSample], /, *, plan: TrainingPlan, epoch: int, rank: int, processes: int
) -> Iterator[Batch]:
    """Make the varied batches of one epoch for one process.

    :implements: SRS-TRAIN-008, SRS-TRAIN-009, SDS-TRAIN-006, SDS-TRAIN-007

    A sample's variation depends on seed, epoch and sample alone: not on process, order or worker.

    Parameters
    ----------
    samples
        The training part.
    plan
        The plan.
    epoch
        Counted from 1.
    rank, processes
        Which of how many processes this is; process r takes every ``processes``-th patch of a batch.

    Yields
    ------
    Batch
        The part of each batch that this process computes.
    """
    order = epoch_order(len(samples), batch_size=plan.optimizer.batch_size, seed=plan.seed, epoch=epoch)
    wholes = [[samples[index] for index in indices] for indices in order]
    yield from _ahead(_Batches(plan, epoch, [(whole[rank::processes], whole) for whole in wholes]))


def evaluation_batches(samples: Sequence[NoduleSample], /, *, plan: TrainingPlan) -> Iterator[Batch]:
    """Make batches of one patch each, without variation and in the order of the samples.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    samples
        The validation or test part.
    plan
        The plan.

    Yields
    ------
    Batch
        One patch each.
    """
    yield from _ahead(_Batches(plan, None, [([sample], [sample]) for sample in samples]))


def make_batch(
    own: Sequence[NoduleSample], whole: Sequence[NoduleSample], /, *, plan: TrainingPlan, epoch: int | None
) -> Batch:
    """Prepare patches and labels.

    :implements: SRS-TRAIN-008, SRS-TRAIN-009, SDS-TRAIN-006, SDS-TRAIN-007

    Parameters
    ----------
    own
        The samples that this process computes.
    whole
        The samples of the whole batch.
    plan
        The plan.
    epoch
        Of the variation; ``None`` for patches as they are.
    """
    triples = [_example(sample, plan, epoch) for sample in own]
    patches = torch.from_numpy(np.stack([values for values, _, _ in triples])[:, None])
    masks = np.stack([np.zeros_like(values) if mask is None else mask for values, mask, _ in triples])
    lessons = [_lesson(sample, plan) for sample in own]
    truth = Truth(
        malignant=torch.tensor([lesson or 0.0 for lesson in lessons]),
        has_malignant=torch.tensor([float(lesson is not None) for lesson in lessons]),
        mask=torch.from_numpy(masks.astype(np.float32)[:, None]),
        has_mask=torch.tensor([float(sample.mask is not None) for sample in own]),
        diameter_mm=torch.tensor(
            [(sample.labels.diameter_mm or 0.0) * scale for sample, (_, _, scale) in zip(own, triples, strict=True)]
        ),
        has_diameter=torch.tensor([float(sample.labels.diameter_mm is not None) for sample in own]),
    )
    counts = LabelCounts(
        malignancy=max(1, sum(_lesson(sample, plan) is not None for sample in whole)),
        mask=max(1, sum(sample.mask is not None for sample in whole)),
        diameter=max(1, sum(sample.labels.diameter_mm is not None for sample in whole)),
    )
    return Batch(patches=patches, truth=truth, counts=counts)


class _Batches(Dataset["Batch"]):
    def __init__(
        self,
        plan: TrainingPlan,
        epoch: int | None,
        parts: list[tuple[list[NoduleSample], list[NoduleSample]]],
        /,
    ) -> None:
        self.plan = plan
        self._epoch = epoch
        self._parts = parts

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, index: int) -> Batch:
        own, whole = self._parts[index]
        return make_batch(own, whole, plan=self.plan, epoch=self._epoch)


def _ahead(batches: _Batches, /) -> Iterator[Batch]:
    # Each batch is a function of its index alone, so that workers change when it is made and not what it is.
    loader = DataLoader(
        batches,
        batch_size=None,
        num_workers=batches.plan.compute.workers,
        collate_fn=_as_it_is,  # type: ignore[arg-type]  # its type knows lists of examples, not whole batches
        generator=torch.Generator(),
    )
    yield from loader


def _as_it_is(batch: Batch, /) -> Batch:
    return batch


def _example(
    sample: NoduleSample, plan: TrainingPlan, epoch: int | None, /
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None, float]:
    edge = plan.data.patch_size
    place = "evaluation" if epoch is None else epoch
    generator = np.random.default_rng(seed_of(plan.seed, "sample", place, sample.sample_id))
    augmentation = None if epoch is None else draw_augmentation(plan.augmentation, generator=generator)
    if augmentation is None:
        nodule = prepare(sample, contract=training_input(edge))
        return fill_context(nodule, generator=generator), nodule.mask, 1.0
    # A margin, so that what a shift, a turn or a smaller scale brings in is the CT that stands there.
    nodule = prepare(sample, contract=training_input(edge + edge // 2))
    values = fill_context(nodule, generator=generator)
    return *apply_augmentation(values, nodule.mask, augmentation, edge=edge), augmentation.scale


def _lesson(sample: NoduleSample, plan: TrainingPlan, /) -> float | None:
    return lesson_of(sample.labels, plan.data.target, plan.data.lesson)
