"""From out-of-fold predictions to figures with intervals; every figure of a model card comes from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from lungai_core.clinical.bland_altman import bland_altman
from lungai_core.clinical.calibration import calibration
from lungai_core.clinical.roc import compare_auc_paired, roc_data
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import DataSetError, NotEstimableError
from lungai_core.training.figures import EvaluatedFigure, FigureMaker, area, mean
from lungai_core.training.predictions import THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lungai_core.training.predictions import Prediction

__all__ = ["Evaluation", "compare", "evaluate"]

_LABELS = ("diagnosis", "mean_rating")


class Evaluation(FrozenModel):
    """All figures of a cross-validation, with the hashes of what they rest on.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010
    """

    schema_version: Literal["lungai-evaluation/1"] = "lungai-evaluation/1"
    plan_sha256: str
    predictions_sha256: str
    weights_sha256: tuple[str, ...]
    figures: tuple[EvaluatedFigure, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Scorer:
    who: Literal["network", "diameter alone", "diameter and HU, boosted"]
    score: Callable[[Prediction, str], float | None]
    decision: Callable[[Prediction, str], bool | None]


_SCORERS = (
    _Scorer("network", lambda p, _: p.logit, lambda p, label: bool(getattr(p, f"probability_as_{label}") >= THRESHOLD)),
    _Scorer("diameter alone", lambda p, _: p.diameter_score, lambda p, label: getattr(p, f"diameter_as_{label}")),
    _Scorer(
        "diameter and HU, boosted",
        lambda p, label: getattr(p, f"features_score_{label}"),
        lambda p, label: getattr(p, f"features_as_{label}"),
    ),
)


def evaluate(predictions: Sequence[Prediction], /, *, seed: int) -> tuple[EvaluatedFigure, ...]:
    """Compute every figure, for each data set on its own.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Network scores of different folds come from different networks; their logits are compared as they are.

    Parameters
    ----------
    predictions
        Out of fold.
    seed
        Of the bootstrap.

    Returns
    -------
    tuple
        Area under the ROC curve and accuracy against each label, for the network and both baselines; the paired
        difference to the diameter (DeLong); Brier score and calibration slope; Dice; mean absolute error and limits of
        agreement of the diameter. A figure that the data do not allow is left out.
    """
    figures: list[EvaluatedFigure] = []
    for data_set in dict.fromkeys(prediction.data_set for prediction in predictions):
        own = [prediction for prediction in predictions if prediction.data_set == data_set]
        for label in _LABELS:
            labelled = [prediction for prediction in own if getattr(prediction, label) is not None]
            if _both_classes(labelled, label):
                figures += _classification(labelled, data_set, label, seed)
        figures += _measurement(own, data_set, seed)
    return tuple(figures)


def compare(first: Sequence[Prediction], second: Sequence[Prediction], /, *, seed: int) -> tuple[EvaluatedFigure, ...]:
    """Compute what a second network gains on a first one, paired nodule by nodule.

    :implements: SRS-TRAIN-018, SDS-TRAIN-010

    Parameters
    ----------
    first, second
        Out of fold, of the same nodules in any order.
    seed
        Of the bootstrap.

    Returns
    -------
    tuple
        Second minus first, for each data set on its own: area under the ROC curve for each label (DeLong), Dice, and
        the absolute error of the diameter. A figure that the data do not allow is left out.

    Raises
    ------
    DataSetError
        If the predictions are not of the same nodules with the same labels.
    """
    pairs = {_identity(one): one for one in first}
    others = {_identity(other): other for other in second}
    matched = [(one, others[key]) for key, one in pairs.items() if key in others and _same_truth(one, others[key])]
    if not matched or {len(first), len(pairs), len(second), len(others)} != {len(matched)}:
        raise DataSetError(
            "The two sets of predictions are not of the same nodules with the same labels.",
            where=f"{len(first)} and {len(second)} rows, {len(matched)} nodules in both",
            allowed="predictions of one data set by two plans, one row a nodule",
            remedy="Cross-validate both plans on the same data, then compare their predictions.csv.",
        )
    figures: list[EvaluatedFigure] = []
    for data_set in dict.fromkeys(one.data_set for one in first):
        own = [pair for pair in matched if pair[0].data_set == data_set]
        for label in _LABELS:
            labelled = [pair for pair in own if getattr(pair[0], label) is not None]
            scores = np.asarray([(other.logit, one.logit) for one, other in labelled])
            before = [one for one, _ in labelled]
            figures += _gain(before, "second minus first", scores, data_set=data_set, label=label, seed=seed)
        for label, name, measure in _PAIRED_MEASURES:
            both = [(one, measure(one), measure(other)) for one, other in own]
            found = [(one, before, after) for one, before, after in both if before is not None and after is not None]
            if found:
                make = FigureMaker([one for one, _, _ in found], data_set, label, seed)
                gains = np.asarray([after - before for _, before, after in found])
                figures.append(make.figure("second minus first", name, mean(gains)))
    return tuple(figures)


def _classification(own: Sequence[Prediction], data_set: str, label: str, seed: int, /) -> list[EvaluatedFigure]:
    make = FigureMaker(own, data_set, label, seed)
    truth = _truth(own, label)
    figures = []
    for scorer in _SCORERS:
        # A baseline speaks for the nodules that have what it reads, and for no other.
        able = [prediction for prediction in own if scorer.score(prediction, label) is not None]
        if not _both_classes(able, label):
            continue
        among, wanted = FigureMaker(able, data_set, label, seed), _truth(able, label)
        score = np.asarray([scorer.score(prediction, label) for prediction in able], dtype=np.float64)
        decided = [scorer.decision(prediction, label) is getattr(prediction, label) for prediction in able]
        right = np.asarray(decided, dtype=np.bool_)
        figures.append(among.figure(scorer.who, "AUC", area(score, wanted)))
        figures.append(among.figure(scorer.who, "accuracy", mean(right)))
    sized = [prediction for prediction in own if prediction.diameter_score is not None]
    scores = np.asarray([(prediction.logit, prediction.diameter_score) for prediction in sized], dtype=np.float64)
    figures += _gain(sized, "network minus diameter alone", scores, data_set=data_set, label=label, seed=seed)
    probability = np.asarray([getattr(p, f"probability_as_{label}") for p in own], dtype=np.float64)
    figures.append(make.figure("network", "Brier score", mean((probability - truth) ** 2)))
    right, kept = (probability >= THRESHOLD) == truth, np.asarray([not p.referred for p in own])
    figures.append(make.figure("network", "share not referred to a second reading", mean(kept)))
    for name, part in (("accuracy where not referred", kept), ("accuracy where referred", ~kept)):
        if part.any():
            within = FigureMaker([p for p, inside in zip(own, part, strict=True) if inside], data_set, label, seed)
            figures.append(within.figure("network", name, mean(right[part])))
    try:
        slope = calibration(probability, truth=truth).fit
    except NotEstimableError:
        return figures
    figures.append(make.plain("network", "calibration slope", slope.slope, "logistic recalibration (Cox 1958)"))
    return figures


def _measurement(own: Sequence[Prediction], data_set: str, seed: int, /) -> list[EvaluatedFigure]:
    figures = []
    masked = [prediction for prediction in own if prediction.dice is not None]
    if masked:
        dice = np.asarray([prediction.dice for prediction in masked], dtype=np.float64)
        make = FigureMaker(masked, data_set, "mask", seed)
        figures.append(make.figure("network", "Dice", mean(dice)))
    sized = [prediction for prediction in own if prediction.diameter_mm is not None]
    fewest = 3
    if len(sized) < fewest:
        return figures
    make = FigureMaker(sized, data_set, "diameter_mm", seed)
    found = np.asarray([prediction.predicted_diameter_mm for prediction in sized])
    wanted = np.asarray([prediction.diameter_mm for prediction in sized], dtype=np.float64)
    figures.append(make.figure("network", "diameter MAE, mm", mean(np.abs(found - wanted))))
    try:
        agreement = bland_altman(found, wanted)
    except NotEstimableError:
        return figures
    for name, interval in (
        ("diameter bias, mm", agreement.bias),
        ("diameter lower limit of agreement, mm", agreement.lower_limit),
        ("diameter upper limit of agreement, mm", agreement.upper_limit),
    ):
        figure = make.plain("network", name, interval.estimate, interval.method)
        figures.append(figure.model_copy(update={"interval_95": (interval.lower, interval.upper)}))
    return figures


def _gain(
    own: Sequence[Prediction], who: str, scores: NDArray[np.float64], /, *, data_set: str, label: str, seed: int
) -> list[EvaluatedFigure]:
    """Compare two columns of scores, the first minus the second; nothing where the labels do not allow it."""
    if not _both_classes(own, label):
        return []
    truth = _truth(own, label)
    try:
        pair = compare_auc_paired(*(roc_data(score, truth=truth) for score in scores.T))
    except NotEstimableError:
        return []
    figure = FigureMaker(own, data_set, label, seed).plain(
        who, "AUC difference", pair.difference.estimate, "paired DeLong 1988"
    )
    interval = (pair.difference.lower, pair.difference.upper)
    return [figure.model_copy(update={"interval_95": interval, "p_value": pair.test.p_value})]


def _truth(own: Sequence[Prediction], label: str, /) -> NDArray[np.int64]:
    return np.asarray([int(getattr(prediction, label)) for prediction in own], dtype=np.int64)


def _both_classes(own: Sequence[Prediction], label: str, /) -> bool:
    return len(set(_truth(own, label).tolist())) > 1


def _identity(prediction: Prediction, /) -> tuple[str, str]:
    return prediction.data_set, prediction.sample_id


def _same_truth(one: Prediction, other: Prediction, /) -> bool:
    names = ("patient_id", "diameter_mm", *_LABELS)
    return all(getattr(one, name) == getattr(other, name) for name in names) and (
        (one.dice is None) == (other.dice is None)
    )


def _diameter_error_mm(prediction: Prediction, /) -> float | None:
    wanted = prediction.diameter_mm
    return None if wanted is None else abs(prediction.predicted_diameter_mm - wanted)


_PAIRED_MEASURES: tuple[tuple[str, str, Callable[[Prediction], float | None]], ...] = (
    ("mask", "Dice difference", lambda prediction: prediction.dice),
    ("diameter_mm", "diameter MAE difference, mm", _diameter_error_mm),
)
