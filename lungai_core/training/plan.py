"""A training plan: everything that decides the weights, in one TOML file with a hash."""

from __future__ import annotations

import hashlib
import json
import tomllib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from lungai_core.domain.model import FrozenModel, is_absent
from lungai_core.errors import TrainingPlanError
from lungai_core.model.losses import Weighting
from lungai_core.model.spec import NetSpec, named_spec

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = [
    "AnnotatedPlan",
    "AugmentationPlan",
    "ComputePlan",
    "DataPlan",
    "Keep",
    "Lesson",
    "LossPlan",
    "OptimizerPlan",
    "Precision",
    "Target",
    "TrainingPlan",
    "plan_sha256",
    "read_plan",
]

_Positive = Annotated[float, Field(gt=0)]
_Range = tuple[_Positive, _Positive]


class Target(StrEnum):
    """Which label of a nodule the malignancy head learns.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    ``diagnosis``: at least two readers gave more than 3, or proof. ``mean_rating``: the mean reading lies above 3 (1)
    or below (0), nodules with a mean of 3 have no label.
    """

    DIAGNOSIS = "diagnosis"
    MEAN_RATING = "mean_rating"


class Lesson(StrEnum):
    """What the malignancy head learns towards the target.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    ``label``: the target itself, 0 or 1. ``readings``: the mean of the readings, 0 for 1 and 1 for 5.
    """

    LABEL = "label"
    READINGS = "readings"


class Keep(StrEnum):
    """Which epoch's weights a run ends with.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    ``best``: that of the highest validation AUC. ``last``: the last one, at the end of the cosine; then the validation
    part chooses nothing but calibration and threshold, and ``patience`` does not apply.
    """

    BEST = "best"
    LAST = "last"


class Precision(StrEnum):
    """The arithmetic of training's forward pass; weights, and whatever is measured, stay in single precision.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003
    """

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class AnnotatedPlan(FrozenModel):
    """Nodules that readers annotated, as :func:`~lungai_core.training.annotated.load_annotated` reads them.

    :implements: SRS-TRAIN-019, SDS-TRAIN-013

    ``records`` is the JSON file, ``images`` the folder of the series. ``ties`` has no default: whether a voxel that
    half of the readers marked belongs to the nodule is a decision of the reading plan.
    """

    records: Annotated[str, Field(min_length=1)]
    images: Annotated[str, Field(min_length=1)]
    ties: Literal["inside", "outside", "refuse"]
    folds: Annotated[int, Field(ge=3)] = 4


class DataPlan(FrozenModel):
    """Where the nodules are and how they become patches.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    Folders are relative to the plan file. ``nodules`` is a folder like ``lidc_nodules``, ``context`` one like
    ``lidc_context``, ``annotated`` names records of readers; each may be absent, but ``nodules`` and ``annotated`` not
    both. ``limit_per_fold`` takes the first so many of each fold of ``nodules``, for a trial; absent means all.
    """

    nodules: Annotated[str, Field(min_length=1)] | None = None
    context: str | None = None
    annotated: Annotated[AnnotatedPlan | None, Field(exclude_if=is_absent)] = None
    target: Target = Target.DIAGNOSIS
    lesson: Lesson = Lesson.LABEL
    patch_size: Annotated[int, Field(ge=32, multiple_of=32)] = 96
    limit_per_fold: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _has_nodules(self) -> Self:
        if self.nodules is None and self.annotated is None:
            what = "one of nodules and annotated is needed"
            raise ValueError(what)
        return self


class OptimizerPlan(FrozenModel):
    """AdamW (Loshchilov and Hutter 2019) with a cosine from ``learning_rate`` to 0 over ``epochs``.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    Training stops when the validation AUC has not grown for ``patience`` epochs. The learning rate grows linearly over
    the first ``warmup_steps``.
    """

    epochs: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=2)] = 8
    learning_rate: _Positive = 3e-4
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    patience: Annotated[int, Field(ge=1)] = 10
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    keep: Keep = Keep.BEST


