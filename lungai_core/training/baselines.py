"""What a network has to beat: the diameter alone, and the diameter with simple HU features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from lungai_core.training.samples import prepare, target_of, training_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lungai_core.training.plan import Target
    from lungai_core.training.samples import NoduleSample

__all__ = ["best_threshold", "diameter_scores", "feature_scores", "nodule_features"]

_PERCENTILES = (5, 25, 50, 75, 95)
_EDGE = 64


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
