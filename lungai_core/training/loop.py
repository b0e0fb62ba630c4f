"""The training loop: deterministic, resumable, the same for one process and for several."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from lungai_core.errors import DataSetError, NonFiniteLossError
from lungai_core.model.net import require_patch
from lungai_core.training.batches import seed_of, training_batches
from lungai_core.training.checkpoint import (
    CheckpointState,
    EpochRow,
    keep_checkpoints,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from lungai_core.training.plan import Keep, plan_sha256
from lungai_core.training.processes import share_batch_norm
from lungai_core.training.trainee import arithmetic, autocast, new_trainee, on_device, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lungai_core.training.batches import Batch
    from lungai_core.training.plan import TrainingPlan
    from lungai_core.training.processes import Processes
    from lungai_core.training.samples import NoduleSample
    from lungai_core.training.trainee import Trainee

__all__ = ["Step", "TrainingData", "fit"]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The nodules that a run learns from and those that decide when it stops.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    train, validation
        Patient-disjoint; see :func:`lungai_core.training.split.prove_no_leakage`.
    """

    train: Sequence[NoduleSample]
    validation: Sequence[NoduleSample]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run, for whoever watches it.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    epoch, epochs, step, steps
        Counted from 1.
    total, malignancy, mask, diameter
        Losses of the batch over all processes.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    total: float
    malignancy: float
    mask: float
    diameter: float


def fit(
    plan: TrainingPlan,
    data: TrainingData,
    folder: Path,
    /,
    *,
    processes: Processes,
    watch: Callable[[Step], None] | None = None,
) -> CheckpointState:
    """Train until the plan's epochs are done or the validation AUC has stopped growing.

    :implements: SRS-TRAIN-009, SRS-TRAIN-010, SRS-TRAIN-011, SDS-TRAIN-007, SDS-TRAIN-008

    If ``folder`` holds a checkpoint of this plan, the run goes on from there and ends with the weights that it would
    have without the interruption: order, variations and dropout follow from seed, epoch and step, not from a state.

    Parameters
    ----------
    plan
        The plan.
    data
        Its parts.
    folder
        Where checkpoints stand: the last and the best epoch.
    processes
        Which process this is.
    watch
        Called after each step.

    Returns
    -------
    CheckpointState
        All epochs, and which was the best.

    Raises
    ------
    DataSetError
        If the training part has less than two nodules or no malignancy label.
    NonFiniteLossError
        If a loss is NaN or infinite; the last checkpoint stays.
    CheckpointMismatchError
        If ``folder`` holds a checkpoint of another plan.
    """
    _require_learnable(plan, data)
    with arithmetic(plan.compute):
        trainee = new_trainee(plan).to(plan.compute.device)
        if processes.count > 1:
            share_batch_norm(trainee, device=plan.compute.device)
        optimizer = torch.optim.AdamW(
            trainee.parameters(), lr=plan.optimizer.learning_rate, weight_decay=plan.optimizer.weight_decay
        )
        state = _resume(plan, folder, trainee, optimizer)
        module = trainee if processes.count == 1 else DistributedDataParallel(trainee)
        run = _Run(plan=plan, data=data, trainee=trainee, module=module, optimizer=optimizer, processes=processes)
        while state is None or not _is_done(plan, state):
            row = run.epoch(1 if state is None else state.epoch + 1, watch)
            state = _advance(plan, state, row)
            if processes.rank == 0:
                save_checkpoint(folder, state=state, module=trainee, optimizer=optimizer)
                keep_checkpoints(folder, epochs={state.epoch, state.best_epoch})
            if processes.count > 1:
                distributed.barrier()
    return state


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    plan: TrainingPlan
    data: TrainingData
    trainee: Trainee
    module: nn.Module
    optimizer: torch.optim.Optimizer
    processes: Processes

    def epoch(self, epoch: int, watch: Callable[[Step], None] | None, /) -> EpochRow:
        began = time.monotonic()
        plan, steps = self.plan, -(-len(self.data.train) // self.plan.optimizer.batch_size)
        self.module.train()
        history: list[tuple[float, ...]] = []
        batches = training_batches(
            self.data.train, plan=plan, epoch=epoch, rank=self.processes.rank, processes=self.processes.count
        )
        for step, batch in enumerate(batches, start=1):
            rate = _learning_rate(plan, done=(epoch - 1) * steps + step - 1, whole=plan.optimizer.epochs * steps)
            torch.manual_seed(seed_of(plan.seed, "dropout", epoch, step, self.processes.rank))
            losses = self._step(batch, rate)
            if not all(map(math.isfinite, losses)):
                raise _not_finite(epoch, step)
            history.append(losses)
            if watch is not None:
                watch(Step(epoch, plan.optimizer.epochs, step, steps, *losses))
        mean = np.mean(history, axis=0)
        found = validate(self.trainee, self.data.validation, plan=plan)
        with torch.no_grad():
            total = float(self.trainee.weigh(torch.tensor(found.losses, device=plan.compute.device)))
        return EpochRow(
            epoch=epoch,
            learning_rate=rate,
            train_total=float(mean[0]),
            train_malignancy=float(mean[1]),
            train_mask=float(mean[2]),
            train_diameter=float(mean[3]),
            validation_total=total,
            validation_malignancy=found.losses[0],
            validation_mask=found.losses[1],
            validation_diameter=found.losses[2],
            validation_auc=found.auc,
            validation_dice=found.dice,
            validation_mae_mm=found.mae_mm,
            wall_seconds=time.monotonic() - began,
        )

    def _step(self, batch: Batch, rate: float, /) -> tuple[float, float, float, float]:
        require_patch(batch.patches)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.plan.compute):
            loss, shares = self.module(on_device(batch, self.plan.compute.device), self.processes.count)
        # Summed before the backward pass, so that all processes stop at a loss that is not finite, not one of them.
        if self.processes.count > 1:
            distributed.all_reduce(shares)
        with torch.no_grad():
            total = float(self.trainee.weigh(shares))
        if math.isfinite(total):
            loss.backward()
            self.optimizer.step()
        malignancy, mask, diameter = shares.tolist()
        return total, malignancy, mask, diameter


