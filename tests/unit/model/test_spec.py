from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.errors import InvalidArgumentError
from lungai_core.model.spec import DENSENET121, SMALL, Attention, NetSpec, named_spec, spec_sha256


@pytest.mark.verifies("SRS-MODEL-001")
def test_a_spec_is_found_by_its_name_and_an_unknown_name_is_refused_with_the_names_that_exist():
    assert named_spec("densenet121") is DENSENET121
    with pytest.raises(InvalidArgumentError, match="densenet121, small, tiny"):
        named_spec("resnet")


@pytest.mark.verifies("SRS-MODEL-001")
def test_the_hash_of_a_spec_changes_with_each_field():
    hashes = {spec_sha256(SMALL), spec_sha256(SMALL.model_copy(update={"head_features": 13}))}
    hashes.add(spec_sha256(SMALL.model_copy(update={"attention": Attention.NONE})))
    assert len(hashes) == 3


@pytest.mark.verifies("SRS-MODEL-001")
@pytest.mark.parametrize(
    "change",
    [{"decoder_features": 6}, {"dropout": 1.0}, {"trunk": {"kind": "conv", "widths": (8, 8, 8, 0)}}, {"name": "A b"}],
)
def test_impossible_sizes_are_refused(change):
    with pytest.raises(ValidationError):
        NetSpec(**{**SMALL.model_dump(), **change})
