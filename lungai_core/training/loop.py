"""The training loop: deterministic, resumable, the same for one process and for several."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from lungai_core.clinical.roc import roc_data
from lungai_core.errors import DataSetError, NonFiniteLossError, TrainingPlanError
from lungai_core.model.losses import Truth, task_losses, weighting
from lungai_core.model.net import build_net, require_patch
from lungai_core.training.batches import evaluation_batches, seed_of, training_batches
from lungai_core.training.checkpoint import (
    CheckpointState,
    EpochRow,
    keep_checkpoints,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from lungai_core.training.plan import Keep, Precision, plan_sha256
from lungai_core.training.processes import share_batch_norm
from lungai_core.training.samples import target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lungai_core.model.net import MultitaskNet, NetOutput
    from lungai_core.training.batches import Batch
    from lungai_core.training.plan import ComputePlan, TrainingPlan
    from lungai_core.training.processes import Processes
    from lungai_core.training.samples import NoduleSample

__all__ = [
    "Step",
    "Trainee",
    "TrainingData",
    "Validation",
    "arithmetic",
    "fit",
    "look_at",
    "new_trainee",
    "validate",
]

_MASK_PROBABILITY = 0.5


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


@dataclass(frozen=True, slots=True)
class Validation:
    """How good a network is on a part of the data.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    losses
        Malignancy, mask, diameter: means over the labelled patches.
    auc, dice, mae_mm
        ``None`` where they cannot be computed.
    """

    losses: tuple[float, float, float]
    auc: float | None
    dice: float | None
    mae_mm: float | None


class Trainee(nn.Module):
    """A network together with the weighting of its losses: what a run learns and a checkpoint holds.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    net
        The network.
    weigh
        One of the weightings of :mod:`lungai_core.model.losses`.
    """

    def __init__(self, net: MultitaskNet, weigh: nn.Module, /) -> None:
        super().__init__()
        self.net = net
        self.weigh = weigh

    def forward(self, batch: Batch, processes: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss whose gradient, averaged over all processes, is that of the whole batch.

        :implements: SRS-TRAIN-009, SRS-TRAIN-011, SDS-TRAIN-007, SDS-TRAIN-008

        Parameters
        ----------
        batch
            The patches of this process.
        processes
            How many there are.

        Returns
        -------
        tuple
            The loss, and this process's share ``(3,)`` of the mean task losses, without gradient.
        """
        losses = task_losses(self.net(batch.patches), batch.truth)
        shares = torch.stack(
            [
                losses.malignancy.sum() / batch.counts.malignancy,
                losses.mask.sum() / batch.counts.mask,
                losses.diameter.sum() / batch.counts.diameter,
            ]
        )
        return self.weigh(shares * processes), shares.detach()


def new_trainee(plan: TrainingPlan, /) -> Trainee:
    """Build the network and weighting of a plan, with the plan's first weights.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    plan
        The plan.
    """
    return Trainee(build_net(plan.spec, seed=plan.seed), weighting(plan.loss.weighting, weights=plan.loss.weights))


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


def validate(trainee: Trainee, samples: Sequence[NoduleSample], /, *, plan: TrainingPlan) -> Validation:
    """Measure a network on a part of the data, one patch at a time and without variation.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    trainee
        Network and weighting; put into evaluation mode here.
    samples
        The part.
    plan
        Gives target, patch size and device.
    """
    trainee.eval()
    sums, counts = np.zeros(3), np.zeros(3)
    scores: list[tuple[float, bool]] = []
    dice: list[float] = []
    errors: list[float] = []
    for sample, batch in zip(samples, evaluation_batches(samples, plan=plan), strict=True):
        output, truth = look_at(trainee, batch, plan=plan)
        losses = task_losses(output, truth)
        has = [bool(truth.has_malignant[0]), bool(truth.has_mask[0]), bool(truth.has_diameter[0])]
        sums += [float(losses.malignancy), float(losses.mask), float(losses.diameter)]
        counts += has
        label = target_of(sample.labels, plan.data.target)
        if label is not None:
            scores.append((float(output.malignancy_logit[0]), label))
        if has[1]:
            found, wanted = output.mask_logit > math.log(_MASK_PROBABILITY / (1 - _MASK_PROBABILITY)), truth.mask > 0
            dice.append(2 * float((found & wanted).sum()) / float(found.sum() + wanted.sum()))
        if has[2]:
            errors.append(abs(float(output.diameter_mm[0]) - float(truth.diameter_mm[0])))
    means = sums / np.maximum(counts, 1)
    return Validation(
        losses=(float(means[0]), float(means[1]), float(means[2])),
        auc=_auc(scores),
        dice=float(np.mean(dice)) if dice else None,
        mae_mm=float(np.mean(errors)) if errors else None,
    )


def look_at(trainee: Trainee, batch: Batch, /, *, plan: TrainingPlan) -> tuple[NetOutput, Truth]:
    """Run the network of a trainee on a batch, on the plan's device and in its precision, without gradient.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    trainee
        On the plan's device, in evaluation mode.
    batch
        The patches.
    plan
        The plan.

    Returns
    -------
    tuple
        The outputs and, on the same device, the labels.
    """
    placed = _on_device(batch, plan.compute.device)
    with torch.no_grad(), _autocast(plan.compute):
        output: NetOutput = trainee.net(placed.patches)
    return output, placed.truth


@contextmanager
def arithmetic(compute: ComputePlan, /) -> Iterator[None]:
    """Set threads and determinism of torch for a block, and put them and its random state back afterwards.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    compute
        Of the plan.

    Raises
    ------
    TrainingPlanError
        If the plan asks for a GPU and torch finds none.
    """
    if compute.device == "cuda" and not torch.cuda.is_available():
        raise TrainingPlanError(
            "The plan asks for a GPU and torch finds none.",
            where="compute.device",
            allowed="cpu here",
            remedy="Run on a machine with a GPU and a CUDA build of torch, or set device to cpu.",
        )
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(compute.deterministic)
    try:
        with torch.random.fork_rng(devices=None if compute.device == "cuda" else []):
            yield
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.set_num_threads(threads)


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
        with _autocast(self.plan.compute):
            loss, shares = self.module(_on_device(batch, self.plan.compute.device), self.processes.count)
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


def _auc(scores: list[tuple[float, bool]], /) -> float | None:
    truth = [suspicious for _, suspicious in scores]
    if len(set(truth)) <= 1:
        return None
    return roc_data([score for score, _ in scores], truth=[int(suspicious) for suspicious in truth]).auc


def _on_device(batch: Batch, device: str, /) -> Batch:
    if device == "cpu":
        return batch
    moved = Truth(**{field.name: getattr(batch.truth, field.name).to(device) for field in fields(Truth)})
    return type(batch)(patches=batch.patches.to(device), truth=moved, counts=batch.counts)


def _autocast(compute: ComputePlan, /) -> AbstractContextManager[object]:
    if compute.precision is Precision.FLOAT32:
        return nullcontext()
    return torch.autocast(compute.device, dtype=torch.bfloat16)


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
