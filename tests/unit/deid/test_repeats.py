from __future__ import annotations

import pytest

from lungai_core.deid import BASIC, NAMED_PROFILES
from lungai_core.deid.engine import Engine
from lungai_core.deid.repeats import Repeats
from lungai_core.errors import CorruptDicomError, IdentityLeftError, InputRejectedError


def _slice(corpus, number, **changes):
    dataset = corpus.new_object("ct", number=number, patient="QXFAMILY^GIVEN")
    dataset.ImagePositionPatient = [0, 0, number]
    dataset.InstanceCreationTime = f"1012{number:02d}"
    dataset.SeriesDescription = "Thorax"
    dataset.KVP = "120"
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return corpus.as_bytes(dataset)


def _outcome(engine, content):
    try:
        released = engine.release(content)
    except InputRejectedError as error:
        return type(error), error.code
    return b"".join(released.pieces), dict(released.tallies), released[1:-1]


@pytest.fixture
def used(monkeypatch):
    """How many files were put together from a pattern."""
    found, original = [], Repeats.repeat

    def spy(self, data):
        repeated = original(self, data)
        if repeated is not None:
            found.append(repeated)
        return repeated

    monkeypatch.setattr(Repeats, "repeat", spy)
    return found


@pytest.mark.verifies("SRS-DEID-001", "SRS-DEID-004", "RC-DEID-007")
@pytest.mark.parametrize("name", sorted(NAMED_PROFILES))
def test_a_file_put_together_from_a_pattern_is_the_one_that_full_treatment_gives(corpus, secret, used, name):
    profile = NAMED_PROFILES[name]
    files = [_slice(corpus, number) for number in range(1, 9)]
    files += [_slice(corpus, 9, SeriesDescription="Other"), _slice(corpus, 10, KVP="100"), _slice(corpus, 11)]
    files += [_slice(corpus, 12, PatientID="QXOTHER"), _slice(corpus, 13, PatientID="QXOTHER"), files[2], files[3]]
    files += [_slice(corpus, number, PatientID="QXOTHER", KVP=str(number)) for number in range(14, 18)]
    engine = Engine(profile, secret)
    assert [_outcome(engine, content) for content in files] == [
        _outcome(Engine(profile, secret), content) for content in files
    ]
    assert len(used) >= 8


@pytest.mark.verifies("SRS-DEID-001", "RC-DEID-007")
def test_a_real_series_is_the_same_with_and_without_patterns(shared_data, secret, used):
    files = [path.read_bytes() for path in sorted((shared_data / "lidc_idri_0001" / "dicom").iterdir())[:40]]
    engine = Engine(BASIC, secret)
    assert [_outcome(engine, content) for content in files] == [
        _outcome(Engine(BASIC, secret), content) for content in files
    ]
    assert len(used) > 30


@pytest.mark.verifies("SRS-DEID-008", "RC-DEID-001")
def test_an_id_in_one_slice_only_is_found_although_the_rest_is_known(corpus, secret, used):
    engine = Engine(BASIC, secret)
    for number in range(1, 5):
        engine.release(_slice(corpus, number, PatientID="77120.75", ExposureTime=str(number)))
    known = len(used)
    assert known >= 1
    out = b"".join(engine.release(_slice(corpus, 5, PatientID="77120.75", SliceLocation="77120.75")).pieces)
    assert b"77120.75" not in out
    with pytest.raises(CorruptDicomError, match="identifies the patient"):
        engine.release(_slice(corpus, 6, PatientID="77120.75", ImagePositionPatient=[0, 1, "77120.75"]))
    assert len(used) == known


@pytest.mark.verifies("SRS-DEID-008", "RC-DEID-001")
def test_pixels_that_spell_the_patient_are_refused_although_the_rest_is_known(corpus, secret):
    engine = Engine(BASIC, secret)
    for number in range(1, 5):
        engine.release(_slice(corpus, number))
    with pytest.raises(IdentityLeftError, match="pixel data"):
        engine.release(_slice(corpus, 5, PixelData=b"\0\0" + b"QXFAMILY^GIVEN".ljust(46, b"\0")))


@pytest.mark.verifies("SRS-DEID-011", "RC-DEID-007")
def test_bytes_behind_a_known_file_and_a_cut_one_are_treated_as_ever(corpus, secret):
    engine = Engine(BASIC, secret)
    files = [_slice(corpus, number) for number in range(1, 6)]
    for content in files:
        engine.release(content)
    for content in (files[1] + b"QXTRAILING bytes", files[1][:-10], files[1][:300], files[1][:140]):
        assert _outcome(engine, content) == _outcome(Engine(BASIC, secret), content)
