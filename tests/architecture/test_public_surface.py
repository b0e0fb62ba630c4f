from __future__ import annotations

import importlib
import re

import pytest

import lungai_core


@pytest.mark.verifies("SRS-ERR-003")
def test_the_public_names_are_those_of_the_snapshot(repository):
    snapshot = (repository / "tests" / "architecture" / "public_surface.txt").read_text(encoding="utf-8").split()
    assert sorted(lungai_core.__all__) == snapshot


@pytest.mark.verifies("SRS-ERR-003")
def test_every_public_name_is_found_where_the_lazy_table_says():
    for name in lungai_core.__all__:
        value = getattr(lungai_core, name)
        home = lungai_core._HOME_OF.get(name)
        assert home is None or getattr(importlib.import_module(home), name) is value


@pytest.mark.verifies("SRS-ERR-003")
def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nodule'"):
        _ = lungai_core.nodule
    assert dir(lungai_core) == sorted(lungai_core.__all__)


@pytest.mark.verifies("SRS-ERR-003")
def test_every_public_name_is_looked_at_by_the_type_checker(repository):
    text = (repository / "tests" / "typing" / "public_types.py").read_text(encoding="utf-8")
    assert [name for name in lungai_core.__all__ if not re.search(rf"\b{name}\b", text)] == []
