"""What a network has to beat: the diameter alone, and the diameter with simple HU features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from lungai_core.training.samples import prepare, target_of, training_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lungai_core.training.plan import Target
    from lungai_core.training.samples import NoduleSample

__all__ = [
    "BaselineVerdicts",
    "Verdict",
    "baseline_verdicts",
    "best_threshold",
    "diameter_scores",
    "feature_scores",
    "nodule_features",
]

_PERCENTILES = (5, 25, 50, 75, 95)
_EDGE = 64


class Verdict(NamedTuple):
    """What a baseline says of one nodule; ``None`` where it cannot read it.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    ``score`` rises with suspicion, ``positive`` tells whether it reaches the threshold of the folds that were learned
    from.
    """

    score: float | None = None
    positive: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BaselineVerdicts:
    """Both baselines' verdicts on the nodules of a test fold, in their order.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    diameter
        By the readers' diameter alone, mm as score.
    features
        By gradient boosting on diameter and HU, 0 to 1.
    """

    diameter: list[Verdict]
    features: list[Verdict]


def nodule_features(sample: NoduleSample, /) -> NDArray[np.float64]:
    """Describe a nodule by its diameter, its mask's volume and the HU inside of the mask.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    sample
        With mask and diameter; a missing one gives zeros.

    Returns
    -------
    numpy.ndarray
        ``(10,)``: diameter in mm, volume in mm³, then mean, standard deviation, minimum and five percentiles of the
        patch values (0 to 1 for -1000 to 400 HU).
    """
    nodule = prepare(sample, contract=training_input(_EDGE))
    inside = nodule.values[nodule.mask] if nodule.mask is not None else np.zeros(0, dtype=np.float32)
    if inside.size == 0:
        inside = np.zeros(1, dtype=np.float32)
    volume = 0.0 if nodule.mask is None else float(nodule.mask.sum())
    values = [sample.labels.diameter_mm or 0.0, volume, inside.mean(), inside.std(), inside.min()]
    return np.asarray([*values, *np.percentile(inside, _PERCENTILES)], dtype=np.float64)


def diameter_scores(samples: Sequence[NoduleSample], /) -> NDArray[np.float64]:
    """Return the readers' diameters as a score of malignancy.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    samples
        The nodules.
    """
    return np.asarray([sample.labels.diameter_mm or 0.0 for sample in samples])


def feature_scores(
    learn: Sequence[NoduleSample], samples: Sequence[NoduleSample], /, *, target: Target, seed: int
) -> NDArray[np.float64]:
    """Learn gradient boosting on simple features, and score other nodules with it.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Friedman, "Greedy function approximation: a gradient boosting machine" (2001), as in scikit-learn with its defaults.

    Parameters
    ----------
    learn
        Nodules of the training folds; those without the target's label are left out.
    samples
        The nodules to score.
    target
        Which label is learned.
    seed
        Of the booster.

    Returns
    -------
    numpy.ndarray
        ``(samples,)`` probabilities.
    """
    features = {id(sample): nodule_features(sample) for sample in (*learn, *samples)}
    labelled = [sample for sample in learn if target_of(sample.labels, target) is not None]
    booster = GradientBoostingClassifier(random_state=seed % 2**32)
    booster.fit(
        np.stack([features[id(sample)] for sample in labelled]),
        [int(bool(target_of(sample.labels, target))) for sample in labelled],
    )
    scores: NDArray[np.float64] = booster.predict_proba(np.stack([features[id(sample)] for sample in samples]))[:, 1]
    return scores


def best_threshold(scores: NDArray[np.float64], truth: NDArray[np.bool_], /) -> float:
    """Return the threshold with the highest accuracy; of equal ones the middle one.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    scores
        ``(n,)``, n at least 1.
    truth
        ``(n,)`` of the same nodules. A nodule is called positive from the threshold on.
    """
    values = np.unique(scores)
    candidates = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2, values[-1:] + 1])
    accuracy = np.asarray([np.mean((scores >= candidate) == truth) for candidate in candidates])
    best = np.flatnonzero(accuracy == accuracy.max())
    return float(candidates[best[len(best) // 2]])


def baseline_verdicts(
    learn: Sequence[NoduleSample], test: Sequence[NoduleSample], /, *, target: Target, seed: int
) -> BaselineVerdicts:
    """Let both baselines learn from some folds and judge another.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    learn
        Nodules of the other folds; those without the target's label are left out.
    test
        The nodules to judge.
    target
        Which label is learned.
    seed
        Of the booster.

    Returns
    -------
    BaselineVerdicts
        Empty verdicts for nodules without the diameter, or for the features without the mask, that a baseline reads,
        and for all where the nodules to learn from hold one class only.
    """
    known = [sample for sample in _with_diameter(learn) if target_of(sample.labels, target) is not None]
    drawn, sized = _with_mask(known), _with_diameter(test)
    boosted = partial(feature_scores, drawn, target=target, seed=seed)
    diameter = _verdicts(diameter_scores, known, sized, target=target)
    features = _verdicts(boosted, drawn, _with_mask(sized), target=target)
    return BaselineVerdicts(
        diameter=[diameter.get(id(sample), Verdict()) for sample in test],
        features=[features.get(id(sample), Verdict()) for sample in test],
    )


def _with_diameter(samples: Sequence[NoduleSample], /) -> list[NoduleSample]:
    return [sample for sample in samples if sample.labels.diameter_mm is not None]


def _with_mask(samples: Sequence[NoduleSample], /) -> list[NoduleSample]:
    return [sample for sample in samples if sample.mask is not None]


def _verdicts(
    score: Callable[[Sequence[NoduleSample]], NDArray[np.float64]],
    learn: Sequence[NoduleSample],
    test: Sequence[NoduleSample],
    /,
    *,
    target: Target,
) -> dict[int, Verdict]:
    truth = np.asarray([bool(target_of(sample.labels, target)) for sample in learn])
    one_class = truth.all() or not truth.any()
    if one_class or not test:
        return {}
    scores = score([*learn, *test])
    limit = best_threshold(scores[: len(learn)], truth)
    found = scores[len(learn) :].tolist()
    return {id(sample): Verdict(one, one >= limit) for sample, one in zip(test, found, strict=True)}
