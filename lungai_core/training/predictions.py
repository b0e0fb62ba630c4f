"""Out-of-fold predictions: for each nodule what a network says that has never seen its patient."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical.calibration import calibration
from lungai_core.domain.model import FrozenModel
from lungai_core.training.baselines import best_threshold, diameter_scores, feature_scores
from lungai_core.training.batches import evaluation_batches
from lungai_core.training.loop import arithmetic, look_at
from lungai_core.training.samples import target_of
from lungai_core.training.split import Part, split_by_fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lungai_core.training.loop import Trainee
    from lungai_core.training.plan import Target, TrainingPlan
    from lungai_core.training.samples import NoduleSample

__all__ = ["FoldChoices", "Prediction", "choose", "predict_fold", "predictions_csv"]

_FEWEST_FOR_SLOPE = 10


class Prediction(FrozenModel):
    """One nodule, what readers said and what was predicted without its fold.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    ``…_suspicious`` are decisions at thresholds chosen on the fold's validation part (network) and on its training
    folds (baselines).
    """

    data_set: str
    sample_id: str
    patient_id: str
    fold: int
    diagnosis: bool | None
    mean_rating: bool | None
    diameter_mm: float | None
    logit: float
    probability: float
    suspicious: bool
    predicted_diameter_mm: float
    dice: float | None
    baseline_diameter: float
    baseline_diameter_suspicious: bool
    baseline_features: float
    baseline_features_suspicious: bool


class FoldChoices(FrozenModel):
    """Calibration and operating point of one fold's network, chosen on its validation part.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010
    """

    slope: float
    intercept: float
    threshold: float

    def probability(self, logit: float, /) -> float:
        """Return the calibrated probability.

        :implements: SRS-TRAIN-013, SDS-TRAIN-010

        Parameters
        ----------
        logit
            Of the network.
        """
        return float(1 / (1 + np.exp(-np.clip(self.slope * logit + self.intercept, -500, 500))))


def choose(logits: NDArray[np.float64], truth: NDArray[np.bool_], /) -> FoldChoices:
    """Choose calibration (Platt) and operating point (highest accuracy) on validation data.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    logits
        ``(n,)`` of the validation part.
    truth
        ``(n,)`` labels.

    Returns
    -------
    FoldChoices
        Slope 1 and intercept 0 where the fit does not exist (fewer than 10 nodules, one class, separable) or would
        turn the order around.
    """
    plain = FoldChoices(slope=1.0, intercept=0.0, threshold=0.5)
    if truth.size < _FEWEST_FOR_SLOPE or truth.all() or not truth.any():
        return plain
    lowest, highest = logits[truth].min(), logits[~truth].max()
    if lowest <= highest:
        fit = calibration(1 / (1 + np.exp(-logits)), truth=truth.astype(int)).fit
        if fit.slope > 0 and math.isfinite(fit.slope) and math.isfinite(fit.intercept):
            plain = FoldChoices(slope=fit.slope, intercept=fit.intercept, threshold=0.5)
    scores = np.asarray([plain.probability(logit) for logit in logits.tolist()])
    return plain.model_copy(update={"threshold": best_threshold(scores, truth)})


def predict_fold(
    trainee: Trainee, samples: Sequence[NoduleSample], /, *, plan: TrainingPlan, fold: int, folds: int
) -> tuple[FoldChoices, tuple[Prediction, ...]]:
    """Predict the test fold with the network and with the baselines of the other folds.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    trainee
        Trained without the fold.
    samples
        The whole data set.
    plan
        Its plan.
    fold, folds
        Which fold of how many is predicted.
    """
    split = split_by_fold(samples, test_fold=fold, folds=folds)
    test, validation = split.samples(samples, Part.TEST), split.samples(samples, Part.VALIDATION)
    learn = split.samples(samples, Part.TRAIN) + validation
    target = plan.data.target
    labelled = [sample for sample in validation if target_of(sample.labels, target) is not None]
    answers = _answers(trainee, labelled, plan)
    choices = choose(np.asarray([answer[0] for answer in answers]), _truth(labelled, target))
    boosted = feature_scores(learn, (*learn, *test), target=target, seed=plan.seed)
    scores = {
        "diameter": (diameter_scores(learn), diameter_scores(test)),
        "features": (boosted[: len(learn)], boosted[len(learn) :]),
    }
    known = np.asarray([target_of(sample.labels, target) is not None for sample in learn])
    truth = _truth(learn, target)
    limits = {name: best_threshold(own[known], truth[known]) for name, (own, _) in scores.items()}
    rows = []
    for index, (sample, (logit, diameter, dice)) in enumerate(zip(test, _answers(trainee, test, plan), strict=True)):
        probability = choices.probability(logit)
        by_diameter, by_features = float(scores["diameter"][1][index]), float(scores["features"][1][index])
        rows.append(
            Prediction(
                data_set=sample.data_set,
                sample_id=sample.sample_id,
                patient_id=sample.patient_id,
                fold=fold,
                diagnosis=sample.labels.diagnosis,
                mean_rating=sample.labels.mean_rating,
                diameter_mm=sample.labels.diameter_mm,
                logit=logit,
                probability=probability,
                suspicious=probability >= choices.threshold,
                predicted_diameter_mm=diameter,
                dice=dice,
                baseline_diameter=by_diameter,
                baseline_diameter_suspicious=by_diameter >= limits["diameter"],
                baseline_features=by_features,
                baseline_features_suspicious=by_features >= limits["features"],
            )
        )
    return choices, tuple(rows)


def predictions_csv(predictions: Sequence[Prediction], /) -> str:
    """Write predictions as CSV, one row a nodule.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    predictions
        Of all folds.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(Prediction.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(prediction.model_dump(mode="json") for prediction in predictions)
    return stream.getvalue()


def _answers(
    trainee: Trainee, samples: Sequence[NoduleSample], plan: TrainingPlan, /
) -> list[tuple[float, float, float | None]]:
    answers = []
    with arithmetic(plan.compute):
        trainee.to(plan.compute.device).eval()
        for batch in evaluation_batches(samples, plan=plan):
            output, truth = look_at(trainee, batch, plan=plan)
            dice = None
            if bool(truth.has_mask[0]):
                found, wanted = output.mask_logit > 0, truth.mask > 0
                dice = 2 * float((found & wanted).sum()) / max(1.0, float(found.sum() + wanted.sum()))
            answers.append((float(output.malignancy_logit[0]), float(output.diameter_mm[0]), dice))
    return answers


def _truth(samples: Sequence[NoduleSample], target: Target, /) -> NDArray[np.bool_]:
    return np.asarray([bool(target_of(sample.labels, target)) for sample in samples])