def _resume(
    plan: TrainingPlan, folder: Path, trainee: Trainee, optimizer: torch.optim.Optimizer, /
) -> CheckpointState | None:
    latest = latest_checkpoint(folder)
    if latest is None:
        return None
    return load_checkpoint(latest, plan_sha256=plan_sha256(plan), module=trainee, optimizer=optimizer)


def _is_done(plan: TrainingPlan, state: CheckpointState, /) -> bool:
    patient = plan.optimizer.keep is Keep.LAST or state.epoch - state.best_epoch < plan.optimizer.patience
    return state.epoch >= plan.optimizer.epochs or not patient


def _advance(plan: TrainingPlan, state: CheckpointState | None, row: EpochRow, /) -> CheckpointState:
    rows = (*(() if state is None else state.rows), row)
    return CheckpointState(
        plan_sha256=plan_sha256(plan),
        spec=plan.spec,
        weights_sha256="",
        optimizer_sha256="",
        rows=rows,
        best_epoch=row.epoch if plan.optimizer.keep is Keep.LAST else max(rows, key=_merit).epoch,
    )


def _merit(row: EpochRow, /) -> tuple[float, float]:
    # The first of equal epochs wins, because max keeps the first; without both classes the loss decides.
    return (-1.0 if row.validation_auc is None else row.validation_auc, -row.validation_total)


def _learning_rate(plan: TrainingPlan, /, *, done: int, whole: int) -> float:
    warm = min(1.0, (done + 1) / plan.optimizer.warmup_steps) if plan.optimizer.warmup_steps else 1.0
    return plan.optimizer.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * done / whole))


def _require_learnable(plan: TrainingPlan, data: TrainingData, /) -> None:
    fewest = 2
    if len(data.train) < fewest or not data.validation:
        raise DataSetError(
            "A part of the data is too small to train on.",
            where=f"{len(data.train)} nodules to train, {len(data.validation)} to validate",
            allowed="at least 2 and 1",
            remedy=f"Use more nodules, or another split, for plan {plan.name}.",
        )


def _not_finite(epoch: int, step: int, /) -> NonFiniteLossError:
    return NonFiniteLossError(
        "A loss is NaN or infinite.",
        where=f"epoch {epoch}, step {step}",
        allowed="finite losses",
        remedy="Go on from the last checkpoint with a lower learning rate or float32, and look at the batch's images.",
    )