class LossPlan(FrozenModel):
    """How the losses are weighted: malignancy, mask, diameter.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003
    """

    weighting: Weighting = Weighting.FIXED
    weights: tuple[_Positive, _Positive, _Positive] = (1.0, 0.5, 0.2)


class AugmentationPlan(FrozenModel):
    """How far a training patch is varied; ``probability`` applies to the patch as a whole.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    Rotation is uniform in ``±rotation_degrees`` about each axis, scale uniform in ``scale``, gamma uniform in
    ``gamma``, noise Gaussian with a sigma uniform from 0 to ``noise_sigma`` (patch values lie in [0, 1]), shift uniform
    in ``±shift_mm`` along each axis, and each axis is flipped with probability one half.
    """

    probability: Annotated[float, Field(ge=0, le=1)] = 0.9
    rotation_degrees: Annotated[float, Field(ge=0, le=180)] = 15.0
    scale: _Range = (0.8, 1.2)
    gamma: _Range = (0.7, 1.5)
    noise_sigma: Annotated[float, Field(ge=0)] = 0.05
    shift_mm: Annotated[float, Field(ge=0, le=8)] = 0.0


class ComputePlan(FrozenModel):
    """On what and how exactly the arithmetic runs.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    ``deterministic`` makes torch refuse operations whose result depends on the order of threads; on a GPU the network's
    trilinear interpolation is one of them, so that it is for the CPU. ``threads`` decides the last bits on a CPU.
    ``workers`` processes prepare patches ahead (0: none); their number changes nothing in the weights.
    """

    device: Annotated[str, Field(pattern=r"^(cpu|cuda)$")] = "cpu"
    precision: Precision = Precision.FLOAT32
    deterministic: bool = True
    threads: Annotated[int, Field(ge=1)] = 1
    workers: Annotated[int, Field(ge=0, le=256)] = 0


class TrainingPlan(FrozenModel):
    """A whole training run.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    ``network`` is the name of a shipped spec, or the table of a spec's fields.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    seed: Annotated[int, Field(ge=0)]
    network: str | NetSpec
    data: DataPlan
    optimizer: OptimizerPlan
    loss: LossPlan = LossPlan()
    augmentation: AugmentationPlan = AugmentationPlan()
    compute: ComputePlan = ComputePlan()

    @property
    def spec(self) -> NetSpec:
        """The network's sizes."""
        return self.network if isinstance(self.network, NetSpec) else named_spec(self.network)


def read_plan(path: Path, /) -> TrainingPlan:
    """Read a plan file.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    Parameters
    ----------
    path
        A TOML file.

    Raises
    ------
    TrainingPlanError
        If the file is absent, not TOML, or not of the schema; with the names of the fields.
    """
    try:
        # Through JSON, because strict validation takes a JSON array for a tuple but not a Python list.
        return TrainingPlan.model_validate_json(json.dumps(tomllib.loads(path.read_text(encoding="utf-8"))))
    except ValidationError as error:
        fields = ", ".join(sorted({_problem(problem) for problem in error.errors()}))
        raise _bad_plan(path, f"The training plan is not of its schema ({fields}).") from error
    except (OSError, ValueError, TypeError) as error:
        raise _bad_plan(path, f"The training plan cannot be read ({type(error).__name__}).") from error


def _problem(problem: ErrorDetails, /) -> str:
    place = ".".join(map(str, problem["loc"]))
    # Our own sentences say more than the place does.
    own = problem["type"] == "value_error"
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}" if own else place


def plan_sha256(plan: TrainingPlan, /) -> str:
    """Return the SHA-256 of a plan with all defaults written out.

    :implements: SRS-TRAIN-005, SDS-TRAIN-003

    Parameters
    ----------
    plan
        The plan.
    """
    return hashlib.sha256(plan.model_dump_json().encode()).hexdigest()


def _bad_plan(path: Path, what: str, /) -> TrainingPlanError:
    return TrainingPlanError(
        what,
        where=str(path),
        allowed="the fields of docs/reference/training.md",
        remedy="Mend the file; `design/training/` in the repository has examples.",
    )
