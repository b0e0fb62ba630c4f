"""Out-of-fold predictions: for each nodule what a network says that has never seen its patient."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from lungai_core.clinical.calibration import calibration
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import DataSetError
from lungai_core.inference.uncertainty import estimate_uncertainty
from lungai_core.modelpack.contract import Calibration, LinearHead, Provenance, ReviewRule
from lungai_core.training.baselines import baseline_verdicts
from lungai_core.training.batches import evaluation_batches
from lungai_core.training.plan import Target
from lungai_core.training.samples import target_of
from lungai_core.training.split import Part, split_by_fold
from lungai_core.training.trainee import arithmetic, look_at, mask_dice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lungai_core.training.plan import TrainingPlan
    from lungai_core.training.samples import NoduleSample
    from lungai_core.training.trainee import Trainee

__all__ = [
    "REVIEW_SAMPLES",
    "THRESHOLD",
    "FoldChoices",
    "Platt",
    "Prediction",
    "calibrate",
    "choose_review",
    "predict_fold",
    "predictions_csv",
    "read_predictions",
]

_FEWEST_FOR_SLOPE = 10
REVIEW_SAMPLES = 20
_REFERRED_SHARE = 0.2
# Of a calibrated probability, the threshold with the highest expected accuracy.
THRESHOLD = 0.5
_UNKNOWN = Provenance(method="being chosen", data="validation part")


class Prediction(FrozenModel):
    """One nodule, what readers said and what was predicted without its fold.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    ``…_as_diagnosis`` and ``…_as_mean_rating`` stand for one label each: the network's calibrated probability, and the
    decisions of the baselines. They rest on numbers that were chosen on the fold's validation part (network) and on the
    other folds (baselines). A baseline is ``None`` where the nodule lacks the diameter or mask that it reads, or the
    other folds hold one class only. ``referred`` says whether the review rule asks for a second reading.
    """

    data_set: str
    sample_id: str
    patient_id: str
    fold: int
    diagnosis: bool | None
    mean_rating: bool | None
    diameter_mm: float | None
    logit: float
    probability_as_diagnosis: float
    probability_as_mean_rating: float
    entropy_nats: float
    mutual_information_nats: float
    referred: bool
    predicted_diameter_mm: float
    dice: float | None
    diameter_score: float | None
    diameter_as_diagnosis: bool | None
    diameter_as_mean_rating: bool | None
    features_score_diagnosis: float | None
    features_score_mean_rating: float | None
    features_as_diagnosis: bool | None
    features_as_mean_rating: bool | None


class Platt(FrozenModel):
    """A calibration: ``logistic(slope * logit + intercept)``.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010
    """

    slope: Annotated[float, Field(gt=0)] = 1.0
    intercept: float = 0.0

    def probability(self, logit: float, /) -> float:
        """Return the calibrated probability.

        :implements: SRS-TRAIN-013, SDS-TRAIN-010

        Parameters
        ----------
        logit
            Of the network.
        """
        return self.as_contract(_UNKNOWN).probability(logit)

    def as_contract(self, chosen: Provenance, /) -> Calibration:
        """Return the calibration as a part of a model's contract.

        :implements: SRS-TRAIN-003, SDS-TRAIN-010

        Parameters
        ----------
        chosen
            How it was chosen.
        """
        return Calibration(slope=self.slope, intercept=self.intercept, chosen=chosen)


class FoldChoices(FrozenModel):
    """What one fold's network needs to decide, chosen on its validation part.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    A calibration for each label; of a calibrated probability, 0.5 is the threshold with the highest accuracy. The
    limits of the review rule refer a fifth of the validation nodules, and the two error rates say what that bought:
    among those that are kept and among those that are referred. ``None`` where there was no nodule to count.
    """

    schema_version: Literal["lungai-choices/2"] = "lungai-choices/2"
    diagnosis: Platt
    mean_rating: Platt
    entropy_limit_nats: float
    mutual_information_limit_nats: float
    nodules: int
    coverage: float | None
    error_rate_kept: float | None
    error_rate_referred: float | None

    def platt(self, label: Target, /) -> Platt:
        """Return the calibration for a label.

        :implements: SRS-TRAIN-013, SDS-TRAIN-010

        Parameters
        ----------
        label
            Which.
        """
        return self.diagnosis if label is Target.DIAGNOSIS else self.mean_rating

    def refers(self, *, entropy_nats: float, mutual_information_nats: float) -> bool:
        """Say whether the review rule asks for a second reading.

        :implements: SRS-TRAIN-013, SDS-TRAIN-010

        Parameters
        ----------
        entropy_nats, mutual_information_nats
            Of a nodule.
        """
        surprising = mutual_information_nats >= self.mutual_information_limit_nats
        return entropy_nats >= self.entropy_limit_nats or surprising


def calibrate(logits: NDArray[np.float64], truth: NDArray[np.bool_], /) -> Platt:
    """Fit a calibration on validation data (Platt).

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    logits
        ``(n,)`` of the validation part.
    truth
        ``(n,)`` labels.

    Returns
    -------
    Platt
        Slope 1 and intercept 0 where the fit does not exist (fewer than 10 nodules, one class, separable) or would
        turn the order around.
    """
    if truth.size < _FEWEST_FOR_SLOPE or truth.all() or not truth.any():
        return Platt()
    if logits[truth].min() > logits[~truth].max():
        return Platt()
    fit = calibration(1 / (1 + np.exp(-logits)), truth=truth.astype(int)).fit
    if fit.slope > 0 and math.isfinite(fit.slope) and math.isfinite(fit.intercept):
        return Platt(slope=fit.slope, intercept=fit.intercept)
    return Platt()


def choose_review(entropies: NDArray[np.float64], information: NDArray[np.float64], /) -> tuple[float, float]:
    """Choose the two limits of the review rule: the highest common quantile that refers a fifth of the nodules.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    Parameters
    ----------
    entropies, information
        ``(n,)`` predictive entropies and mutual information in nats of the validation part; n at least 1.

    Returns
    -------
    tuple of float
        Limits of entropy and of mutual information in nats.
    """
    for level in np.linspace(1.0, 0.0, 201):
        limits = float(np.quantile(entropies, level)), float(np.quantile(information, level))
        referred = (entropies >= limits[0]) | (information >= limits[1])
        if referred.mean() >= _REFERRED_SHARE:
            break
    return limits


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
    choices = _choose(_answers(trainee, validation, plan), validation, plan)
    learn = split.samples(samples, Part.TRAIN) + validation
    others = {label: baseline_verdicts(learn, test, target=label, seed=plan.seed) for label in Target}
    target = choices.platt(plan.data.target)
    rows = []
    for index, (sample, answer) in enumerate(zip(test, _answers(trainee, test, plan), strict=True)):
        entropy, information = answer.doubt_nats(target)
        rows.append(
            Prediction(
                data_set=sample.data_set,
                sample_id=sample.sample_id,
                patient_id=sample.patient_id,
                fold=fold,
                diagnosis=sample.labels.diagnosis,
                mean_rating=sample.labels.mean_rating,
                diameter_mm=sample.labels.diameter_mm,
                logit=answer.logit,
                probability_as_diagnosis=choices.diagnosis.probability(answer.logit),
                probability_as_mean_rating=choices.mean_rating.probability(answer.logit),
                entropy_nats=entropy,
                mutual_information_nats=information,
                referred=choices.refers(entropy_nats=entropy, mutual_information_nats=information),
                predicted_diameter_mm=answer.diameter_mm,
                dice=answer.dice,
                diameter_score=sample.labels.diameter_mm,
                diameter_as_diagnosis=others[Target.DIAGNOSIS].diameter[index].positive,
                diameter_as_mean_rating=others[Target.MEAN_RATING].diameter[index].positive,
                features_score_diagnosis=others[Target.DIAGNOSIS].features[index].score,
                features_score_mean_rating=others[Target.MEAN_RATING].features[index].score,
                features_as_diagnosis=others[Target.DIAGNOSIS].features[index].positive,
                features_as_mean_rating=others[Target.MEAN_RATING].features[index].positive,
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


def read_predictions(path: Path, /) -> tuple[Prediction, ...]:
    """Read what :func:`predictions_csv` wrote.

    :implements: SRS-TRAIN-018, SDS-TRAIN-010

    Parameters
    ----------
    path
        The CSV file.

    Raises
    ------
    DataSetError
        If the file cannot be read, or a row is not a prediction.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [{name: value or None for name, value in row.items()} for row in csv.DictReader(stream)]
        return tuple(Prediction.model_validate(row, strict=False) for row in rows)
    except (OSError, ValueError, csv.Error) as error:
        raise DataSetError(
            f"The predictions cannot be read ({type(error).__name__}).",
            where=path.name,
            allowed="predictions.csv of a cross-validation by this version",
            remedy="Make it with: lungai train --plan plan.toml --out folder --cross-validate",
        ) from error


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    logit: float
    diameter_mm: float
    dice: float | None
    features: NDArray[np.float32]
    head: LinearHead
    seed: str

    def doubt_nats(self, platt: Platt, /) -> tuple[float, float]:
        if self.head.dropout_rate == 0:
            # Nothing is sampled: what is left is how near the probability is to one half.
            chance = np.asarray([platt.probability(self.logit), 1 - platt.probability(self.logit)])
            return float(-(chance * np.log(np.maximum(chance, np.finfo(float).tiny))).sum()), 0.0
        rule = ReviewRule(samples=REVIEW_SAMPLES, entropy_nats=0.0, mutual_information_nats=0.0, chosen=_UNKNOWN)
        found = estimate_uncertainty(
            self.features, self.head, calibration=platt.as_contract(_UNKNOWN), rule=rule, seed=self.seed
        )
        return found.entropy_nats, found.mutual_information_nats


