from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungai_core.deid import Secret
from lungai_core.errors import SecretFileError

SECRET, OTHER = Secret(b"a secret for tests only"), Secret(b"another one for tests!!")


@pytest.mark.verifies("SRS-DEID-005", "RC-DEID-006")
@given(st.text(max_size=64))
@settings(max_examples=200, deadline=None)
def test_a_uid_maps_to_one_valid_uid_that_only_its_secret_knows(uid):
    new = SECRET.map_uid(uid)
    assert new == SECRET.map_uid(uid)
    assert new.startswith("2.25.")
    assert len(new) <= 64
    assert (int(new[5:]) >> 76) & 0xF == 8
    assert SECRET.map_uid(new) == new
    assert SECRET.made_uid(new)
    assert not OTHER.made_uid(new)
    assert OTHER.map_uid(uid) != new


@pytest.mark.verifies("SRS-DEID-005")
def test_an_own_root_gives_uids_of_at_most_64_characters():
    new = SECRET.map_uid("1.2.3", root="1.2.826.0.1.3680043.10.1")
    assert new.startswith("1.2.826.0.1.3680043.10.1.")
    assert len(new) <= 64
    assert SECRET.map_uid(new, root="1.2.826.0.1.3680043.10.1") == new


@pytest.mark.verifies("SRS-DEID-006")
@given(st.text(max_size=64))
@settings(max_examples=100, deadline=None)
def test_a_patient_has_one_pseudonym_that_stays(patient):
    pseudonym = SECRET.pseudonym(patient)
    assert SECRET.pseudonym(pseudonym) == pseudonym
    assert OTHER.pseudonym(patient) != pseudonym
    assert len(pseudonym) == 26


@pytest.mark.verifies("SRS-DEID-006")
@pytest.mark.parametrize("text", ["", "P-", "P-short", "P-" + "1" * 24, "P-" + "A" * 24, "X" * 26])
def test_what_the_secret_did_not_make_is_not_taken_for_a_pseudonym(text):
    assert not SECRET.made_pseudonym(text)


@pytest.mark.verifies("SRS-DEID-007")
@given(st.text(max_size=20))
@settings(max_examples=100, deadline=None)
def test_dates_move_back_by_one_to_ten_years(patient):
    assert -3650 < SECRET.date_shift(patient).days <= -365


@pytest.mark.verifies("RC-DEID-003")
def test_a_secret_does_not_show_itself(tmp_path):
    material = b"0123456789abcdef0123456789abcdef"
    (tmp_path / "s").write_bytes(material + b"\n")
    secret = Secret.from_file(tmp_path / "s")
    assert repr(secret) == "Secret(…)"
    assert material not in pickle.dumps(secret)
    assert secret.map_uid("1.2.3") == Secret(material).map_uid("1.2.3")


@pytest.mark.verifies("RC-DEID-003")
def test_a_short_or_absent_secret_is_refused(tmp_path):
    with pytest.raises(SecretFileError, match="too short"):
        Secret(b"short")
    with pytest.raises(SecretFileError, match="cannot be read"):
        Secret.from_file(tmp_path / "absent")


@pytest.mark.verifies("RC-DEID-003")
def test_random_secrets_differ():
    assert Secret.random().map_uid("1.2.3") != Secret.random().map_uid("1.2.3")
