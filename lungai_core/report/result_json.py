"""A case report as ``result.json``, and the JSON Schema that it follows."""

from __future__ import annotations

import json
from importlib.resources import files as package_files
from typing import TYPE_CHECKING

from pydantic import ValidationError

from lungai_core.domain.case_report import CaseReport
from lungai_core.errors import ResultFileError
from lungai_core.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["generate_result_schema", "published_result_schema", "read_result_json", "write_result_json"]

_SCHEMA_FILE = "lungai-result-1.schema.json"


def write_result_json(report: CaseReport, path: Path, /) -> Path:
    """Write a report as ``result.json``.

    :implements: SRS-REPORT-001, SDS-REPORT-001

    Parameters
    ----------
    report
        The report. The same report gives the same bytes.
    path
        The file to write; it appears whole or not at all.
    """
    return write_whole(path, report.model_dump_json(indent=1) + "\n")


def read_result_json(path: Path, /) -> CaseReport:
    """Read a ``result.json``.

    :implements: SRS-REPORT-001, SDS-REPORT-001

    Raises
    ------
    ResultFileError
        If the file is absent or not of the schema ``lungai-result/1``.
    """
    try:
        return CaseReport.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ResultFileError(
            "The result file cannot be used.",
            where=str(path),
            allowed="JSON of the schema lungai-result/1",
            remedy="Give a result.json written by this version of lungai-core.",
        ) from error


def generate_result_schema() -> str:
    """Generate the JSON Schema (2020-12) of ``result.json`` from the code.

    :implements: SRS-REPORT-001, SDS-REPORT-001

    Returns
    -------
    str
        JSON text, ended by a line feed.
    """
    schema = CaseReport.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = "lungai-result/1"
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def published_result_schema() -> str:
    """Return the JSON Schema that ships with the package; a test holds it equal to the generated one.

    :implements: SRS-REPORT-001, SDS-REPORT-001
    """
    return (package_files("lungai_core.report") / "assets" / _SCHEMA_FILE).read_text(encoding="utf-8")
