"""The statistical analysis plan: a frozen value with a hash, locked before anybody knows the results."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from lungai_core.clinical._records import read_record, write_record
from lungai_core.clinical.results import Unit
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import PlanIntegrityError, PlanStateError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "AnalysisKind",
    "AnalysisPlan",
    "DataOrigin",
    "Endpoint",
    "EndpointRole",
    "PlanFile",
    "PlanLock",
    "lock_plan",
    "plan_sha256",
    "read_plan",
    "require_locked",
    "write_plan",
]

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_ItemId = Annotated[str, Field(pattern=r"^[A-Z]{2,5}-[A-Z0-9-]{1,20}$")]


class DataOrigin(StrEnum):
    """Where the cases come from; everything but clinical data is marked on each page of a report.

    :implements: SRS-CLIN-017, SDS-CLIN-017
    """

    CLINICAL = "clinical"
    SYNTHETIC = "synthetic"
    PHANTOM = "phantom"


class EndpointRole(StrEnum):
    """Whether an endpoint decides.

    :implements: SRS-CLIN-015, SDS-CLIN-015
    """

    PRIMARY = "primary"
    SECONDARY = "secondary"


class AnalysisKind(StrEnum):
    """Which analysis an endpoint gets.

    :implements: SRS-CLIN-015, SDS-CLIN-015
    """

    AUC_OBUCHOWSKI_ROCKETTE = "multi-reader AUC, Obuchowski-Rockette"
    AUC_U_STATISTIC = "multi-reader AUC, U-statistic"
    SENSITIVITY = "sensitivity at the threshold, by patients"
    SPECIFICITY = "specificity at the threshold, by patients"


class Endpoint(FrozenModel):
    """One endpoint: test modality minus control modality.

    :implements: SRS-CLIN-015, SDS-CLIN-015

    With a ``margin`` non-inferiority is decided, and superiority behind it; without one, superiority.
    """

    endpoint_id: _Name
    description: Annotated[str, Field(min_length=1)]
    role: EndpointRole
    kind: AnalysisKind
    unit: Unit
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None
    threshold: float | None = None
    requirement_ids: tuple[_ItemId, ...] = ()

    @model_validator(mode="after")
    def _a_rate_needs_a_threshold(self) -> Self:
        if self.kind in {AnalysisKind.SENSITIVITY, AnalysisKind.SPECIFICITY} and self.threshold is None:
            message = "sensitivity and specificity need a threshold"
            raise ValueError(message)
        return self


class AnalysisPlan(FrozenModel):
    """What will be computed, before the data are seen.

    :implements: SRS-CLIN-015, SDS-CLIN-015
    """

    plan_id: _Name
    title: Annotated[str, Field(min_length=1)]
    data_origin: DataOrigin
    test_modality: Annotated[str, Field(min_length=1)]
    control_modality: Annotated[str, Field(min_length=1)]
    alpha_two_sided: Annotated[float, Field(gt=0, lt=1)] = 0.05
    seed: Annotated[int, Field(ge=0)]
    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1)]
    subgroups: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _endpoints_have_names_of_their_own(self) -> Self:
        names = [endpoint.endpoint_id for endpoint in self.endpoints]
        if len(set(names)) != len(names) or self.test_modality == self.control_modality:
            message = "endpoints need different names, and two modalities must differ"
            raise ValueError(message)
        return self


class PlanLock(FrozenModel):
    """The lock of a plan: its hash, when, and by whom.

    :implements: SRS-CLIN-015, SDS-CLIN-015
    """

    plan_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    locked_at: datetime
    locked_by: Annotated[str, Field(min_length=1)]


class PlanFile(FrozenModel):
    """A plan with its lock, as one file.

    :implements: SRS-CLIN-015, SDS-CLIN-015
    """

    schema_version: Literal["lungai-analysis-plan/1"] = "lungai-analysis-plan/1"
    plan: AnalysisPlan
    lock: PlanLock | None = None


def plan_sha256(plan: AnalysisPlan, /) -> str:
    """Give the SHA-256 of a plan's canonical JSON.

    :implements: SRS-CLIN-015, SDS-CLIN-015

    Parameters
    ----------
    plan
        The plan.
    """
    document = json.dumps(plan.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(document.encode()).hexdigest()


def lock_plan(file: PlanFile, /, *, at: datetime, by: str) -> PlanFile:
    """Lock a plan.

    :implements: SRS-CLIN-015, SDS-CLIN-015

    Parameters
    ----------
    file
        An unlocked plan.
    at, by
        When and by whom; times and names are arguments.

    Raises
    ------
    PlanStateError
        If the plan is locked already.
    """
    if file.lock is not None:
        raise PlanStateError(
            "The plan is locked already.",
            where=f"plan {file.plan.plan_id}",
            allowed="one lock; a change makes a new plan",
            remedy="Give the changed plan a new plan_id and lock that.",
        )
    return file.model_copy(update={"lock": PlanLock(plan_sha256=plan_sha256(file.plan), locked_at=at, locked_by=by)})


def require_locked(file: PlanFile, /) -> PlanLock:
    """Return the lock of a plan after its hash has been found equal.

    :implements: SRS-CLIN-015, SDS-CLIN-015

    Parameters
    ----------
    file
        A plan.

    Raises
    ------
    PlanStateError
        If the plan is not locked.
    PlanIntegrityError
        If the plan is not the one that was locked.
    """
    if file.lock is None:
        raise PlanStateError(
            "The plan is not locked.",
            where=f"plan {file.plan.plan_id}",
            allowed="a plan locked before unblinding",
            remedy="Run lungai clinical lock-plan before the results are known.",
        )
    if plan_sha256(file.plan) != file.lock.plan_sha256:
        raise PlanIntegrityError(
            "The plan is not the one that was locked.",
            where=f"plan {file.plan.plan_id}",
            allowed=f"SHA-256 {file.lock.plan_sha256}",
            remedy="Restore the locked plan; a changed plan needs a new plan_id and a new lock.",
        )
    return file.lock


def read_plan(path: Path, /) -> PlanFile:
    """Read a plan file.

    :implements: SRS-CLIN-015, SDS-CLIN-015

    Parameters
    ----------
    path
        JSON of the schema ``lungai-analysis-plan/1``.

    Raises
    ------
    StudyFileError
        If the file is absent or not of the schema.
    """
    return read_record(path, PlanFile, name="plan", schema="lungai-analysis-plan/1")


def write_plan(file: PlanFile, path: Path, /) -> Path:
    """Write a plan file: sorted keys, the same bytes for the same content.

    :implements: SRS-CLIN-015, SDS-CLIN-015

    Parameters
    ----------
    file
        The plan with or without lock.
    path
        The file to write.
    """
    return write_record(file, path)
