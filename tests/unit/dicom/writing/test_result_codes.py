from __future__ import annotations

import pytest
from pydicom import Dataset
from pydicom.sr.codedict import codes

from lungai_core.dicom.result_codes import PRIVATE_SCHEME, RESULT_CODES, declare_private_scheme


@pytest.mark.verifies("SRS-DICOM-023")
def test_every_standard_code_is_that_of_pydicoms_dictionary_by_value_and_meaning():
    unknown = []
    for name, code in RESULT_CODES.items():
        # UCUM annotations, LOINC and UMLS are not in that dictionary as a whole.
        if code.scheme_designator not in {"SCT", "DCM"}:
            continue
        scheme = getattr(codes, code.scheme_designator)
        known = {(entry.value, entry.meaning) for entry in (getattr(scheme, key) for key in scheme.dir())}
        if (code.value, code.meaning) not in known:
            unknown.append(name)
    assert unknown == []


@pytest.mark.verifies("SRS-DICOM-023")
def test_our_own_scheme_is_declared_and_its_codes_fit_their_value_representation():
    dataset = Dataset()
    declare_private_scheme(dataset)
    assert dataset.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == PRIVATE_SCHEME
    own = [code for code in RESULT_CODES.values() if code.scheme_designator == PRIVATE_SCHEME]
    assert own
    assert all(len(code.value) <= 16 and len(code.meaning) <= 64 for code in own)
