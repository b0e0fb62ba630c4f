"""Acceptance of a changed model under a predetermined change-control plan: by signed criteria alone."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from lungai_core.clinical._records import read_record, write_record
from lungai_core.clinical.calibration import binned_calibration
from lungai_core.clinical.paired import PairedTable, paired_interval
from lungai_core.clinical.proportions import Count, ProportionMethod, proportion_interval
from lungai_core.clinical.roc import compare_auc_paired, roc_data
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import CriteriaSignatureError, StudyFileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "AcceptanceCriteria",
    "ChangeDecision",
    "ChangeTable",
    "Criterion",
    "CriterionKind",
    "CriterionOutcome",
    "SignedCriteria",
    "decide_change",
    "read_change_csv",
    "read_signed_criteria",
    "sign_criteria",
    "verify_criteria",
    "write_signed_criteria",
]

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_COLUMNS = ("case", "truth", "old_score", "new_score", "group")


class CriterionKind(StrEnum):
    """What a criterion compares with its limit.

    :implements: SRS-CLIN-019, SDS-CLIN-019
    """

    SENSITIVITY_LOSS = "lower limit of new minus released sensitivity, above minus the limit"
    SPECIFICITY_LOSS = "lower limit of new minus released specificity, above minus the limit"
    AUC_LOSS = "lower limit of new minus released AUC, above minus the limit"
    SUBGROUP_SENSITIVITY = "lower limit of the new sensitivity in every subgroup, at least the limit"
    CALIBRATION_ERROR = "expected calibration error of the new model, at most the limit"


class Criterion(FrozenModel):
    """One quantitative acceptance criterion, fixed in advance.

    :implements: SRS-CLIN-019, SDS-CLIN-019
    """

    criterion_id: _Name
    kind: CriterionKind
    limit: Annotated[float, Field(gt=0, lt=1)]


class AcceptanceCriteria(FrozenModel):
    """All criteria of a kind of change; a change is accepted only if every one is met.

    :implements: SRS-CLIN-019, SDS-CLIN-019

    ``test_set_sha256`` ties them to one sealed test set, ``test_set_uses`` is how often it may decide.
    """

    criteria_id: _Name
    description: Annotated[str, Field(min_length=1)]
    threshold: float
    confidence: Annotated[float, Field(gt=0, lt=1)]
    test_set_sha256: _Sha256
    test_set_uses: Annotated[int, Field(ge=1)]
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]


class SignedCriteria(FrozenModel):
    """Criteria with the signature of those who approved them.

    :implements: SRS-CLIN-019, SDS-CLIN-019
    """

    schema_version: Literal["lungai-pccp-criteria/1"] = "lungai-pccp-criteria/1"
    criteria: AcceptanceCriteria
    key_id: _Name
    signature: _Sha256


@dataclass(frozen=True, slots=True, eq=False)
class ChangeTable:
    """The released and the changed model on one test set.

    :implements: SRS-CLIN-019, SDS-CLIN-019

    Parameters
    ----------
    truth
        ``(cases,)`` bool.
    old_scores, new_scores
        ``(cases,)`` float64 of the released and the changed model.
    groups
        ``(cases,)`` subgroup of each case.
    sha256
        Of the file's cases and truth, in the order of the file: the identity of the test set.
    """

    truth: NDArray[np.bool_]
    old_scores: NDArray[np.float64]
    new_scores: NDArray[np.float64]
    groups: tuple[str, ...]
    sha256: str


class CriterionOutcome(FrozenModel):
    """What one criterion found.

    :implements: SRS-CLIN-019, SDS-CLIN-019
    """

    criterion_id: str
    kind: CriterionKind
    limit: float
    value: float
    where: str
    method: str
    passed: bool


class ChangeDecision(FrozenModel):
    """Whether a change meets its criteria. There is no way to override it.

    :implements: SRS-CLIN-019, SDS-CLIN-019
    """

    criteria_id: str
    key_id: str
    test_set_sha256: str
    use: int
    outcomes: tuple[CriterionOutcome, ...]

    @property
    def passed(self) -> bool:
        """Whether every criterion is met."""
        return all(outcome.passed for outcome in self.outcomes)


def sign_criteria(criteria: AcceptanceCriteria, /, *, key: bytes, key_id: str) -> SignedCriteria:
    """Sign acceptance criteria with HMAC-SHA-256 (RFC 2104) over their canonical JSON.

    :implements: SRS-CLIN-019, SDS-CLIN-019

    Parameters
    ----------
    criteria
        The criteria.
    key
        The secret, at least 32 bytes; it is kept by those who approve, apart from those who train.
    key_id
        Name of the key, to find it again.
    """
    return SignedCriteria(criteria=criteria, key_id=key_id, signature=_signature(criteria, key_id, _long_enough(key)))


def verify_criteria(signed: SignedCriteria, /, *, key: bytes) -> AcceptanceCriteria:
    """Return the criteria after their signature has been found valid.

    :implements: SRS-CLIN-019, SDS-CLIN-019

    Parameters
    ----------
    signed
        Criteria with signature.
    key
        The secret they were signed with.

    Raises
    ------
    CriteriaSignatureError
        If they were altered, or signed with another key.
    """
    wanted = _signature(signed.criteria, signed.key_id, _long_enough(key))
    if not hmac.compare_digest(wanted, signed.signature):
        raise CriteriaSignatureError(
            "The acceptance criteria are not those that were signed with this key.",
            where=f"criteria {signed.criteria.criteria_id}, key {signed.key_id}",
            allowed="unaltered criteria and the key they were signed with",
            remedy="Take the signed file as approved; a changed criterion needs a new approval.",
        )
    return signed.criteria


def decide_change(table: ChangeTable, signed: SignedCriteria, /, *, key: bytes, earlier_uses: int) -> ChangeDecision:
    """Decide on a changed model by its criteria.

    :implements: SRS-CLIN-019, SDS-CLIN-019

    Paired differences by Tango 1998, AUC by DeLong 1988, subgroup limits by Clopper and Pearson 1934, calibration in
    ten bins of equal width.

    Parameters
    ----------
    table
        Both models on the sealed test set.
    signed
        The criteria.
    key
        Their key.
    earlier_uses
        How often the test set has decided before.

    Raises
    ------
    CriteriaSignatureError
        If the signature is not valid, the test set is another one, or it has been used as often as allowed.
    """
    criteria = verify_criteria(signed, key=key)
    if table.sha256 != criteria.test_set_sha256:
        raise _unfit("The test set is not the sealed one.", criteria, f"SHA-256 {criteria.test_set_sha256}")
    if earlier_uses >= criteria.test_set_uses:
        raise _unfit(
            f"The test set has decided {earlier_uses} times.", criteria, f"at most {criteria.test_set_uses} uses"
        )
    outcomes = tuple(
        outcome for criterion in criteria.criteria for outcome in _CHECKS[criterion.kind](table, criteria, criterion)
    )
    return ChangeDecision(
        criteria_id=criteria.criteria_id,
        key_id=signed.key_id,
        test_set_sha256=table.sha256,
        use=earlier_uses + 1,
        outcomes=outcomes,
    )


def read_change_csv(path: Path, /) -> ChangeTable:
    """Read the scores of both models.

    :implements: SRS-CLIN-019, SDS-CLIN-019

    Parameters
    ----------
    path
        CSV with the columns case, truth (0 or 1), old_score, new_score and group.

    Raises
    ------
    StudyFileError
        If a column is missing or a row cannot be used.
    """
    digest = hashlib.sha256()
    rows: list[tuple[bool, float, float, str]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            if set(_COLUMNS) - set(table.fieldnames or ()):
                raise _bad_file("Columns are missing.", path)
            for row in table:
                if row["truth"] not in {"0", "1"}:
                    raise _bad_file(f"Line {table.line_num} has a truth other than 0 or 1.", path)
                digest.update(f"{row['case']}\t{row['truth']}\n".encode())
                rows.append((row["truth"] == "1", float(row["old_score"]), float(row["new_score"]), row["group"]))
    except (OSError, ValueError, TypeError) as error:
        raise _bad_file(f"The table cannot be read ({type(error).__name__}).", path) from error
    truth, old, new, groups = zip(*rows, strict=True) if rows else ((), (), (), ())
    return ChangeTable(
        truth=np.asarray(truth, dtype=np.bool_),
        old_scores=np.asarray(old, dtype=np.float64),
        new_scores=np.asarray(new, dtype=np.float64),
        groups=tuple(groups),
        sha256=digest.hexdigest(),
    )


def read_signed_criteria(path: Path, /) -> SignedCriteria:
    """Read signed criteria; the signature is checked where they are used.

    :implements: SRS-CLIN-019, SDS-CLIN-019

    Parameters
    ----------
    path
        JSON of the schema ``lungai-pccp-criteria/1``.

    Raises
    ------
    StudyFileError
        If the file is absent or not of the schema.
    """
    return read_record(path, SignedCriteria, name="criteria", schema="lungai-pccp-criteria/1")


def write_signed_criteria(signed: SignedCriteria, path: Path, /) -> Path:
    """Write signed criteria: sorted keys, the same bytes for the same content.

    :implements: SRS-CLIN-019, SDS-CLIN-019

    Parameters
    ----------
    signed
        The criteria.
    path
        The file to write.
    """
    return write_record(signed, path)


def _signature(criteria: AcceptanceCriteria, key_id: str, key: bytes) -> str:
    document = {"criteria": criteria.model_dump(mode="json"), "key_id": key_id}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _long_enough(key: bytes) -> bytes:
    shortest = 32
    if len(key) < shortest:
        raise CriteriaSignatureError(
            "The key is too short to sign with.",
            where="key",
            allowed=f"at least {shortest} bytes",
            remedy="Make a key of 32 random bytes and keep it apart from the model's developers.",
        )
    return key


def _rate_loss(table: ChangeTable, criteria: AcceptanceCriteria, criterion: Criterion) -> tuple[CriterionOutcome, ...]:
    diseased = criterion.kind is CriterionKind.SENSITIVITY_LOSS
    chosen = table.truth if diseased else ~table.truth
    new = (table.new_scores[chosen] >= criteria.threshold) == diseased
    old = (table.old_scores[chosen] >= criteria.threshold) == diseased
    pairs = PairedTable(
        both=int(np.count_nonzero(new & old)),
        only_first=int(np.count_nonzero(new & ~old)),
        only_second=int(np.count_nonzero(~new & old)),
        neither=int(np.count_nonzero(~new & ~old)),
    )
    interval = paired_interval(pairs, confidence=criteria.confidence)
    return (_outcome(criterion, interval.lower, interval.method, passed=interval.lower > -criterion.limit),)


def _auc_loss(table: ChangeTable, criteria: AcceptanceCriteria, criterion: Criterion) -> tuple[CriterionOutcome, ...]:
    new, old = (roc_data(scores, truth=table.truth) for scores in (table.new_scores, table.old_scores))
    interval = compare_auc_paired(new, old, confidence=criteria.confidence).difference
    return (_outcome(criterion, interval.lower, interval.method, passed=interval.lower > -criterion.limit),)


def _subgroups(table: ChangeTable, criteria: AcceptanceCriteria, criterion: Criterion) -> tuple[CriterionOutcome, ...]:
    outcomes = []
    names = np.asarray(table.groups)
    for name in np.unique(names[table.truth]):
        hits = table.new_scores[table.truth & (names == name)] >= criteria.threshold
        count = Count(successes=int(hits.sum()), n=hits.size)
        interval = proportion_interval(count, method=ProportionMethod.CLOPPER_PEARSON, confidence=criteria.confidence)
        passed = interval.lower >= criterion.limit
        outcomes.append(
            _outcome(criterion, interval.lower, interval.method, passed=passed, where=f"{name}, n = {hits.size}")
        )
    return tuple(outcomes)


def _calibration(
    table: ChangeTable, _criteria: AcceptanceCriteria, criterion: Criterion
) -> tuple[CriterionOutcome, ...]:
    error = binned_calibration(table.new_scores, truth=table.truth).expected_error
    return (_outcome(criterion, error, "ten bins of equal width", passed=error <= criterion.limit),)


def _outcome(
    criterion: Criterion, value: float, method: str, *, passed: bool, where: str = "all cases"
) -> CriterionOutcome:
    return CriterionOutcome(
        criterion_id=criterion.criterion_id,
        kind=criterion.kind,
        limit=criterion.limit,
        value=value,
        where=where,
        method=method,
        passed=passed,
    )


def _unfit(what: str, criteria: AcceptanceCriteria, allowed: str) -> CriteriaSignatureError:
    return CriteriaSignatureError(
        what,
        where=f"criteria {criteria.criteria_id}",
        allowed=allowed,
        remedy="Use the sealed test set within its budget, or approve new criteria with a new test set.",
    )


def _bad_file(what: str, path: Path) -> StudyFileError:
    return StudyFileError(
        what,
        where=path.name,
        allowed="CSV with case, truth, old_score, new_score, group",
        remedy="Correct the file after docs/reference/clinical.md.",
    )


_CHECKS: dict[CriterionKind, Callable[[ChangeTable, AcceptanceCriteria, Criterion], tuple[CriterionOutcome, ...]]] = {
    CriterionKind.SENSITIVITY_LOSS: _rate_loss,
    CriterionKind.SPECIFICITY_LOSS: _rate_loss,
    CriterionKind.AUC_LOSS: _auc_loss,
    CriterionKind.SUBGROUP_SENSITIVITY: _subgroups,
    CriterionKind.CALIBRATION_ERROR: _calibration,
}
