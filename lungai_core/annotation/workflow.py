"""The reading project: blinded raters, disagreement by fixed triggers, and a senior who decides without overwriting."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from lungai_core.annotation.consensus import TieRule
from lungai_core.annotation.record import NoduleAnnotation, ReaderRole, annotation_sha256
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import AnnotationFileError, ConsensusError, ReadingProtocolError
from lungai_core.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lungai_core.annotation.masks import Mask

__all__ = [
    "Arbitration",
    "Disagreement",
    "DisagreementKind",
    "ReadingPlan",
    "ReadingProject",
    "Triggers",
    "arbitrate",
    "check_reads",
    "find_disagreements",
    "read_project",
    "verify_project",
    "write_project",
]

_OTHER_READERS = "other readers"
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class Triggers(FrozenModel):
    """What counts as a disagreement. The values are the project's and stand in its plan before the reads.

    :implements: SRS-ANNO-007, SDS-ANNO-007

    Two diameters disagree when they differ by more than the larger of ``diameter_mm`` and ``diameter_share`` of their
    mean.
    """

    diameter_mm: Annotated[float, Field(gt=0)] = 1.5
    diameter_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    dice: Annotated[float, Field(gt=0, lt=1)] = 0.7


class ReadingPlan(FrozenModel):
    """Who reads, who arbitrates, and by which rules.

    :implements: SRS-ANNO-007, SDS-ANNO-007
    """

    plan_id: _Name
    raters: Annotated[tuple[_Name, ...], Field(min_length=2)]
    senior: _Name
    rounds: Annotated[int, Field(ge=1)] = 1
    triggers: Triggers = Triggers()
    ties: TieRule

    @model_validator(mode="after")
    def _senior_is_no_rater(self) -> Self:
        if self.senior in self.raters or len(set(self.raters)) != len(self.raters):
            message = "raters are named once, and the senior is not one of them"
            raise ValueError(message)
        return self


class DisagreementKind(StrEnum):
    """Which trigger fired.

    :implements: SRS-ANNO-007, SDS-ANNO-007
    """

    DETECTION = "not every rater marked it"
    MALIGNANCY = "raters differ on the side of malignancy"
    TEXTURE = "raters differ on texture"
    GRADE = "raters differ on the grade"
    DIAMETER = "diameters differ by more than the trigger"
    MASK = "masks overlap less than the trigger"


class Disagreement(FrozenModel):
    """One trigger that fired for one nodule in one round.

    :implements: SRS-ANNO-007, SDS-ANNO-007
    """

    nodule_id: str
    round: int
    kind: DisagreementKind
    readers: tuple[str, ...]
    detail: str


class Arbitration(FrozenModel):
    """A senior's decision on one nodule, beside the reads it looked at.

    :implements: SRS-ANNO-007, SDS-ANNO-007

    ``reads`` are the hashes of the reads as they were; ``decision`` is a new annotation.
    """

    nodule_id: str
    reads: Annotated[tuple[str, ...], Field(min_length=1)]
    decision: NoduleAnnotation
    reason: Annotated[str, Field(min_length=1)]
    decided: datetime


class ReadingProject(FrozenModel):
    """Plan, reads and arbitrations of a project, as one file to which only is added.

    :implements: SRS-ANNO-007, SDS-ANNO-007
    """

    schema_version: Literal["lungai-reading/1"] = "lungai-reading/1"
    plan: ReadingPlan
    reads: tuple[NoduleAnnotation, ...]
    arbitrations: tuple[Arbitration, ...] = ()


def check_reads(reads: Sequence[NoduleAnnotation], /, *, plan: ReadingPlan) -> None:
    """Raise unless every read is one that the plan allows.

    :implements: SRS-ANNO-007, SDS-ANNO-007

    Parameters
    ----------
    reads
        Reads of raters.
    plan
        The plan.

    Raises
    ------
    ReadingProtocolError
        If a reader is not a rater of the plan, was not blinded to the other readers, read a nodule twice in a round, or
        read in a round that the plan does not have.
    """
    seen: set[tuple[str, str, int]] = set()
    for annotation in reads:
        read = annotation.read
        key = (annotation.nodule_id, read.reader, read.round)
        broken = None
        if read.reader not in plan.raters or read.role is not ReaderRole.RATER:
            broken = "The reader is not a rater of the plan."
        elif _OTHER_READERS not in read.blinded_to:
            broken = "The rater was not blinded to the other readers."
        elif read.round > plan.rounds:
            broken = f"The plan has {plan.rounds} rounds, the read is of round {read.round}."
        elif key in seen:
            broken = "A rater read a nodule twice in one round."
        if broken:
            raise _broken(broken, f"annotation {annotation.annotation_id}, reader {read.reader}")
        seen.add(key)


def find_disagreements(
    reads: Sequence[NoduleAnnotation], /, *, plan: ReadingPlan, masks: Mapping[str, Mask] | None = None
) -> tuple[Disagreement, ...]:
    """List every disagreement that a trigger of the plan names, nodule by nodule.

    :implements: SRS-ANNO-007, SDS-ANNO-007

    Parameters
    ----------
    reads
        Reads that pass :func:`check_reads`.
    plan
        The plan.
    masks
        Mask of each annotation identifier; nodules without masks are not compared by mask.

    Raises
    ------
    ReadingProtocolError
        If a read breaks the plan.
    ConsensusError
        If masks of one nodule lie on different grids.
    """
    check_reads(reads, plan=plan)
    groups: dict[tuple[str, int], list[NoduleAnnotation]] = {}
    for annotation in reads:
        groups.setdefault((annotation.nodule_id, annotation.read.round), []).append(annotation)
    found: list[Disagreement] = []
    for (nodule, number), group in sorted(groups.items()):
        # In the order of readers, so that a pair and its two values stand in one order.
        ordered = sorted(group, key=lambda one: one.read.reader)
        for kind, readers, detail in _fired(ordered, plan, masks or {}):
            found.append(Disagreement(nodule_id=nodule, round=number, kind=kind, readers=readers, detail=detail))
    return tuple(found)


def arbitrate(project: ReadingProject, arbitration: Arbitration, /) -> ReadingProject:
    """Add a senior's decision; the reads stay as they were.

    :implements: SRS-ANNO-007, SDS-ANNO-007

    Parameters
    ----------
    project
        The project so far.
    arbitration
        The decision.

    Returns
    -------
    ReadingProject
        A new project that holds the decision too.

    Raises
    ------
    ReadingProtocolError
        If the decision is not the senior's, would take the identifier of a read or decision, refers to a read that is
        not in the project as it stands, or decides a nodule a second time.
    """
    _check_arbitration(project, arbitration)
    if any(earlier.nodule_id == arbitration.nodule_id for earlier in project.arbitrations):
        raise _broken("The nodule has been decided already.", f"nodule {arbitration.nodule_id}")
    return project.model_copy(update={"arbitrations": (*project.arbitrations, arbitration)})


def verify_project(project: ReadingProject, /) -> None:
    """Raise unless reads follow the plan and every arbitration still refers to the reads it saw.

    :implements: SRS-ANNO-007, SDS-ANNO-007

    Parameters
    ----------
    project
        As read from a file.

    Raises
    ------
    ReadingProtocolError
        If a read breaks the plan, or was changed or removed after it had been arbitrated.
    """
    check_reads(project.reads, plan=project.plan)
    for arbitration in project.arbitrations:
        others = tuple(one for one in project.arbitrations if one is not arbitration)
        _check_arbitration(project.model_copy(update={"arbitrations": others}), arbitration)


def read_project(path: Path, /) -> ReadingProject:
    """Read a project and verify it.

    :implements: SRS-ANNO-007, SDS-ANNO-007

    Parameters
    ----------
    path
        JSON of the schema ``lungai-reading/1``.

    Raises
    ------
    AnnotationFileError
        If the file is absent or not of the schema.
    ReadingProtocolError
        If the project breaks its plan.
    """
    try:
        project = ReadingProject.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise AnnotationFileError(
            "The reading project cannot be used.",
            where=path.name,
            allowed="JSON of the schema lungai-reading/1",
            remedy="Correct the file after docs/reference/annotation.md.",
        ) from error
    verify_project(project)
    return project


def write_project(project: ReadingProject, path: Path, /) -> Path:
    """Write a project: sorted keys, the same bytes for the same content.

    :implements: SRS-ANNO-007, SDS-ANNO-007

    Parameters
    ----------
    project
        The project.
    path
        The file to write.
    """
    document = json.dumps(project.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
    return write_whole(path, document + "\n")


def _check_arbitration(project: ReadingProject, arbitration: Arbitration) -> None:
    decision = arbitration.decision
    where = f"nodule {arbitration.nodule_id}"
    hashes = {annotation_sha256(read) for read in project.reads if read.nodule_id == arbitration.nodule_id}
    taken = {read.annotation_id for read in project.reads}
    taken |= {earlier.decision.annotation_id for earlier in project.arbitrations}
    if decision.read.reader != project.plan.senior or decision.read.role is not ReaderRole.ARBITER:
        raise _broken("The decision is not that of the plan's senior.", where)
    if decision.annotation_id in taken:
        raise _broken("The decision would overwrite a read or another decision.", where)
    if decision.nodule_id != arbitration.nodule_id:
        raise _broken("The decision is about another nodule.", where)
    if set(arbitration.reads) != hashes:
        raise _broken("The reads of the nodule are not those that the senior saw.", where)


def _fired(
    group: list[NoduleAnnotation], plan: ReadingPlan, masks: Mapping[str, Mask]
) -> list[tuple[DisagreementKind, tuple[str, ...], str]]:
    readers = tuple(sorted(one.read.reader for one in group))
    missing = tuple(sorted(set(plan.raters) - set(readers)))
    found = []
    if missing:
        found.append((DisagreementKind.DETECTION, missing, f"marked by {len(readers)} of {len(plan.raters)}"))
    for kind, values in (
        (DisagreementKind.MALIGNANCY, [_side(one) for one in group]),
        (DisagreementKind.TEXTURE, [None if one.texture is None else one.texture.value for one in group]),
        (DisagreementKind.GRADE, [_grade(one) for one in group]),
    ):
        named = sorted({value for value in values if value is not None})
        if len(named) > 1:
            found.append((kind, readers, ", ".join(named)))
    for one, other in combinations(group, 2):
        found.extend(_pair_fired(one, other, plan.triggers, masks))
    return found


def _side(annotation: NoduleAnnotation) -> str | None:
    """Give which side of malignancy a read is on; a rating of 3 is on neither."""
    malignancy = annotation.malignancy
    if malignancy is None:
        return None
    if malignancy.malignant is not None:
        return "malignant" if malignancy.malignant else "benign"
    middle = 3
    if malignancy.rating is None or malignancy.rating == middle:
        return None
    return "malignant" if malignancy.rating > middle else "benign"


def _grade(annotation: NoduleAnnotation) -> str | None:
    grades = sorted(f"{grade.scheme.value} {grade.version}: {grade.value}" for grade in annotation.grades)
    return "; ".join(grades) or None


def _pair_fired(
    one: NoduleAnnotation, other: NoduleAnnotation, triggers: Triggers, masks: Mapping[str, Mask]
) -> list[tuple[DisagreementKind, tuple[str, ...], str]]:
    pair = tuple(sorted((one.read.reader, other.read.reader)))
    found = []
    if one.diameter is not None and other.diameter is not None:
        first, second = one.diameter.value_mm, other.diameter.value_mm
        limit = max(triggers.diameter_mm, triggers.diameter_share * (first + second) / 2)
        if abs(first - second) > limit:
            detail = f"{first:.1f} and {second:.1f} mm, limit {limit:.1f} mm"
            found.append((DisagreementKind.DIAMETER, pair, detail))
    mask, other_mask = masks.get(one.annotation_id), masks.get(other.annotation_id)
    if mask is not None and other_mask is not None:
        dice = _dice(mask, other_mask)
        if dice < triggers.dice:
            found.append((DisagreementKind.MASK, pair, f"Dice {dice:.2f}, limit {triggers.dice:.2f}"))
    return found


def _dice(one: Mask, other: Mask) -> float:
    if one.geometry != other.geometry:
        raise ConsensusError(
            "Two masks of one nodule lie on different grids.",
            where=f"{one.geometry.shape_zyx} and {other.geometry.shape_zyx}",
            allowed="the grid of the series",
            remedy="Export both masks on the grid of the series.",
        )
    total = int(one.values.sum()) + int(other.values.sum())
    # Two empty masks of a nodule that both readers marked say nothing alike about it.
    return 2 * int(np.count_nonzero(one.values & other.values)) / total if total else 0.0


def _broken(what: str, where: str) -> ReadingProtocolError:
    return ReadingProtocolError(
        what,
        where=where,
        allowed="reads and decisions that the reading plan names",
        remedy="Record what happened as a deviation; reads are never changed.",
    )
