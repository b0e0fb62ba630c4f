"""How far readers of the same nodules agree with each other: the measure beside a network that learnt from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import fftconvolve

from lungai_core.errors import DataSetError
from lungai_core.training.figures import FigureMaker, area, mean
from lungai_core.training.predictions import THRESHOLD
from lungai_core.training.samples import prepare, training_input

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lungai_core.training.figures import EvaluatedFigure
    from lungai_core.training.predictions import Prediction
    from lungai_core.training.samples import NoduleSample, PreparedNodule

__all__ = ["Twin", "beside_readers", "find_twins"]

_NEUTRAL = 3
# The wider cube leaves room for centres that lie 8 mm apart along each axis.
_TEMPLATE_VOXELS, _SEARCHED_VOXELS = 32, 48
_SAME_PLACE_CORRELATION = 0.95
# Two nodules may lie in one cube of CT: it is the same one if the centre of one lies in the other's mask or near it.
_NEAR_VOXELS = 3
_STEPS_VOXELS = (0.5, 0.25)


@dataclass(frozen=True, slots=True, eq=False)
class Twin:
    """A nodule that two data sets hold, each with its own mask.

    :implements: SRS-TRAIN-020, SDS-TRAIN-014

    Parameters
    ----------
    first, second
        The samples, in the order in which they were given.
    correlation
        Of the CT of one with that of the other, at the place where it is highest.
    dice
        Of the two masks there.
    """

    first: NoduleSample
    second: NoduleSample
    correlation: float
    dice: float


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """One reading, the network's prediction, and what the nodule's other readers say on average."""

    prediction: Prediction
    reading: int
    others_above: bool

    @property
    def decides(self) -> bool:
        return self.reading != _NEUTRAL


def beside_readers(
    predictions: Sequence[Prediction], samples: Sequence[NoduleSample], /, *, seed: int, readers: int = 4
) -> tuple[EvaluatedFigure, ...]:
    """Measure one reader, the network and the diameter against what the nodule's other readers say.

    :implements: SRS-TRAIN-020, SDS-TRAIN-014

    Each reading of a nodule is taken out in turn; the truth is the side of 3 on which the mean of the others lies, and
    where they lie on 3 there is none. All are measured on the same readings, and none is part of its own truth. Readers
    have five steps and the network a number, and different readers are taken as one: both lower the area of "one
    reader". Accuracy is given for the readings that decide, those that are not 3, because the network is not asked
    whether it decides. Logits of different folds come from different networks and are compared as they are.

    Where two data sets hold the same nodule, the mask of each is measured against that of the other, and the network's
    beside it, paired.

    Parameters
    ----------
    predictions
        Out of fold.
    samples
        The nodules that were predicted, with their readings.
    seed
        Of the bootstrap.
    readers
        How many looked at a nodule at most. A longer list of readings holds some of them several times, and a reader
        would be part of his own truth: such a nodule is passed over.

    Returns
    -------
    tuple
        For each data set, areas under the ROC curve and their differences on all readings and on those that decide, and
        there the accuracies; the share of readings that decide; and Dice of another annotation and of the network with
        their difference. The label of a figure says how many readings there are. What the data do not allow is left
        out.

    Raises
    ------
    DataSetError
        If a prediction is of a nodule that is not among the samples.
    """
    known = {(sample.data_set, sample.sample_id): sample for sample in samples}
    strangers = [one for one in predictions if (one.data_set, one.sample_id) not in known]
    if strangers:
        raise DataSetError(
            "A prediction is of a nodule that the data do not hold.",
            where=f"{len(strangers)} of {len(predictions)} predictions",
            allowed="predictions of a cross-validation on these data",
            remedy="Give the plan by which the predictions were made.",
        )
    twins = find_twins(samples)
    dice = {(one.data_set, one.sample_id): twin.dice for twin in twins for one in (twin.first, twin.second)}
    figures: list[EvaluatedFigure] = []
    for data_set in dict.fromkeys(one.data_set for one in predictions):
        own = [one for one in predictions if one.data_set == data_set]
        pairs = [
            pair
            for one in own
            if len(known[data_set, one.sample_id].labels.readings) <= readers
            for pair in _readings(one, known[data_set, one.sample_id])
        ]
        figures += _judgements(pairs, data_set, seed)
        figures += _annotations([one for one in own if (data_set, one.sample_id) in dice], dice, data_set, seed)
    return tuple(figures)


def find_twins(samples: Sequence[NoduleSample], /) -> tuple[Twin, ...]:
    """Find the nodules that two data sets hold, by patient and CT.

    :implements: SRS-TRAIN-020, SDS-TRAIN-014

    The sets need share no origin, but the axes of their grids point the same way. On a grid of 1 mm, that of the two CT
    cubes that holds less is sought in the other, to the voxel by normalised cross-correlation and then to a quarter of
    a voxel; there the centre of one nodule lies at the other.

    Parameters
    ----------
    samples
        Of any data sets; those without a mask are passed over.

    Returns
    -------
    tuple
        The most alike first; each nodule has one twin at most.
    """
    by_patient: dict[str, list[NoduleSample]] = {}
    for sample in samples:
        if sample.mask is not None:
            by_patient.setdefault(sample.patient_id, []).append(sample)
    found = [
        twin
        for group in by_patient.values()
        for first, second in combinations(group, 2)
        if first.data_set != second.data_set and (twin := _twin(first, second)) is not None
    ]
    taken: set[tuple[str, str]] = set()
    chosen = []
    for twin in sorted(found, key=lambda twin: -twin.correlation):
        both = {(sample.data_set, sample.sample_id) for sample in (twin.first, twin.second)}
        if not both & taken:
            taken |= both
            chosen.append(twin)
    return tuple(chosen)


def _readings(prediction: Prediction, sample: NoduleSample, /) -> Iterator[_Reading]:
    readings = sample.labels.readings
    for reading in readings if len(readings) > 1 else ():
        others = sum(readings) - reading - _NEUTRAL * (len(readings) - 1)
        if others:
            yield _Reading(prediction, reading, others > 0)


def _judgements(pairs: list[_Reading], data_set: str, seed: int, /) -> list[EvaluatedFigure]:
    if not pairs:
        return []
    deciding = [pair for pair in pairs if pair.decides]
    every = f"mean of the other readings, {len(pairs)} readings"
    share = np.asarray([pair.decides for pair in pairs])
    whole = FigureMaker([pair.prediction for pair in pairs], data_set, every, seed)
    figures = [*_areas(pairs, whole), whole.figure("one reader", "share of readings that decide", mean(share))]
    if deciding:
        label = f"mean of the other readings, {len(deciding)} readings that decide"
        part = FigureMaker([pair.prediction for pair in deciding], data_set, label, seed)
        truth = np.asarray([pair.others_above for pair in deciding])
        theirs = np.asarray([pair.reading > _NEUTRAL for pair in deciding]) == truth
        ours = np.asarray([p.prediction.probability_as_mean_rating >= THRESHOLD for p in deciding]) == truth
        gain = ours.astype(np.float64) - theirs
        figures += [
            *_areas(deciding, part),
            part.figure("one reader", "accuracy", mean(theirs)),
            part.figure("network", "accuracy", mean(ours)),
            part.figure("network minus one reader", "accuracy difference", mean(gain)),
        ]
    return figures


def _areas(pairs: list[_Reading], make: FigureMaker, /) -> list[EvaluatedFigure]:
    truth = np.asarray([int(pair.others_above) for pair in pairs])
    if truth.all() or not truth.any():
        return []
    reader = area(np.asarray([float(pair.reading) for pair in pairs]), truth)
    network = area(np.asarray([pair.prediction.logit for pair in pairs]), truth)
    figures = [
        make.figure("one reader", "AUC", reader),
        make.figure("network", "AUC", network),
        make.figure("network minus one reader", "AUC difference", lambda at: network(at) - reader(at)),
    ]
    sizes = [pair.prediction.diameter_score for pair in pairs]
    known = [size for size in sizes if size is not None]
    if len(known) == len(sizes):
        diameter = area(np.asarray(known), truth)
        figures += [
            make.figure("diameter alone", "AUC", diameter),
            make.figure("network minus diameter alone", "AUC difference", lambda at: network(at) - diameter(at)),
        ]
    return figures


def _annotations(
    own: list[Prediction], dice: dict[tuple[str, str], float], data_set: str, seed: int, /
) -> list[EvaluatedFigure]:
    pairs = [(one, dice[data_set, one.sample_id], one.dice) for one in own if one.dice is not None]
    if not pairs:
        return []
    make = FigureMaker([one for one, _, _ in pairs], data_set, "mask", seed)
    theirs, ours = (np.asarray(values) for values in zip(*((other, net) for _, other, net in pairs), strict=True))
    return [
        make.figure("another annotation", "Dice", mean(theirs)),
        make.figure("network", "Dice", mean(ours)),
        make.figure("network minus another annotation", "Dice difference", mean(ours - theirs)),
    ]


def _twin(first: NoduleSample, second: NoduleSample, /) -> Twin | None:
    cubes = [(sample, prepare(sample, contract=training_input(_SEARCHED_VOXELS))) for sample in (first, second)]
    (sought, _), (_, searched) = sorted(cubes, key=lambda cube: int(cube[1].inside.sum()))
    template = prepare(sought, contract=training_input(_TEMPLATE_VOXELS))
    if not template.inside.any():
        return None
    place = _most_alike(template, searched.values)
    window = tuple(slice(start, start + _TEMPLATE_VOXELS) for start in place)
    correlation, template = _aligned(sought, template, searched.values[window])
    one, another = template.mask, searched.mask
    if correlation < _SAME_PLACE_CORRELATION or one is None or another is None or not another.any():
        return None
    centre = np.asarray(place) + (_TEMPLATE_VOXELS - 1) / 2
    at = np.argwhere(another)
    if (centre < at.min(axis=0) - _NEAR_VOXELS).any() or (centre > at.max(axis=0) + _NEAR_VOXELS).any():
        return None
    beside = another[window]
    dice = 2 * float((one & beside).sum()) / max(1.0, float(one.sum() + another.sum()))
    return Twin(first, second, correlation, dice)


def _aligned(
    sample: NoduleSample, template: PreparedNodule, around: NDArray[np.float32], /
) -> tuple[float, PreparedNodule]:
    """Move a sample's centre by parts of a voxel, each way once a step, where that makes its CT more alike."""
    best, correlation = template, _correlation(template, around)
    for step in _STEPS_VOXELS:
        for move in (sign * step * axis for axis in np.eye(3) for sign in (-1, 1)):
            x, y, z = (np.asarray(sample.center_lps_mm) + move).tolist()
            if not sample.volume.geometry.contains_lps((x, y, z)):
                continue
            moved = replace(sample, center_lps_mm=(x, y, z))
            there = prepare(moved, contract=training_input(_TEMPLATE_VOXELS))
            found = _correlation(there, around)
            if found > correlation:
                sample, best, correlation = moved, there, found
    return correlation, best


def _most_alike(template: PreparedNodule, searched: NDArray[np.float32], /) -> tuple[int, ...]:
    """Return where the normalised cross-correlation is highest, over the template's voxels that hold CT."""
    weight = template.inside.astype(np.float64)
    count = weight.sum()
    pattern = (template.values - (template.values * weight).sum() / count) * weight
    wide = searched.astype(np.float64)

    def slid(values: NDArray[np.float64], window: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = fftconvolve(values, window[::-1, ::-1, ::-1], mode="valid")
        return found

    total = slid(wide, weight)
    spread = slid(wide**2, weight) - total**2 / count
    alike = slid(wide, pattern) / np.sqrt(np.maximum(spread, np.finfo(np.float32).eps))
    return tuple(int(index) for index in np.unravel_index(alike.argmax(), alike.shape))


def _correlation(template: PreparedNodule, around: NDArray[np.float32], /) -> float:
    one, other = template.values[template.inside], around[template.inside]
    if not (one.size and np.ptp(one) and np.ptp(other)):
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
