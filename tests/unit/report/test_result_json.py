from __future__ import annotations

import json

import jsonschema
import pytest

from lungai_core.errors import ResultFileError
from lungai_core.report.result_json import (
    generate_result_schema,
    published_result_schema,
    read_result_json,
    write_result_json,
)


@pytest.mark.verifies("SRS-REPORT-001")
def test_the_published_schema_is_the_one_of_the_code():
    assert published_result_schema() == generate_result_schema()


@pytest.mark.verifies("SRS-REPORT-001", "SRS-DOM-011")
@pytest.mark.parametrize("name", ["report", "refused"])
def test_a_result_validates_against_the_schema_and_is_read_back_equal(name, request, tmp_path):
    value = request.getfixturevalue(name)
    path = write_result_json(value, tmp_path / "result.json")
    jsonschema.Draft202012Validator(json.loads(published_result_schema())).validate(json.loads(path.read_bytes()))
    assert read_result_json(path) == value


@pytest.mark.verifies("SRS-REPORT-001")
def test_the_same_report_gives_the_same_bytes(report, tmp_path):
    first, second = (write_result_json(report, tmp_path / name).read_bytes() for name in ("a.json", "b.json"))
    assert first == second


@pytest.mark.verifies("SRS-REPORT-001")
@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"schema_version": "lungai-result/2"}'])
def test_a_file_that_is_no_result_is_refused(tmp_path, content):
    path = tmp_path / "result.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ResultFileError):
        read_result_json(path)
