"""Checkpoints without pickle: a folder an epoch, whole or absent, from which a run goes on bit by bit."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError
from safetensors.torch import load_file, save

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import CheckpointMismatchError
from lungai_core.files import new_folder, sha256_file, write_whole
from lungai_core.model.spec import NetSpec, spec_sha256

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import nn

__all__ = [
    "CheckpointState",
    "EpochRow",
    "keep_checkpoints",
    "latest_checkpoint",
    "load_checkpoint",
    "load_weights",
    "save_checkpoint",
]

_WEIGHTS, _OPTIMIZER, _STATE = "weights.safetensors", "optimizer.safetensors", "state.json"


class EpochRow(FrozenModel):
    """One epoch of the training curves.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Losses are means over the labelled patches; ``validation_auc`` is ``None`` where the validation part has one class,
    ``validation_dice`` and ``validation_mae_mm`` where no patch has that label. ``wall_seconds`` is the only field that
    differs between two runs of one plan.
    """

    epoch: int
    learning_rate: float
    train_total: float
    train_malignancy: float
    train_mask: float
    train_diameter: float
    validation_total: float
    validation_malignancy: float
    validation_mask: float
    validation_diameter: float
    validation_auc: float | None
    validation_dice: float | None
    validation_mae_mm: float | None
    wall_seconds: float


class CheckpointState(FrozenModel):
    """Where a run stands after an epoch.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007
    """

    schema_version: Literal["lungai-checkpoint/1"] = "lungai-checkpoint/1"
    plan_sha256: str
    spec: NetSpec
    weights_sha256: str
    optimizer_sha256: str
    rows: tuple[EpochRow, ...]
    best_epoch: int

    @property
    def epoch(self) -> int:
        """The last epoch that is done."""
        return self.rows[-1].epoch


def save_checkpoint(
    folder: Path, /, *, state: CheckpointState, module: nn.Module, optimizer: torch.optim.Optimizer
) -> Path:
    """Write a checkpoint as a folder that appears whole; hashes of the tensor files are filled in.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007

    Parameters
    ----------
    folder
        The run's checkpoints.
    state
        Where the run stands.
    module
        Network and loss weighting.
    optimizer
        Its moments.

    Returns
    -------
    Path
        ``epoch-NNNN`` in ``folder``.
    """
    target = folder / f"epoch-{state.epoch:04d}"
    if target.exists():
        shutil.rmtree(target)
    tensors = {
        f"{index}.{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }
    with new_folder(target) as made:
        weights = {name: value.contiguous() for name, value in module.state_dict().items()}
        write_whole(made / _WEIGHTS, save(weights, metadata={"spec_sha256": spec_sha256(state.spec)}))
        write_whole(made / _OPTIMIZER, save(tensors))
        sealed = state.model_copy(
            update={
                "weights_sha256": sha256_file(made / _WEIGHTS),
                "optimizer_sha256": sha256_file(made / _OPTIMIZER),
            }
        )
        write_whole(made / _STATE, sealed.model_dump_json(indent=1) + "\n")
    return target


def latest_checkpoint(folder: Path, /) -> Path | None:
    """Return the newest whole checkpoint of a run, or ``None``.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007

    Parameters
    ----------
    folder
        The run's checkpoints.
    """
    return max(folder.glob("epoch-[0-9]*"), default=None)


def keep_checkpoints(folder: Path, /, *, epochs: set[int]) -> None:
    """Remove the checkpoints of all other epochs.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007

    Parameters
    ----------
    folder
        The run's checkpoints.
    epochs
        Which to keep.
    """
    for path in folder.glob("epoch-[0-9]*"):
        if int(path.name.removeprefix("epoch-")) not in epochs:
            shutil.rmtree(path)


def load_checkpoint(
    path: Path, /, *, plan_sha256: str, module: nn.Module, optimizer: torch.optim.Optimizer
) -> CheckpointState:
    """Put a run back to where a checkpoint stands.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007

    Parameters
    ----------
    path
        A checkpoint.
    plan_sha256
        Of the plan that goes on.
    module, optimizer
        Are overwritten.

    Raises
    ------
    CheckpointMismatchError
        If it belongs to another plan, or a file of it is damaged.
    """
    state = _state(path)
    if state.plan_sha256 != plan_sha256:
        raise _mismatch("The checkpoint was made by another plan.", path)
    _require_hash(path / _OPTIMIZER, state.optimizer_sha256)
    load_weights(path, module=module, spec=state.spec)
    layout = optimizer.state_dict()
    layout["state"] = {}
    for name, value in load_file(path / _OPTIMIZER).items():
        index, field = name.split(".", 1)
        layout["state"].setdefault(int(index), {})[field] = value
    optimizer.load_state_dict(layout)
    return state


def load_weights(path: Path, /, *, module: nn.Module, spec: NetSpec) -> CheckpointState:
    """Load a checkpoint's weights into a network of its spec.

    :implements: SRS-TRAIN-010, SDS-TRAIN-007

    Parameters
    ----------
    path
        A checkpoint.
    module
        Network and loss weighting; its tensors are overwritten.
    spec
        The spec that the network was built from.

    Raises
    ------
    CheckpointMismatchError
        If the spec differs or the file is damaged.
    """
    state = _state(path)
    if state.spec != spec:
        raise _mismatch("The checkpoint belongs to another network spec.", path)
    _require_hash(path / _WEIGHTS, state.weights_sha256)
    module.load_state_dict(load_file(path / _WEIGHTS))
    return state


def _state(path: Path, /) -> CheckpointState:
    try:
        return CheckpointState.model_validate_json((path / _STATE).read_bytes())
    except (OSError, ValidationError) as error:
        raise _mismatch(f"The checkpoint cannot be read ({type(error).__name__}).", path) from error


def _require_hash(path: Path, expected: str, /) -> None:
    if not path.is_file() or sha256_file(path) != expected:
        raise _mismatch(f"The checkpoint's file {path.name} is not what its state says.", path)


def _mismatch(what: str, path: Path, /) -> CheckpointMismatchError:
    return CheckpointMismatchError(
        what,
        where=str(path),
        allowed="a checkpoint of the same plan and network spec, undamaged",
        remedy="Give the plan that the run was started with, or start in a new output folder.",
    )
