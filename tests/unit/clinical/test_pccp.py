from __future__ import annotations

import csv

import numpy as np
import pytest

from lungai_core.clinical.pccp import (
    AcceptanceCriteria,
    Criterion,
    CriterionKind,
    decide_change,
    read_change_csv,
    read_signed_criteria,
    sign_criteria,
    verify_criteria,
    write_signed_criteria,
)
from lungai_core.errors import CriteriaSignatureError, StudyFileError

KEY = bytes(range(32))
LIMITS = {
    CriterionKind.SENSITIVITY_LOSS: 0.1,
    CriterionKind.SPECIFICITY_LOSS: 0.1,
    CriterionKind.AUC_LOSS: 0.03,
    CriterionKind.SUBGROUP_SENSITIVITY: 0.6,
    CriterionKind.CALIBRATION_ERROR: 0.2,
}


def _write(path, *, worse=0.0, n=400, seed=5):
    generator = np.random.default_rng(seed)
    truth = np.arange(n) % 2
    old = 1 / (1 + np.exp(-(truth * 4 - 2 + generator.normal(size=n))))
    new = 1 / (1 + np.exp(-(truth * 4 - 2 - worse * truth + generator.normal(size=n))))
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("case", "truth", "old_score", "new_score", "group"))
        for number in range(n):
            table.writerow((f"c{number}", truth[number], old[number], new[number], "A" if number % 4 < 2 else "B"))
    return path


@pytest.fixture
def table(tmp_path):
    return read_change_csv(_write(tmp_path / "scores.csv"))


def _criteria(table, **changes):
    fields = {
        "criteria_id": "retrain-1",
        "description": "Retraining on more scans",
        "threshold": 0.5,
        "confidence": 0.95,
        "test_set_sha256": table.sha256,
        "test_set_uses": 2,
        "criteria": tuple(
            Criterion(criterion_id=kind.name.lower(), kind=kind, limit=limit) for kind, limit in LIMITS.items()
        ),
        **changes,
    }
    return AcceptanceCriteria(**fields)


@pytest.mark.verifies("SRS-CLIN-019")
def test_a_model_as_good_as_the_released_one_is_accepted(table):
    signed = sign_criteria(_criteria(table), key=KEY, key_id="qa")
    decision = decide_change(table, signed, key=KEY, earlier_uses=0)
    assert decision.passed
    assert (decision.use, len(decision.outcomes)) == (1, 6)


@pytest.mark.verifies("SRS-CLIN-019")
def test_a_worse_model_is_not_accepted_and_each_failed_criterion_is_named(tmp_path, table):
    signed = sign_criteria(_criteria(table), key=KEY, key_id="qa")
    worse = read_change_csv(_write(tmp_path / "worse.csv", worse=1.5))
    decision = decide_change(worse, signed, key=KEY, earlier_uses=1)
    failed = {outcome.kind for outcome in decision.outcomes if not outcome.passed}
    assert not decision.passed
    assert {CriterionKind.SENSITIVITY_LOSS, CriterionKind.AUC_LOSS} <= failed
    assert CriterionKind.SPECIFICITY_LOSS not in failed


@pytest.mark.verifies("SRS-CLIN-019", "RC-CLIN-004")
def test_altered_criteria_and_another_key_are_refused(table):
    signed = sign_criteria(_criteria(table), key=KEY, key_id="qa")
    weaker = signed.model_copy(update={"criteria": _criteria(table, threshold=0.4)})
    with pytest.raises(CriteriaSignatureError, match="LAI-CLIN-007"):
        verify_criteria(weaker, key=KEY)
    with pytest.raises(CriteriaSignatureError, match="not those that were signed"):
        decide_change(table, signed, key=KEY[::-1], earlier_uses=0)
    with pytest.raises(CriteriaSignatureError, match="too short"):
        sign_criteria(_criteria(table), key=b"short", key_id="qa")


@pytest.mark.verifies("SRS-CLIN-019", "RC-CLIN-004")
def test_another_test_set_or_a_used_up_one_does_not_decide(tmp_path, table):
    signed = sign_criteria(_criteria(table), key=KEY, key_id="qa")
    other = read_change_csv(_write(tmp_path / "other.csv", n=398))
    with pytest.raises(CriteriaSignatureError, match="not the sealed one"):
        decide_change(other, signed, key=KEY, earlier_uses=0)
    with pytest.raises(CriteriaSignatureError, match="decided 2 times"):
        decide_change(table, signed, key=KEY, earlier_uses=2)


@pytest.mark.verifies("SRS-CLIN-019")
def test_signed_criteria_are_read_as_they_were_written(tmp_path, table):
    signed = sign_criteria(_criteria(table), key=KEY, key_id="qa")
    assert read_signed_criteria(write_signed_criteria(signed, tmp_path / "criteria.json")) == signed
    with pytest.raises(StudyFileError, match="LAI-CLIN-009"):
        read_signed_criteria(tmp_path / "none.json")


@pytest.mark.verifies("SRS-CLIN-019")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("case,truth\n", "Columns are missing"),
        ("case,truth,old_score,new_score,group\na,2,0.1,0.2,g\n", "Line 2 has a truth"),
        ("case,truth,old_score,new_score,group\na,1,x,0.2,g\n", "ValueError"),
    ],
)
def test_scores_that_cannot_be_used_are_refused(tmp_path, text, what):
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(StudyFileError, match=what):
        read_change_csv(path)


@pytest.mark.verifies("SRS-CLIN-019")
def test_an_empty_table_is_no_test_set(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("case,truth,old_score,new_score,group\n")
    assert read_change_csv(path).truth.size == 0
