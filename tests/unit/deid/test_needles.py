from __future__ import annotations

from io import BytesIO

import pydicom
import pytest

from lungai_core.deid import Secret, load_profile
from lungai_core.deid.engine import Engine
from lungai_core.deid.needles import contains_needle
from support import deid_corpus as corpus


@pytest.mark.verifies("SRS-DEID-008")
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"87910025", True),
        (b"id 87910025, chest", True),
        (b"1.2.826.0.1.87910025.2", True),
        (b"1.2.826.87910025", True),
        (b"87910025.1.2", True),
        (b"0.87910025", False),
        (b"-250.87910025\\87.879100251", False),
        (b"187910025", False),
        (b"1.2.826.187910025.3", False),
        (b"1.2.826.0.1.879100251", False),
    ],
)
def test_a_number_is_found_as_a_whole_and_as_a_component_of_a_uid_and_not_in_a_fraction(content, found):
    assert contains_needle(content, [b"87910025"]) is found


@pytest.mark.verifies("SRS-DEID-008", "RC-DEID-001")
def test_a_uid_of_a_device_that_is_kept_goes_where_it_holds_the_id_of_the_patient():
    dataset = corpus.new_object("ct", patient="QXNOBODY")
    dataset.PatientID = "87910025"
    dataset.DeviceUID = "1.2.826.0.1.87910025.2"
    profile = load_profile("research-longitudinal")
    engine = Engine(profile, Secret(b"a secret for tests only"))
    written = pydicom.dcmread(BytesIO(b"".join(engine.release(corpus.as_bytes(dataset)).pieces)))
    assert written.DeviceUID.startswith("2.25.")
    dataset.DeviceUID = "1.2.826.0.1.2"
    kept = pydicom.dcmread(BytesIO(b"".join(engine.release(corpus.as_bytes(dataset)).pieces)))
    assert kept.DeviceUID == "1.2.826.0.1.2"
