"""The tables of a reader-study report: each row of results names its requirement and its reference case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.clinical.plan import AnalysisKind

if TYPE_CHECKING:
    from lungai_core.clinical.analysis import EndpointResult, StudyAnalysis
    from lungai_core.clinical.plan import PlanFile
    from lungai_core.clinical.results import Interval

__all__ = ["ReportTable", "report_tables"]

_PROOF = ("Requirement", "Reference case")
_COUNTED = ("SRS-CLIN-016", "counted in the study file")
_METHOD_ITEMS = {
    AnalysisKind.AUC_OBUCHOWSKI_ROCKETTE: "SRS-CLIN-007",
    AnalysisKind.AUC_U_STATISTIC: "SRS-CLIN-007",
    AnalysisKind.SENSITIVITY: "SRS-CLIN-004",
    AnalysisKind.SPECIFICITY: "SRS-CLIN-004",
}
# The beginning of a method's name, and the case of verification/vectors/statistics that checks it.
_METHOD_CASES = (
    ("Obuchowski-Rockette, DeLong", "mrmc_or/synthetic2026_DeLong"),
    ("Obuchowski-Rockette, jackknife", "mrmc_or/synthetic2026_jackknife"),
    ("U-statistic", "mrmc_ustat/iMRMC_synthetic"),
)
_FROC = ("SRS-CLIN-006", "froc/detection_16cases, froc/synthetic_froc_515")
_SIZES = ("SRS-CLIN-014", "bland_altman/lancet1986_pefr")
_SUBGROUPS = ("SRS-CLIN-020", "clustered_proportion/liang1992_copd")


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table of a report.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    title, heads, rows
        Text.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def report_tables(analysis: StudyAnalysis, /, *, file: PlanFile) -> tuple[ReportTable, ...]:
    """Make the tables of an analysis, in the order of the report.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    The requirement of a row is that of the endpoint, as the plan names it, and that of the library's method.

    Parameters
    ----------
    analysis
        From :func:`lungai_core.clinical.analysis.analyse_study`.
    file
        The locked plan.
    """
    tables = [_plan_table(file), _flow(analysis), _estimates(analysis), _modalities(analysis)]
    if analysis.alternatives:
        tables.append(_alternatives(analysis))
    if analysis.mrmc is not None:
        tables.append(_components(analysis))
    if analysis.localisation:
        tables.append(_localisation(analysis))
    if analysis.sizes is not None or analysis.sizes_note:
        tables.append(_sizes(analysis))
    if analysis.subgroups:
        tables.append(_subgroups(analysis))
    tables.append(_provenance(analysis))
    return tuple(tables)


def _plan_table(file: PlanFile) -> ReportTable:
    plan, lock = file.plan, file.lock
    rows = [
        ("Plan", plan.plan_id),
        ("SHA-256 of the plan", "" if lock is None else lock.plan_sha256),
        ("Locked", "" if lock is None else f"{lock.locked_at.isoformat()} by {lock.locked_by}"),
        ("Data", plan.data_origin.value),
        ("Test modality", plan.test_modality),
        ("Control modality", plan.control_modality),
        ("Two-sided alpha", f"{plan.alpha_two_sided:g}"),
    ]
    return ReportTable("Plan", ("Item", "Value"), tuple(rows))


def _flow(analysis: StudyAnalysis) -> ReportTable:
    counts = analysis.results[0].counts
    rows = (
        ("Patients", str(counts.patients), *_COUNTED),
        ("Cases with the condition", str(counts.cases_diseased), *_COUNTED),
        ("Cases without the condition", str(counts.cases_non_diseased), *_COUNTED),
        ("Readers", str(counts.readers), *_COUNTED),
        ("Reads in both modalities", str(counts.reads), *_COUNTED),
    )
    return ReportTable("Participants and reads", ("Item", "n", *_PROOF), rows)


def _estimates(analysis: StudyAnalysis) -> ReportTable:
    heads = ("Endpoint", "Role", "Unit", "Difference", "p", "Decision", "Method", *_PROOF)
    rows = tuple(
        (
            result.endpoint.description,
            result.endpoint.role.value,
            result.unit.value,
            _interval(result.difference),
            _p_value(result.test.p_value),
            _decision(result),
            result.difference.method,
            *_proof(result),
        )
        for result in analysis.results
    )
    return ReportTable("Endpoints: test minus control", heads, rows)


def _modalities(analysis: StudyAnalysis) -> ReportTable:
    rows = tuple(
        (result.endpoint.description, one.modality, _interval(one.interval), one.interval.method, *_proof(result))
        for result in analysis.results
        for one in result.modalities
    )
    return ReportTable("Each modality", ("Endpoint", "Modality", "Estimate", "Method", *_PROOF), rows)


def _alternatives(analysis: StudyAnalysis) -> ReportTable:
    requirement = _requirements(analysis, AnalysisKind.AUC_OBUCHOWSKI_ROCKETTE)
    rows = tuple(
        (name, _interval(interval), _p_value(p), requirement, _method_case(name))
        for name, interval, p in analysis.alternatives
    )
    heads = ("Method", "Difference", "p", *_PROOF)
    return ReportTable("AUC difference by every method, for comparison", heads, rows)


def _components(analysis: StudyAnalysis) -> ReportTable:
    components = analysis.mrmc.components.model_dump() if analysis.mrmc is not None else {}
    proof = (_requirements(analysis, AnalysisKind.AUC_OBUCHOWSKI_ROCKETTE), _METHOD_CASES[0][1])
    rows = tuple((name, f"{value:.6g}", *proof) for name, value in components.items())
    return ReportTable("Variance components (Obuchowski-Rockette)", ("Component", "Value", *_PROOF), rows)


def _localisation(analysis: StudyAnalysis) -> ReportTable:
    rates = analysis.localisation[0].metric.rates
    heads = ("Modality", "Reads", "Nodules in them", *(f"at {rate:g}" for rate in rates), "Mean", *_PROOF)
    rows = tuple(
        (
            one.modality,
            str(one.reads),
            str(one.nodules),
            *(f"{value:.3f}" for value in (*one.metric.sensitivities, one.metric.cpm)),
            *_FROC,
        )
        for one in analysis.localisation
    )
    return ReportTable("Sensitivity at false positives a read (FROC, all readers pooled, descriptive)", heads, rows)


def _sizes(analysis: StudyAnalysis) -> ReportTable:
    title = "Sizes, test minus control, mm (one pair a case: the means of its readers; descriptive)"
    heads = ("Quantity", "Estimate", "Method", *_PROOF)
    agreement = analysis.sizes
    if agreement is None:
        return ReportTable(title, heads, (("Limits of agreement", analysis.sizes_note, "", *_SIZES),))
    limits = (
        ("Bias", agreement.bias),
        ("Lower limit of agreement", agreement.lower_limit),
        ("Upper limit of agreement", agreement.upper_limit),
    )
    rows = tuple((name, _interval(value), value.method, *_SIZES) for name, value in limits)
    return ReportTable(title, heads, (("Cases", str(agreement.n), "", *_COUNTED), *rows))


def _subgroups(analysis: StudyAnalysis) -> ReportTable:
    rows = tuple(
        (
            row.variable,
            row.level,
            str(row.n_units),
            str(row.n_patients),
            row.note if row.interval is None else _interval(row.interval),
            *_SUBGROUPS,
        )
        for row in analysis.subgroups
    )
    heads = ("Variable", "Level", "Reads", "Patients", "Sensitivity, test modality", *_PROOF)
    return ReportTable("Subgroups (not adjusted for their number)", heads, rows)


def _provenance(analysis: StudyAnalysis) -> ReportTable:
    provenance = analysis.results[0].provenance
    rows = [("Seed", str(provenance.seed))]
    rows += [(f"Version of {name}", text) for name, text in provenance.versions]
    return ReportTable("How it was computed", ("Item", "Value"), tuple(rows))


def _proof(result: EndpointResult) -> tuple[str, str]:
    items = (*result.endpoint.requirement_ids, _METHOD_ITEMS[result.endpoint.kind])
    return ", ".join(items), ", ".join(result.reference_cases)


def _requirements(analysis: StudyAnalysis, kind: AnalysisKind) -> str:
    named = [item for one in analysis.results if one.endpoint.kind is kind for item in one.endpoint.requirement_ids]
    return ", ".join(dict.fromkeys((*named, _METHOD_ITEMS[kind])))


def _method_case(name: str) -> str:
    return next(case for start, case in _METHOD_CASES if name.startswith(start))


def _decision(result: EndpointResult) -> str:
    if result.non_inferior is None:
        return "superior" if result.superior else "superiority not shown"
    if not result.non_inferior:
        return f"non-inferiority at {result.endpoint.margin:g} not shown"
    return f"non-inferior at {result.endpoint.margin:g}" + (", superior" if result.superior else "")


def _interval(interval: Interval) -> str:
    return f"{interval.estimate:.3f} ({interval.confidence:.0%} CI {interval.lower:.3f} to {interval.upper:.3f})"


def _p_value(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"  # how p-values are printed
