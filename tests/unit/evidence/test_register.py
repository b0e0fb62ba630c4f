from __future__ import annotations

import csv
import io

import pytest

from lungai_core.errors import EvidenceInputError, OpenPlaceholdersError
from lungai_core.evidence.fields import Text, same
from lungai_core.evidence.register import Gap, Register, gaps_csv, read_manufacturer_file


@pytest.mark.verifies("SRS-EVID-018", "RC-EVID-001")
def test_a_value_nobody_gave_becomes_a_numbered_placeholder_with_a_row():
    register = Register()
    first = register.ask("ifu", "intended_use", Text("Intended use", "预期用途"), clause="807.87(e)")
    again = register.ask("ifu", "intended_use", Text("Intended use", "预期用途"), clause="807.87(e)")
    second = register.ask("ifu", "warnings", same("Warnings"), clause="807.87(e)")
    assert first == again
    assert (first.sources, second.sources) == (("TBC-ifu-001",), ("TBC-ifu-002",))
    rows = list(csv.DictReader(io.StringIO(register.csv())))
    assert [(row["token"], row["key"], row["state"]) for row in rows] == [
        ("TBC-ifu-001", "ifu.intended_use", "open"),
        ("TBC-ifu-002", "ifu.warnings", "open"),
    ]


@pytest.mark.verifies("SRS-EVID-018")
def test_a_release_is_refused_while_a_row_is_open_and_names_the_first():
    register = Register()
    register.require_closed()
    register.ask("ifu", "intended_use", same("Intended use"), clause="807.87(e)")
    with pytest.raises(OpenPlaceholdersError, match="TBC-ifu-001"):
        register.require_closed()


@pytest.mark.verifies("SRS-EVID-018")
def test_a_signed_value_fills_its_placeholder():
    content = b'[fields]\n"ifu.intended_use" = { en = "To ...", zh = "\xe7\x94\xa8\xe4\xba\x8e" }\n"ifu.name" = "Z"\n'
    register = Register(read_manufacturer_file(content, source="M-009", where="m.toml"))
    value = register.ask("ifu", "intended_use", same("Intended use"), clause="x")
    assert (value.text.en, value.text.zh, value.sources, value.missing) == ("To ...", "用于", ("M-009",), False)
    assert register.ask("ifu", "name", same("Name"), clause="x").text == same("Z")
    register.require_closed()


@pytest.mark.verifies("SRS-EVID-018")
@pytest.mark.parametrize("content", [b"\xff", b"x = 1", b"[fields]\na = 1", b'[fields]\na = { en = "x" }', b"[fields"])
def test_a_manufacturer_file_of_another_form_is_refused(content):
    with pytest.raises(EvidenceInputError, match="LAI-EVID-001"):
        read_manufacturer_file(content, source="M-001", where="m.toml")


@pytest.mark.verifies("SRS-EVID-003")
def test_gaps_are_listed_once_and_sorted():
    text = gaps_csv((Gap("version", "b", "m"), Gap("stale", "a", "m"), Gap("version", "b", "m")))
    assert text == "kind,subject,message\nstale,a,m\nversion,b,m\n"
