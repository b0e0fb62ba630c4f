"""How far readers of the same nodules agree with each other: the measure beside a network that learnt from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import fftconvolve

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
_OTHERS = "mean of the other readings"
# A nodule of one data set is sought in the CT around one of another: the same place correlates by 0.98, others by less
# than 0.8. The wider cube leaves room for centres that lie 8 mm apart.
_TEMPLATE_VOXELS, _SEARCHED_VOXELS = 32, 48
_SAME_PLACE_CORRELATION = 0.95
_STEPS_VOXELS = (0.5, 0.25)


@dataclass(frozen=True, slots=True, eq=False)
class Twin:
    """A nodule that two data sets hold, each with its own mask.

    :implements: SRS-TRAIN-020, SDS-TRAIN-014

    Parameters
    ----------
    first, second
        The samples.
    correlation
        Of the CT of the first with that of the second, at the place where it is highest.
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


def beside_readers(
    predictions: Sequence[Prediction], samples: Sequence[NoduleSample], /, *, seed: int
) -> tuple[EvaluatedFigure, ...]:
    """Measure one reader and the network against what the nodule's other readers say.

    :implements: SRS-TRAIN-020, SDS-TRAIN-014

    Each reading of a nodule is taken out in turn; the truth is the side of 3 on which the mean of the others lies, and
    where they lie on 3 there is none. Reader and network are so measured on the same pairs, and neither is part of its
    own truth. A reading of 3 decides nothing and counts as half right. Where two data sets hold the same nodule, the
    mask of one is measured against that of the other, and the network's on the same nodules.

    Parameters
    ----------
    predictions
        Out of fold.
    samples
        The nodules that were predicted, with their readings.
    seed
        Of the bootstrap.

    Returns
    -------
    tuple
        Area under the ROC curve and accuracy of one reader and of the network, and the difference of the areas; Dice of
        another annotation and of the network. A figure that the data do not allow is left out.
    """
    known = {(sample.data_set, sample.sample_id): sample for sample in samples}
    own = [one for one in predictions if (one.data_set, one.sample_id) in known]
    twins = {(twin.first.data_set, twin.first.sample_id): twin for twin in find_twins(samples)}
    figures: list[EvaluatedFigure] = []
    for data_set in dict.fromkeys(one.data_set for one in own):
        inside = [one for one in own if one.data_set == data_set]
        read = [pair for one in inside for pair in _readings(one, known[data_set, one.sample_id])]
        if len({pair.others_above for pair in read}) > 1:
            figures += _judgements(read, data_set, seed)
        drawn = [one for one in inside if one.dice is not None and (data_set, one.sample_id) in twins]
        if drawn:
            make = FigureMaker(drawn, data_set, "mask", seed)
            theirs = np.asarray([twins[data_set, one.sample_id].dice for one in drawn])
            ours = np.asarray([one.dice for one in drawn], dtype=np.float64)
            figures.append(make.figure("another annotation", "Dice", mean(theirs)))
            figures.append(make.figure("network", "Dice", mean(ours)))
    return tuple(figures)


def find_twins(samples: Sequence[NoduleSample], /) -> tuple[Twin, ...]:
    """Find the nodules that two data sets hold, by patient and CT.

    :implements: SRS-TRAIN-020, SDS-TRAIN-014

    The sets need share no coordinates: the CT of the first, on a grid of 1 mm, is sought in that around the second, to
    the voxel by normalised cross-correlation and then to a quarter of a voxel.

    Parameters
    ----------
    samples
        Of any data sets; those without a mask are passed over.

    Returns
    -------
    tuple
        For each nodule of a later data set the most alike one of the same patient of an earlier one.
    """
    by_patient: dict[str, list[NoduleSample]] = {}
    for sample in samples:
        if sample.mask is not None:
            by_patient.setdefault(sample.patient_id, []).append(sample)
    best: dict[str, Twin] = {}
    for group in by_patient.values():
        for first, second in combinations(group, 2):
            if first.data_set == second.data_set:
                continue
            twin = _twin(first, second)
            found = best.get(second.sample_id)
            if twin is not None and (found is None or twin.correlation > found.correlation):
                best[second.sample_id] = twin
    return tuple(best.values())


def _readings(prediction: Prediction, sample: NoduleSample, /) -> Iterator[_Reading]:
    readings = sample.labels.readings
    for reading in readings if len(readings) > 1 else ():
        others = sum(readings) - reading - _NEUTRAL * (len(readings) - 1)
        if others:
            yield _Reading(prediction, reading, others > 0)


def _judgements(pairs: list[_Reading], data_set: str, seed: int, /) -> list[EvaluatedFigure]:
    make = FigureMaker([pair.prediction for pair in pairs], data_set, _OTHERS, seed)
    truth = np.asarray([int(pair.others_above) for pair in pairs])
    reading = np.asarray([float(pair.reading) for pair in pairs])
    logit = np.asarray([pair.prediction.logit for pair in pairs])
    decided = np.asarray([pair.prediction.probability_as_mean_rating >= THRESHOLD for pair in pairs])
    right = np.where(reading == _NEUTRAL, 0.5, (reading > _NEUTRAL) == truth)
    of_reader, of_network = area(reading, truth), area(logit, truth)
    return [
        make.figure("one reader", "AUC", of_reader),
        make.figure("network", "AUC", of_network),
        make.figure("network minus one reader", "AUC difference", lambda at: of_network(at) - of_reader(at)),
        make.figure("one reader", "accuracy", mean(right)),
        make.figure("network", "accuracy", mean(decided == truth)),
    ]


def _twin(first: NoduleSample, second: NoduleSample, /) -> Twin | None:
    searched = prepare(second, contract=training_input(_SEARCHED_VOXELS))
    template = prepare(first, contract=training_input(_TEMPLATE_VOXELS))
    window = tuple(slice(start, start + _TEMPLATE_VOXELS) for start in _most_alike(template, searched.values))
    correlation, template = _aligned(first, template, searched.values[window])
    if correlation < _SAME_PLACE_CORRELATION or template.mask is None or searched.mask is None:
        return None
    one, other = template.mask, searched.mask[window]
    dice = 2 * float((one & other).sum()) / max(1.0, float(one.sum() + other.sum()))
    return Twin(first, second, correlation, dice)


def _aligned(
    sample: NoduleSample, template: PreparedNodule, around: NDArray[np.float32], /
) -> tuple[float, PreparedNodule]:
    """Move a sample's centre by parts of a voxel for as long as that makes its CT more alike."""
    best, correlation = template, _correlation(template, around)
    for step in _STEPS_VOXELS:
        for move in (sign * step * axis for axis in np.eye(3) for sign in (-1, 1)):
            moved = replace(sample, center_lps_mm=tuple((np.asarray(sample.center_lps_mm) + move).tolist()))
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
    return float(np.corrcoef(one, other)[0, 1]) if np.ptp(one) and np.ptp(other) else 0.0
