from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from lungai_core.errors import DataLeakageError, DataSetError, ExitCode
from lungai_core.training.split import (
    Part,
    prove_no_leakage,
    read_split,
    split_by_fold,
    split_by_key,
    split_stratified,
)

KEY = b"0123456789abcdef"


def many(sample, count):
    return [dataclasses.replace(sample, sample_id=f"S{i}", patient_id=f"Q{i // 2}") for i in range(count)]


def parts_by_patient(split):
    found = {}
    for assignment in split.assignments:
        found.setdefault(assignment.patient_id, set()).add(assignment.part)
    return found


@pytest.mark.verifies("SRS-TRAIN-007", "RC-TRAIN-002")
def test_a_patient_has_one_part_and_keeps_it_when_the_data_grow(samples):
    before = parts_by_patient(split_by_key(many(samples[0], 400), key=KEY))
    after = parts_by_patient(split_by_key(many(samples[0], 900), key=KEY))
    assert all(len(parts) == 1 for parts in after.values())
    assert all(after[patient] == part for patient, part in before.items())
    shares = [sum(parts == {part} for parts in after.values()) / len(after) for part in Part]
    assert np.allclose(shares, (0.70, 0.15, 0.15), atol=0.05)


@pytest.mark.verifies("SRS-TRAIN-007")
def test_another_key_gives_another_split_and_a_short_one_is_refused(samples):
    data = many(samples[0], 100)
    assert split_by_key(data, key=KEY) != split_by_key(data, key=KEY[::-1])
    for split in (split_by_key, split_stratified):
        with pytest.raises(DataSetError, match="key of the split is too short"):
            split(data, key=b"short")


@pytest.mark.verifies("SRS-TRAIN-007", "RC-TRAIN-002")
def test_the_stratified_split_gives_each_stratum_the_same_shares(samples):
    data = many(samples[0], 200) + [
        dataclasses.replace(s, patient_id=f"R{s.patient_id}", sample_id=f"R{s.sample_id}") for s in many(samples[1], 80)
    ]
    found = parts_by_patient(split_stratified(data, key=KEY))
    assert all(len(parts) == 1 for parts in found.values())
    for prefix, patients in (("Q", 100), ("R", 40)):
        counts = [sum(p.startswith(prefix) and parts == {part} for p, parts in found.items()) for part in Part]
        assert np.allclose(counts, np.asarray((0.7, 0.15, 0.15)) * patients, atol=1)


@pytest.mark.verifies("SRS-TRAIN-007")
def test_a_fold_tests_and_fifteen_percent_of_the_other_folds_patients_validate(samples):
    data = [dataclasses.replace(sample, fold=index // 2 % 4) for index, sample in enumerate(many(samples[0], 80))]
    split = split_by_fold(data, test_fold=2, folds=4)
    found = parts_by_patient(split)
    assert all(len(parts) == 1 for parts in found.values())
    assert [sum(parts == {part} for parts in found.values()) for part in Part] == [26, 4, 10]
    assert split == split_by_fold(data, test_fold=2, folds=4)
    test = {assignment.sample_id for assignment in split.assignments if assignment.part is Part.TEST}
    assert test == {sample.sample_id for sample in data if sample.fold == 2}


@pytest.mark.verifies("SRS-TRAIN-007", "RC-TRAIN-002")
def test_the_proof_counts_what_it_compared(samples):
    split = split_by_fold(samples, test_fold=1, folds=4)
    proof = prove_no_leakage(samples, split)
    assert dict(proof.samples_by_part) == {Part.TRAIN: 10, Part.VALIDATION: 2, Part.TEST: 4}
    assert (proof.patients, proof.series, proof.studies, proof.images) == (8, 8, 0, 16)
    assert (proof.samples_without_study, proof.samples_without_series) == (16, 0)


def _same_patient(one, other):
    return dataclasses.replace(one, patient_id=other.patient_id)


def _same_series(one, other):
    return dataclasses.replace(
        one, volume=dataclasses.replace(one.volume, stored=one.volume.stored.copy(), series=other.volume.series)
    )


def _same_study(one, other):
    del other
    series = one.volume.series.model_copy(update={"study_instance_uid": "1.2.3"})
    return dataclasses.replace(one, volume=dataclasses.replace(one.volume, series=series))


def _same_image(one, other):
    return dataclasses.replace(
        one, volume=dataclasses.replace(one.volume, stored=other.volume.stored.copy()), mask=None
    )


@pytest.mark.verifies("SRS-TRAIN-007", "RC-TRAIN-002")
@pytest.mark.parametrize(
    ("share", "kind"),
    [(_same_patient, "patients"), (_same_series, "series"), (_same_study, "studies"), (_same_image, "images")],
)
def test_anything_in_two_parts_is_a_leak_named_by_its_kind(samples, share, kind):
    if share is _same_study:
        data = [share(sample, None) for sample in samples]
    else:
        data = [share(samples[0], samples[-1]), *samples[1:]]
    split = split_by_fold(data, test_fold=0, folds=4)
    with pytest.raises(DataLeakageError, match=rf"[1-9]\d* {kind} in two parts") as caught:
        prove_no_leakage(data, split)
    assert caught.value.exit_code is ExitCode.INPUT_REJECTED
    assert "P0" not in str(caught.value)


@pytest.mark.verifies("SRS-TRAIN-007", "RC-TRAIN-002")
def test_one_identifier_for_two_samples_is_refused(samples):
    data = [*samples, samples[0]]
    with pytest.raises(DataLeakageError, match="sample identifiers"):
        prove_no_leakage(data, split_by_fold(data, test_fold=0, folds=4))


@pytest.mark.verifies("SRS-TRAIN-007")
def test_an_empty_part_is_refused(samples):
    own = [sample for sample in samples if sample.fold != 2]
    split = split_by_fold(own, test_fold=2, folds=4)
    with pytest.raises(DataSetError, match="part test of the split is empty"):
        split.samples(own, Part.TEST)


@pytest.mark.verifies("SRS-TRAIN-007", "RC-TRAIN-002")
def test_a_split_by_study_is_refused(samples, tmp_path):
    split = split_by_fold(samples, test_fold=0, folds=4)
    path = tmp_path / "split.json"
    path.write_text(split.model_dump_json())
    assert read_split(path) == split
    path.write_text(json.dumps({**json.loads(split.model_dump_json()), "unit": "study"}))
    with pytest.raises(DataSetError, match=r"unit") as caught:
        read_split(path)
    assert 'unit "patient"' in caught.value.allowed
    with pytest.raises(DataSetError, match="FileNotFoundError"):
        read_split(tmp_path / "absent.json")
