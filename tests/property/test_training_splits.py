from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtSeries, CtVolume
from lungai_core.training.samples import NoduleLabels, NoduleSample
from lungai_core.training.split import prove_no_leakage, split_by_key, split_stratified

SERIES = CtSeries(
    study_instance_uid="",
    series_instance_uid="",
    frame_of_reference_uid="",
    sop_class_uid="1.2",
    sop_instance_uids=(),
)


def sample(index, patient, label):
    volume = CtVolume(
        stored=np.full((1, 1, 1), index, dtype=np.int16),
        rescale_slope=1.0,
        rescale_intercept=0.0,
        geometry=Geometry(shape_zyx=(1, 1, 1), spacing_zyx_mm=(1.0, 1.0, 1.0), origin_lps_mm=(0.0, 0.0, 0.0)),
        series=SERIES,
    )
    labels = NoduleLabels(diagnosis=label)
    return NoduleSample("any", f"S{index}", patient, volume, (0.0, 0.0, 0.0), None, labels, None)


COHORTS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from([True, False, None])), min_size=1, max_size=60)


@pytest.mark.verifies("SRS-TRAIN-007", "RC-TRAIN-002")
@settings(max_examples=40, deadline=None)
@given(cohort=COHORTS, key=st.binary(min_size=16, max_size=16), known=st.integers(1, 60))
def test_no_split_by_patient_ever_leaks_and_the_keyed_one_never_moves_a_patient(cohort, key, known):
    samples = [sample(index, f"P{patient}", label) for index, (patient, label) in enumerate(cohort)]
    for split in (split_by_key(samples, key=key), split_stratified(samples, key=key)):
        proof = prove_no_leakage(samples, split)
        assert proof.patients == len({s.patient_id for s in samples})
        assert sum(count for _, count in proof.samples_by_part) == len(samples)
    grown = {a.patient_id: a.part for a in split_by_key(samples, key=key).assignments}
    for assignment in split_by_key(samples[:known], key=key).assignments:
        assert grown[assignment.patient_id] is assignment.part