def _choose(answers: Sequence[_Answer], validation: Sequence[NoduleSample], plan: TrainingPlan, /) -> FoldChoices:
    logits = np.asarray([answer.logit for answer in answers])
    fits = {}
    for label in Target:
        known = np.asarray([target_of(sample.labels, label) is not None for sample in validation])
        truth = np.asarray([bool(target_of(sample.labels, label)) for sample in validation])
        fits[label] = calibrate(logits[known], truth[known])
    target = fits[plan.data.target]
    doubts = np.asarray([answer.doubt_nats(target) for answer in answers])
    entropy, information = choose_review(doubts[:, 0], doubts[:, 1])
    choices = FoldChoices(
        diagnosis=fits[Target.DIAGNOSIS],
        mean_rating=fits[Target.MEAN_RATING],
        entropy_limit_nats=entropy,
        mutual_information_limit_nats=information,
        nodules=len(answers),
        coverage=None,
        error_rate_kept=None,
        error_rate_referred=None,
    )
    referred = np.asarray([choices.refers(entropy_nats=h, mutual_information_nats=i) for h, i in doubts.tolist()])
    known = np.asarray([target_of(sample.labels, plan.data.target) is not None for sample in validation])
    truth = np.asarray([bool(target_of(sample.labels, plan.data.target)) for sample in validation])
    wrong = (np.asarray([target.probability(logit) for logit in logits.tolist()]) >= THRESHOLD) != truth
    return choices.model_copy(
        update={
            "coverage": float(1 - referred.mean()),
            "error_rate_kept": _rate(wrong[known & ~referred]),
            "error_rate_referred": _rate(wrong[known & referred]),
        }
    )


def _answers(trainee: Trainee, samples: Sequence[NoduleSample], plan: TrainingPlan, /) -> list[_Answer]:
    answers = []
    with arithmetic(plan.compute):
        trainee.to(plan.compute.device).eval()
        head = LinearHead(
            weights=tuple(trainee.net.malignancy.weight.detach().reshape(-1).double().tolist()),
            bias=float(trainee.net.malignancy.bias.detach()),
            dropout_rate=plan.spec.dropout,
        )
        for sample, batch in zip(samples, evaluation_batches(samples, plan=plan), strict=True):
            output, truth = look_at(trainee, batch, plan=plan)
            answers.append(
                _Answer(
                    logit=float(output.malignancy_logit[0]),
                    diameter_mm=float(output.diameter_mm[0]),
                    dice=mask_dice(output, truth) if bool(truth.has_mask[0]) else None,
                    features=output.features[0].cpu().numpy(),
                    head=head,
                    seed=hashlib.sha256(repr((plan.seed, sample.sample_id)).encode()).hexdigest(),
                )
            )
    return answers


def _rate(wrong: NDArray[np.bool_], /) -> float | None:
    return float(wrong.mean()) if wrong.size else None
