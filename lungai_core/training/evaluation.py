"""From out-of-fold predictions to figures with intervals; every figure of a model card comes from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from lungai_core.clinical.bland_altman import bland_altman
from lungai_core.clinical.calibration import calibration
from lungai_core.clinical.clustered import cluster_bootstrap
from lungai_core.clinical.roc import compare_auc_paired, roc_data
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import DataSetError, NotEstimableError
from lungai_core.training.predictions import THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lungai_core.training.predictions import Prediction

__all__ = ["EvaluatedFigure", "Evaluation", "compare", "evaluate", "render_figures"]

_REPLICATES = 1000
_FEWEST_BOOTSTRAP_SHARE = 0.95
_LABELS = ("diagnosis", "mean_rating")


class EvaluatedFigure(FrozenModel):
    """One number with its interval, its n and how it was computed.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    ``who`` is the network, a baseline or a difference, ``label`` the truth it is measured against. The interval is the
    2.5 % to 97.5 % percentile of a bootstrap over patients, unless ``method`` says otherwise; ``None`` where it does
    not exist.
    """

    data_set: str
    who: Literal[
        "network", "diameter alone", "diameter and HU, boosted", "network minus diameter alone", "second minus first"
    ]
    name: str
    label: str
    value: float
    interval_95: tuple[float, float] | None
    p_value: float | None = None
    n: Annotated[int, Field(ge=1)]
    patients: Annotated[int, Field(ge=1)]
    unit: Literal["nodules"] = "nodules"
    method: str


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
    score: Callable[[Prediction, str], float]
    decision: Callable[[Prediction, str], bool]


_SCORERS = (
    _Scorer("network", lambda p, _: p.logit, lambda p, label: getattr(p, f"probability_as_{label}") >= THRESHOLD),
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
            if len({getattr(prediction, label) for prediction in labelled}) > 1:
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
    others = {(prediction.data_set, prediction.sample_id): prediction for prediction in second}
    pairs = [(one, others.get((one.data_set, one.sample_id))) for one in first]
    matched = [(one, other) for one, other in pairs if other is not None and _same_truth(one, other)]
    if len(matched) != len(first) or len(others) != len(first):
        raise DataSetError(
            "The two sets of predictions are not of the same nodules with the same labels.",
            where=f"{len(first)} and {len(others)} nodules, {len(matched)} in both",
            allowed="predictions of one data set by two plans",
            remedy="Cross-validate both plans on the same data, then compare their predictions.csv.",
        )
    figures: list[EvaluatedFigure] = []
    for data_set in dict.fromkeys(one.data_set for one in first):
        own = [pair for pair in matched if pair[0].data_set == data_set]
        for label in _LABELS:
            labelled = [pair for pair in own if getattr(pair[0], label) is not None]
            truth = np.asarray([int(getattr(one, label)) for one, _ in labelled])
            if len(set(truth.tolist())) > 1:
                scores = np.asarray([(one.logit, other.logit) for one, other in labelled])
                make = _Maker([one for one, _ in labelled], data_set, label, seed)
                figures.append(_gain(make, "second minus first", scores[:, 1], scores[:, 0], truth=truth))
        for label, name, measure in _PAIRED_MEASURES:
            both = [(one, measure(one), measure(other)) for one, other in own]
            found = [(one, before, after) for one, before, after in both if before is not None and after is not None]
            if found:
                make = _Maker([one for one, _, _ in found], data_set, label, seed)
                gains = np.asarray([after - before for _, before, after in found])
                figures.append(make.figure("second minus first", name, _mean(gains)))
    return tuple(figures)


def render_figures(figures: Sequence[EvaluatedFigure], /) -> str:
    """Render figures as a Markdown table.

    :implements: SRS-TRAIN-013, SRS-TRAIN-018, SDS-TRAIN-010

    Parameters
    ----------
    figures
        One row each.
    """
    lines = [
        "| data set | who | figure | label | value | 95 % interval | p | n (patients) | method |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for figure in figures:
        interval = "–" if figure.interval_95 is None else f"{figure.interval_95[0]:.3f} to {figure.interval_95[1]:.3f}"
        p_value = "–" if figure.p_value is None else f"{figure.p_value:.2g}"
        lines.append(
            f"| {figure.data_set} | {figure.who} | {figure.name} | {figure.label} | {figure.value:.3f} | {interval} "
            f"| {p_value} | {figure.n} ({figure.patients}) | {figure.method} |"
        )
    return "\n".join(lines) + "\n"


def _classification(own: Sequence[Prediction], data_set: str, label: str, seed: int, /) -> list[EvaluatedFigure]:
    truth = np.asarray([int(getattr(prediction, label)) for prediction in own])
    make = _Maker(own, data_set, label, seed)
    figures = []
    scores = {scorer.who: np.asarray([scorer.score(p, label) for p in own]) for scorer in _SCORERS}
    for scorer in _SCORERS:
        score = scores[scorer.who]
        right = np.asarray([int(scorer.decision(p, label)) for p in own]) == truth
        figures.append(make.figure(scorer.who, "AUC", _area(score, truth)))
        figures.append(make.figure(scorer.who, "accuracy", _mean(right)))
    figures.append(
        _gain(make, "network minus diameter alone", scores["network"], scores["diameter alone"], truth=truth)
    )
    probability = np.asarray([getattr(p, f"probability_as_{label}") for p in own])
    figures.append(make.figure("network", "Brier score", _mean((probability - truth) ** 2)))
    right, kept = (probability >= THRESHOLD) == truth, np.asarray([not p.referred for p in own])
    figures.append(make.figure("network", "share not referred to a second reading", _mean(kept)))
    for name, part in (("accuracy where not referred", kept), ("accuracy where referred", ~kept)):
        if part.any():
            within = _Maker([p for p, inside in zip(own, part, strict=True) if inside], data_set, label, seed)
            figures.append(within.figure("network", name, _mean(right[part])))
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
        make = _Maker(masked, data_set, "mask", seed)
        figures.append(make.figure("network", "Dice", _mean(dice)))
    sized = [prediction for prediction in own if prediction.diameter_mm is not None]
    fewest = 3
    if len(sized) < fewest:
        return figures
    make = _Maker(sized, data_set, "diameter_mm", seed)
    found = np.asarray([prediction.predicted_diameter_mm for prediction in sized])
    wanted = np.asarray([prediction.diameter_mm for prediction in sized], dtype=np.float64)
    figures.append(make.figure("network", "diameter MAE, mm", _mean(np.abs(found - wanted))))
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
    make: _Maker, who: str, score: NDArray[np.float64], reference: NDArray[np.float64], /, *, truth: NDArray[np.int64]
) -> EvaluatedFigure:
    pair = compare_auc_paired(roc_data(score, truth=truth), roc_data(reference, truth=truth))
    figure = make.plain(who, "AUC difference", pair.difference.estimate, "paired DeLong 1988")
    interval = (pair.difference.lower, pair.difference.upper)
    return figure.model_copy(update={"interval_95": interval, "p_value": pair.test.p_value})


def _same_truth(one: Prediction, other: Prediction, /) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("patient_id", "diameter_mm", *_LABELS))


def _diameter_error_mm(prediction: Prediction, /) -> float | None:
    wanted = prediction.diameter_mm
    return None if wanted is None else abs(prediction.predicted_diameter_mm - wanted)


_PAIRED_MEASURES: tuple[tuple[str, str, Callable[[Prediction], float | None]], ...] = (
    ("mask", "Dice difference", lambda prediction: prediction.dice),
    ("diameter_mm", "diameter MAE difference, mm", _diameter_error_mm),
)


def _area(score: NDArray[np.float64], truth: NDArray[np.int64], /) -> Callable[[NDArray[np.intp]], float]:
    return lambda at: roc_data(score[at], truth=truth[at]).auc


def _mean(values: NDArray[np.float64] | NDArray[np.bool_], /) -> Callable[[NDArray[np.intp]], float]:
    return lambda at: float(values[at].mean())


class _Maker:
    """Figures of one set of nodules, all with the same bootstrap samples of their patients."""

    def __init__(self, own: Sequence[Prediction], data_set: str, label: str, seed: int, /) -> None:
        patients = {patient: index for index, patient in enumerate(dict.fromkeys(p.patient_id for p in own))}
        self._codes = np.asarray([patients[p.patient_id] for p in own])
        self._weights = cluster_bootstrap(len(patients), replicates=_REPLICATES, seed=seed)
        self._common = {"data_set": data_set, "label": label, "n": len(own), "patients": len(patients)}

    def plain(self, who: str, name: str, value: float, method: str, /) -> EvaluatedFigure:
        return EvaluatedFigure.model_validate(
            {**self._common, "who": who, "name": name, "value": value, "interval_95": None, "method": method}
        )

    def figure(self, who: str, name: str, statistic: Callable[[NDArray[np.intp]], float], /) -> EvaluatedFigure:
        every = np.arange(self._codes.size)
        found = []
        for weights in self._weights:
            try:
                found.append(statistic(np.repeat(every, weights[self._codes])))
            except NotEstimableError:
                # A sample of patients may hold one class only; it says nothing about an area.
                continue
        figure = self.plain(who, name, statistic(every), "bootstrap over patients, percentiles")
        if len(found) < _FEWEST_BOOTSTRAP_SHARE * _REPLICATES:
            return figure
        lower, upper = np.percentile(found, [2.5, 97.5]).tolist()
        return figure.model_copy(update={"interval_95": (lower, upper)})
