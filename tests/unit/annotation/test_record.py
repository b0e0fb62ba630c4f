from __future__ import annotations

import json

import jsonschema
import pytest

from lungai_core.annotation.record import (
    AnnotationFile,
    Diameter,
    DiameterDefinition,
    annotation_schema,
    annotation_sha256,
    check_geometry,
    read_annotations,
    write_annotations,
)
from lungai_core.errors import AnnotationFileError, MeasurementImpossibleError


@pytest.mark.verifies("SRS-ANNO-001")
def test_a_written_file_is_read_again_with_the_same_bytes(made, tmp_path):
    content = AnnotationFile(annotations=(made.read(), made.read(reader="r2")))
    first, again = tmp_path / "a.json", tmp_path / "b.json"
    write_annotations(content, first)
    write_annotations(read_annotations(first), again)
    assert first.read_bytes() == again.read_bytes()
    assert read_annotations(first) == content


@pytest.mark.verifies("SRS-ANNO-001")
def test_a_written_file_is_valid_under_the_published_schema(made, tmp_path, repository):
    path = write_annotations(AnnotationFile(annotations=(made.read(),)), tmp_path / "a.json")
    published = (repository / "docs" / "reference" / "annotation.schema.json").read_text(encoding="utf-8")
    assert published == annotation_schema()
    jsonschema.validate(json.loads(path.read_text()), json.loads(published))


@pytest.mark.verifies("SRS-ANNO-001")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"diameter": {"value_mm": 12.4}}, "diameter.definition"),
        ({"grades": [{"scheme": "Lung-RADS", "value": "4A"}]}, "grades.0.version"),
        ({"center_lps_mm": [1, 2]}, "center_lps_mm"),
        ({"malignant": True}, "malignant"),
    ],
)
def test_a_record_without_definition_version_or_frame_is_refused(made, tmp_path, change, field):
    document = {**made.read().model_dump(mode="json"), **change}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"schema_version": "lungai-annotations/1", "annotations": [document]}))
    with pytest.raises(AnnotationFileError, match=field):
        read_annotations(path)


@pytest.mark.verifies("SRS-ANNO-001")
def test_an_absent_file_and_a_repeated_identifier_are_refused(made, tmp_path):
    with pytest.raises(AnnotationFileError, match="LAI-ANNO-001"):
        read_annotations(tmp_path / "none.json")
    path = write_annotations(AnnotationFile(annotations=(made.read(), made.read())), tmp_path / "a.json")
    with pytest.raises(AnnotationFileError, match="same annotation_id"):
        read_annotations(path)


@pytest.mark.verifies("SRS-ANNO-005", "RC-ANNO-002")
def test_the_geometry_of_a_read_is_checked(made):
    assert round(check_geometry(made.read()).deviation_percent, 1) == -9.4
    assert check_geometry(made.read(volume=None)) is None
    short = Diameter(value_mm=9.0, definition=DiameterDefinition.MEAN_OF_LONG_AND_SHORT_AXIS, longest_mm=9.5)
    with pytest.raises(MeasurementImpossibleError, match="LAI-ANNO-003"):
        check_geometry(made.read(diameter=9.0).model_copy(update={"diameter": short}))


@pytest.mark.verifies("SRS-ANNO-007")
def test_the_hash_of_a_read_changes_with_its_content(made):
    assert annotation_sha256(made.read()) == annotation_sha256(made.read())
    assert annotation_sha256(made.read()) != annotation_sha256(made.read(rating=5))
