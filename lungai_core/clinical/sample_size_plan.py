"""A sample size from a question whose assumptions are all stated, or a list of what is missing."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lungai_core.clinical.results import Unit
from lungai_core.clinical.sample_size import (
    ErrorRates,
    PairedRates,
    mcnemar_pairs,
    paired_non_inferiority_pairs,
    precision_cases,
    unpaired_non_inferiority_cases,
    unpaired_superiority_cases,
)
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import DesignIncompleteError

__all__ = ["SampleSizeAnswer", "SampleSizeQuestion", "SensitivityRow", "StudyDesign", "plan_sample_size"]

_Rate = Annotated[float, Field(gt=0, lt=1)]


class StudyDesign(StrEnum):
    """What a study shall show, and how.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    PAIRED_SUPERIORITY = "paired-superiority"
    PAIRED_NON_INFERIORITY = "paired-non-inferiority"
    UNPAIRED_SUPERIORITY = "unpaired-superiority"
    UNPAIRED_NON_INFERIORITY = "unpaired-non-inferiority"
    PRECISION = "precision"


class SampleSizeQuestion(FrozenModel):
    """A question for the number of patients; a field that was not stated is ``None``, never a default.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    ``test`` and ``control`` are expected rates among cases with the condition. ``discordant`` is the share of pairs in
    which the two decisions differ. ``design_effect`` is 1 + (lesions a patient - 1) times the intra-cluster correlation
    and needed where the unit is the lesion. ``readers`` is needed where the unit is the read.
    """

    design: StudyDesign
    test: _Rate | None = None
    control: _Rate | None = None
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None
    half_width: Annotated[float, Field(gt=0, lt=1)] | None = None
    discordant: _Rate | None = None
    prevalence: _Rate | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    unit: Unit | None = None
    design_effect: Annotated[float, Field(ge=1)] | None = None
    readers: Annotated[int, Field(ge=1)] | None = None
    alpha_one_sided: _Rate = 0.025
    power: _Rate = 0.8


class SensitivityRow(FrozenModel):
    """What becomes of the number when one assumption is wrong.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    assumption: str
    value: float
    n_with_condition: int
    n_to_enrol: int


class SampleSizeAnswer(FrozenModel):
    """The number of units with the condition and of patients to enrol, with a sensitivity table.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    method: str
    n_with_condition: int
    n_to_enrol: int
    sensitivity: tuple[SensitivityRow, ...]


_PAIRED = {StudyDesign.PAIRED_SUPERIORITY, StudyDesign.PAIRED_NON_INFERIORITY}
_MARGIN = {StudyDesign.PAIRED_NON_INFERIORITY, StudyDesign.UNPAIRED_NON_INFERIORITY}


def plan_sample_size(question: SampleSizeQuestion, /) -> SampleSizeAnswer:
    """Compute the number of patients, and what it becomes when an assumption is wrong.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Source: Connor 1987, Nam 1997, Fleiss 1981, Farrington and Manning 1990, Buderer 1996 (see
    :mod:`lungai_core.clinical.sample_size`).

    Parameters
    ----------
    question
        The design with its assumptions.

    Raises
    ------
    DesignIncompleteError
        If an assumption that the design needs is not stated; the error lists all of them.
    InvalidArgumentError
        If no size exists for the assumptions.
    """
    missing = _missing(question)
    if missing:
        raise DesignIncompleteError(
            f"A sample size for {question.design.value} cannot be computed: {len(missing)} assumptions are not stated.",
            where=", ".join(missing),
            allowed="a stated value for each; none has a default",
            remedy="State each from a pilot or the literature, with its source, in the analysis plan.",
        )
    method, cases, enrolled = _size(question)
    rows = []
    for name, change in (("discordant", 0.05), ("prevalence", 0.05), ("dropout", 0.05), ("design_effect", 0.2)):
        value = getattr(question, name)
        if value is None:
            continue
        for shifted in (value - change, value, value + change):
            allowed = shifted >= 1 if name == "design_effect" else 0 < shifted < 1
            if allowed and not (name == "discordant" and shifted < abs((question.test or 0) - (question.control or 0))):
                _, n, total = _size(question.model_copy(update={name: shifted}))
                rows.append(SensitivityRow(assumption=name, value=shifted, n_with_condition=n, n_to_enrol=total))
    return SampleSizeAnswer(method=method, n_with_condition=cases, n_to_enrol=enrolled, sensitivity=tuple(rows))


def _missing(question: SampleSizeQuestion) -> list[str]:
    needed = ["test", "prevalence", "dropout", "unit"]
    if question.design is StudyDesign.PRECISION:
        needed.append("half_width")
    else:
        needed.append("control")
    if question.design in _PAIRED:
        needed.append("discordant")
    if question.design in _MARGIN:
        needed.append("margin")
    if question.unit is Unit.LESION:
        needed.append("design_effect")
    if question.unit is Unit.READ:
        needed.append("readers")
    return [name for name in needed if getattr(question, name) is None]


def _size(question: SampleSizeQuestion) -> tuple[str, int, int]:
    rates = ErrorRates(alpha_one_sided=question.alpha_one_sided, power=question.power)
    test, control = question.test or 0.0, question.control or 0.0
    discordant, margin = question.discordant or 0.0, question.margin or 0.0
    groups = 1
    if question.design is StudyDesign.PAIRED_SUPERIORITY:
        size = mcnemar_pairs(discordant=discordant, difference=test - control, rates=rates)
    elif question.design is StudyDesign.PAIRED_NON_INFERIORITY:
        shares = PairedRates(
            only_test=max(0.0, (discordant + test - control) / 2),
            only_control=max(0.0, (discordant - test + control) / 2),
        )
        size = paired_non_inferiority_pairs(shares, margin=margin, rates=rates)
    elif question.design is StudyDesign.UNPAIRED_SUPERIORITY:
        size, groups = unpaired_superiority_cases(test=test, control=control, rates=rates), 2
    elif question.design is StudyDesign.UNPAIRED_NON_INFERIORITY:
        size = unpaired_non_inferiority_cases(test=test, control=control, margin=margin, rates=rates)
        groups = 2
    else:
        size = precision_cases(
            expected=test, half_width=question.half_width or 0.0, confidence=1 - 2 * question.alpha_one_sided
        )
    cases = groups * math.ceil(size.exact * (question.design_effect or 1.0) - 1e-9)
    enrolled = math.ceil(cases / ((question.prevalence or 1.0) * (1 - (question.dropout or 0.0))) - 1e-9)
    return size.method, cases, enrolled
