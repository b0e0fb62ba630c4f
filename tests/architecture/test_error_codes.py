from __future__ import annotations

import pickle
import re

import pytest

from lungai_core import errors


def _all_errors(root=errors.LungaiError):
    return [root, *(error for child in root.__subclasses__() for error in _all_errors(child))]


TREE = {error for error in _all_errors() if error.__module__ == errors.__name__}
LEAVES = {error for error in TREE if "code" in vars(error)}


@pytest.mark.verifies("SRS-ERR-001")
def test_only_leaves_have_a_code_and_every_leaf_has_one():
    assert all(not error.__subclasses__() for error in LEAVES)
    assert {error.__name__ for error in TREE - LEAVES} >= {"LungaiError", "UsageError", "InputRejectedError"}


@pytest.mark.verifies("SRS-ERR-001")
def test_codes_are_unique_and_of_one_pattern():
    codes = [error.code for error in LEAVES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"LAI-[A-Z]{2,6}-\d{3}", code) for code in codes)


@pytest.mark.verifies("SRS-ERR-001")
def test_the_manual_lists_exactly_the_codes_of_the_error_tree_in_order(repository):
    manual = (repository / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+) · (\S+)$", manual, flags=re.MULTILINE)
    assert headings == sorted((error.code, error.__name__) for error in LEAVES)


@pytest.mark.verifies("SRS-ERR-001")
@pytest.mark.parametrize("leaf", sorted(LEAVES, key=lambda error: error.code), ids=lambda error: error.code)
def test_an_error_names_its_four_parts_and_survives_pickling(leaf):
    error = leaf("It happened.", where="slice 3", allowed="1 to 2 mm", remedy="Do this.")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes, made in the line itself
    text = f"{leaf.code} It happened.\nWhere: slice 3\nAllowed: 1 to 2 mm\nWhat to do: Do this."
    assert str(again) == str(error) == text
    assert type(again) is leaf
    assert leaf.exit_code in errors.ExitCode


@pytest.mark.verifies("SRS-ERR-001")
def test_every_error_of_the_tree_is_exported():
    assert {error.__name__ for error in TREE} | {"ExitCode"} == set(errors.__all__)
