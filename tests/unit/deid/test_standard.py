from __future__ import annotations

import json
from pathlib import Path

import pytest

from lungai_core.deid import standard
from lungai_core.deid.generate_tables import generate_tables, main
from lungai_core.deid.standard import AttributeType, Option

# The digest that pymedphys records for NEMA's HTML of PS3.15 2026d, Table E.1-1 (see the reference table's provenance).
PUBLISHED_DIGEST = "e257bc5e1cfecb3156ad3b871c43e6d73581cba6e80df460f4a4a87694e89442"


@pytest.mark.verifies("SRS-DEID-002", "RC-DEID-001")
def test_the_rows_are_those_of_the_published_edition():
    assert standard.table_edition() == "2026d"
    assert len(standard.confidentiality_rows()) == 657
    assert standard.table_digest() == PUBLISHED_DIGEST


@pytest.mark.verifies("SRS-DEID-002")
def test_every_row_is_found_by_its_tag_even_where_pydicom_has_no_keyword():
    for row in standard.confidentiality_rows():
        text = row.tag.strip("()").replace(",", "")
        if text.startswith("gggg"):
            continue
        tag = int(text.replace("xx", "02", 1).replace("x", "0"), 16)
        found = standard.row_of(tag)
        assert found is not None
        assert found.code == row.code
    assert standard.dictionary_entry(0x00100011).keyword == "PersonNamesToUseSequence"


@pytest.mark.verifies("SRS-DEID-002")
def test_a_private_or_unknown_tag_has_neither_row_nor_entry():
    assert standard.row_of(0x00091001) is None
    assert standard.dictionary_entry(0x00080099) is None


@pytest.mark.verifies("SRS-DEID-003")
def test_every_option_column_is_an_option_with_a_code():
    columns = {option for row in standard.confidentiality_rows() for option, _ in row.options}
    assert set(Option) - columns == {Option.CLEAN_PIXEL_DATA, Option.CLEAN_VISUAL_FEATURES}


@pytest.mark.verifies("SRS-DEID-004")
def test_types_follow_the_object_and_the_place():
    ct = standard.attribute_types(standard.iod_of("1.2.840.10008.5.1.4.1.1.2"))
    plan = standard.attribute_types(standard.iod_of("1.2.840.10008.5.1.4.1.1.481.5"))
    assert ct.type_at(0x00081010, parent=None) is AttributeType.OPTIONAL_OR_FOREIGN
    assert plan.type_at(0x300A0002, parent=None) is AttributeType.REQUIRED
    assert ct.type_at(0x00081150, parent=0x00081140) is AttributeType.REQUIRED
    assert standard.iod_of("1.2.3") is None


@pytest.mark.verifies("SRS-DEID-003")
def test_a_safe_private_attribute_is_known_by_creator_and_element():
    assert standard.safe_private_vr("Philips PET Private Group", 0x7053, 0x09) == "DS"
    assert standard.safe_private_vr("Philips PET private group", 0x7053, 0x09) is None


@pytest.mark.verifies("SRS-DEID-002")
def test_a_registered_uid_is_told_from_an_instance_uid():
    assert standard.is_registered_uid("1.2.840.10008.5.1.4.1.1.2")
    assert not standard.is_registered_uid("1.2.840.10008.5.1.4.1.1.2.99999")


@pytest.mark.verifies("SRS-DEID-002")
def test_the_package_data_are_what_the_generator_makes_of_the_reference_tables(shared_reference, tmp_path):
    highdicom = pytest.importorskip("highdicom")
    maps = Path(highdicom.__file__).parent / "_standard"
    sources = Path(standard.__file__).parents[2] / "design" / "reference"
    made = generate_tables(shared_reference / "dicom", module_maps=maps, sources=sources)
    folder = Path(standard.__file__).parent / "tables"
    for name, text in made.items():
        assert json.loads(text) == json.loads((folder / name).read_text(encoding="utf-8")), name
    main(["--reference", str(shared_reference / "dicom"), "--module-maps", str(maps), "--out", str(tmp_path)])
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == made
