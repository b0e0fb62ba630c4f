"""Cross-validation: each fold predicted by a network that has never seen its patients."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lungai_core.files import write_whole
from lungai_core.training.evaluation import Evaluation, evaluate
from lungai_core.training.figures import render_figures
from lungai_core.training.plan import plan_sha256
from lungai_core.training.predictions import predict_fold, predictions_csv
from lungai_core.training.run import best_trainee, count_folds, train_fold

if TYPE_CHECKING:
    from pathlib import Path

    from lungai_core.training.plan import TrainingPlan
    from lungai_core.training.predictions import Prediction
    from lungai_core.training.run import Host
    from lungai_core.training.samples import NoduleSample

__all__ = ["cross_validate"]


def cross_validate(plan: TrainingPlan, samples: tuple[NoduleSample, ...], out: Path, /, *, host: Host) -> Evaluation:
    """Train once a fold and evaluate all out-of-fold predictions together.

    :implements: SRS-TRAIN-013, SDS-TRAIN-010

    An interrupted call goes on where it stopped: folds that have a record are not trained again.

    Parameters
    ----------
    plan
        The plan.
    samples
        Its data, with folds.
    out
        Gets ``fold-K/`` for each run, ``choices-K.json``, ``predictions.csv``, ``evaluation.json`` and
        ``evaluation.md``.
    host
        Processes, clock and watcher.
    """
    folds = count_folds(samples)
    predictions: list[Prediction] = []
    weights: list[str] = []
    for fold in range(folds):
        record = train_fold(plan, samples, out / f"fold-{fold}", fold=fold, host=host)
        trainee, _ = best_trainee(plan, out / f"fold-{fold}", best_epoch=record.best_epoch)
        choices, rows = predict_fold(trainee, samples, plan=plan, fold=fold, folds=folds)
        weights.append(record.weights_sha256)
        predictions += rows
        if host.processes.rank == 0:
            write_whole(out / f"choices-{fold}.json", choices.model_dump_json(indent=1) + "\n")
    table = predictions_csv(predictions)
    evaluation = Evaluation(
        plan_sha256=plan_sha256(plan),
        predictions_sha256=hashlib.sha256(table.encode()).hexdigest(),
        weights_sha256=tuple(weights),
        figures=evaluate(predictions, seed=plan.seed),
    )
    if host.processes.rank == 0:
        write_whole(out / "predictions.csv", table)
        write_whole(out / "evaluation.json", evaluation.model_dump_json(indent=1) + "\n")
        write_whole(out / "evaluation.md", render_figures(evaluation.figures))
    return evaluation
