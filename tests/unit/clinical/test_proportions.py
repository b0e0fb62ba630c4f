from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.clinical.proportions import Count, ProportionMethod, proportion_interval
from lungai_core.errors import InvalidArgumentError

TOPICS = ("proportion_ci",)


@pytest.mark.verifies("SRS-CLIN-001")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-001")
def test_every_vector_file_is_recomputed(reference):
    topics = {path.stem for path in reference.VECTORS.glob("*.json")}
    assert topics == set(reference.CLINICAL) | set(reference.ANNOTATION)


@pytest.mark.verifies("SRS-CLIN-001")
def test_the_committed_vectors_are_those_of_the_shared_reference(reference, shared_reference):
    changed = [
        path.name
        for path in reference.VECTORS.glob("*.json")
        if path.read_bytes() != (shared_reference / "statistics" / path.name).read_bytes()
    ]
    assert changed == []


@pytest.mark.verifies("SRS-CLIN-001")
@pytest.mark.parametrize("method", list(ProportionMethod))
def test_an_interval_is_closed_where_nobody_or_everybody_succeeds(method):
    nobody = proportion_interval(Count(successes=0, n=20), method=method)
    everybody = proportion_interval(Count(successes=20, n=20), method=method)
    assert nobody.lower == pytest.approx(0, abs=1e-12)
    assert everybody.upper == pytest.approx(1, abs=1e-12)
    assert everybody.lower == pytest.approx(1 - nobody.upper, abs=1e-9)


@pytest.mark.verifies("SRS-CLIN-001")
def test_newcombes_printed_limits_of_none_out_of_twenty_are_met():
    wilson = proportion_interval(Count(successes=0, n=20))
    exact = proportion_interval(Count(successes=0, n=20), method=ProportionMethod.CLOPPER_PEARSON)
    assert round(wilson.upper, 4) == 0.1611
    assert round(exact.upper, 4) == 0.1684


@pytest.mark.verifies("SRS-CLIN-001")
def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValidationError, match="more successes than trials"):
        Count(successes=3, n=2)


@pytest.mark.verifies("SRS-CLIN-001")
@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_level_in_per_cent_is_refused(confidence):
    with pytest.raises(InvalidArgumentError, match="LAI-USE-001"):
        proportion_interval(Count(successes=1, n=2), confidence=confidence)
