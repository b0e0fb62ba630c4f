from __future__ import annotations

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungai_core.errors import ModelIntegrityError
from lungai_core.modelpack.pack import bundled_pack, open_pack

NAMES = sorted(path.name for path in bundled_pack().iterdir())


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack") / "copy"
    shutil.copytree(bundled_pack(), folder)
    return folder


@pytest.mark.fuzz("model pack: one changed byte")
@pytest.mark.verifies("SRS-PACK-002", "RC-PACK-001")
@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(NAMES), place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_no_single_changed_byte_of_any_file_of_the_released_model_goes_unnoticed(copy, name, place, flip):
    path = copy / name
    sound = path.read_bytes()
    data = bytearray(sound)
    data[int(place * len(data))] ^= flip
    path.write_bytes(bytes(data))
    try:
        with pytest.raises(ModelIntegrityError):
            open_pack(copy)
    finally:
        path.write_bytes(sound)
    assert open_pack(copy).card.trained is True
