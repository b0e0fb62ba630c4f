"""The size or the power of a reader study from a question whose assumptions are all stated."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lungai_core.clinical.mrmc import VarianceComponents
from lungai_core.clinical.sample_size_mrmc import MrmcAssumptions, MrmcEndpoint, mrmc_cases, mrmc_power
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import DesignIncompleteError, NotEstimableError

__all__ = [
    "ReaderDesign",
    "ReaderSensitivityRow",
    "ReaderSizeAnswer",
    "ReaderSizeQuestion",
    "plan_reader_study",
]

_Rate = Annotated[float, Field(gt=0, lt=1)]
_Count = Annotated[int, Field(ge=2)]


class ReaderDesign(StrEnum):
    """What is asked of a multi-reader study: the cases for a power, or the power of a size.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    CASES = "multi-reader-cases"
    POWER = "multi-reader-power"


class ReaderSizeQuestion(FrozenModel):
    """A question about a reader study; a field that was not stated is ``None``, never a default.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    The number of cases needs the assumptions of :class:`~lungai_core.clinical.sample_size_mrmc.MrmcAssumptions`; the
    power needs a pilot's variance components with its ``pilot_cases``, and the ``cases`` planned. ``icc`` is needed
    where there is more than one lesion a case.
    """

    design: ReaderDesign
    readers: _Count | None = None
    difference: _Rate | None = None
    endpoint: MrmcEndpoint | None = None
    expected: _Rate | None = None
    range_between: _Rate | None = None
    range_within: _Rate | None = None
    r1: _Rate | None = None
    r2: _Rate | None = None
    r3: _Rate | None = None
    reader_correlation: _Rate | None = None
    controls_per_case: Annotated[float, Field(gt=0)] | None = None
    lesions_per_case: Annotated[float, Field(ge=1)] | None = None
    icc: Annotated[float, Field(ge=0, le=1)] | None = None
    components: VarianceComponents | None = None
    pilot_cases: _Count | None = None
    cases: _Count | None = None
    alpha_two_sided: _Rate = 0.05
    power: _Rate = 0.8


class ReaderSensitivityRow(FrozenModel):
    """What becomes of the answer when one assumption is a fifth lower or higher.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    ``cases`` is ``None`` where no number of cases reaches the power.
    """

    assumption: str
    value: float
    cases: int | None
    power: float


class ReaderSizeAnswer(FrozenModel):
    """Readers, cases and power of a study, with a sensitivity table.

    :implements: SRS-CLIN-008, SDS-CLIN-008
    """

    method: str
    readers: int
    cases: int
    power: float
    sensitivity: tuple[ReaderSensitivityRow, ...]


_ASSUMED = (
    "endpoint",
    "expected",
    "range_between",
    "range_within",
    "r1",
    "r2",
    "r3",
    "reader_correlation",
    "controls_per_case",
    "lesions_per_case",
)
_SHIFT = 0.2


def plan_reader_study(question: ReaderSizeQuestion, /) -> ReaderSizeAnswer:
    """Compute cases or power of a reader study, and what they become when an assumption is a fifth off.

    :implements: SRS-CLIN-008, SDS-CLIN-008

    Source: Obuchowski and Hillis 2011 (cases), Hillis, Obuchowski and Berbaum 2011 (power); see
    :mod:`lungai_core.clinical.sample_size_mrmc`.

    Parameters
    ----------
    question
        The design with its assumptions.

    Raises
    ------
    DesignIncompleteError
        If an assumption that the design needs is not stated; the error lists all of them.
    NotEstimableError
        If no number of cases reaches the power, or the variance components contradict each other.
    """
    missing = _missing(question)
    if missing:
        raise DesignIncompleteError(
            f"The answer to {question.design.value} cannot be computed: {len(missing)} assumptions are not stated.",
            where=", ".join(missing),
            allowed="a stated value for each; none has a default",
            remedy="State each from a pilot or the literature, with its source, in the analysis plan.",
        )
    cases, power = _answer(question)
    method = "Obuchowski and Hillis 2011" if question.design is ReaderDesign.CASES else "Hillis et al. 2011"
    return ReaderSizeAnswer(
        method=f"{question.design.value} ({method})",
        readers=question.readers or 0,
        cases=cases,
        power=power,
        sensitivity=tuple(
            row
            for name in _varied(question)
            for value in _shifted(question, name)
            for row in _row(question, name, value)
        ),
    )


def _missing(question: ReaderSizeQuestion) -> list[str]:
    needed = ["readers", "difference"]
    if question.design is ReaderDesign.POWER:
        needed += ["components", "pilot_cases", "cases"]
    else:
        needed += _ASSUMED
        if question.lesions_per_case is not None and question.lesions_per_case > 1:
            needed.append("icc")
    return [name for name in needed if getattr(question, name) is None]


def _answer(question: ReaderSizeQuestion) -> tuple[int, float]:
    if question.design is ReaderDesign.CASES:
        stated = question.model_dump(include=set(MrmcAssumptions.model_fields), exclude_none=True)
        return mrmc_cases(MrmcAssumptions(**stated)).total, question.power
    power = mrmc_power(
        question.components or VarianceComponents(reader=0, treatment_reader=0, error=0, cov1=0, cov2=0, cov3=0),
        pilot_cases=question.pilot_cases or 0,
        readers=question.readers or 0,
        cases=question.cases or 0,
        difference=question.difference or 0.0,
        alpha=question.alpha_two_sided,
    ).power
    return question.cases or 0, power


def _varied(question: ReaderSizeQuestion) -> tuple[str, ...]:
    if question.design is ReaderDesign.POWER:
        return ("readers", "cases", "difference", "treatment_reader", "error", "cov1", "cov2", "cov3")
    several = ("icc",) if question.icc else ()
    return ("readers", "difference", *_ASSUMED[1:8], *several)


def _shifted(question: ReaderSizeQuestion, name: str) -> list[float]:
    """Give the assumption a fifth lower, as stated, and a fifth higher; whole numbers stay whole, zero has no fifth."""
    source = question.components if name in VarianceComponents.model_fields else question
    value = getattr(source, name)
    step = max(1, round(value * _SHIFT)) if isinstance(value, int) else value * _SHIFT
    return [value - step, value, value + step] if step else []


def _row(question: ReaderSizeQuestion, name: str, value: float) -> list[ReaderSensitivityRow]:
    """Give the row of one shifted assumption; none where the assumption would be impossible."""
    stated = question.model_dump()
    target = stated["components"] if name in VarianceComponents.model_fields else stated
    target[name] = value
    if not _possible(stated):
        return []
    try:
        cases, power = _answer(ReaderSizeQuestion.model_validate(stated))
    except NotEstimableError:
        if question.design is ReaderDesign.POWER:
            return []
        return [ReaderSensitivityRow(assumption=name, value=value, cases=None, power=question.power)]
    return [ReaderSensitivityRow(assumption=name, value=value, cases=cases, power=power)]


def _possible(stated: dict[str, float | None]) -> bool:
    rates = [rate for name in ("difference", *_ASSUMED[1:8]) if (rate := stated[name]) is not None]
    ordered = (stated["r3"] or 0) <= min(stated["r1"] or 1, stated["r2"] or 1)
    return (stated["readers"] or 0) > 1 and ordered and all(0 < rate < 1 for rate in rates)
