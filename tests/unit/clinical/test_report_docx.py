from __future__ import annotations

import io
import subprocess
import sys

import pytest
from docx import Document

from lungai_core.clinical.analysis import analyse_study
from lungai_core.clinical.report import build_report
from lungai_core.clinical.report_docx import report_docx
from lungai_core.clinical.study import read_study_csv


@pytest.mark.verifies("SRS-CLIN-017")
def test_the_document_holds_every_table_and_the_mark_on_each_page(made, tmp_path):
    table = read_study_csv(made.write_reads(tmp_path / "reads.csv"))
    report = build_report(
        analyse_study(table, file=made.locked(), library_version="1.2.3"), table=table, file=made.locked()
    )
    first, again = (report_docx(report, disclaimer="No claim.") for _ in range(2))
    assert first == again
    document = Document(io.BytesIO(first))
    assert len(document.tables) == len(report.tables)
    assert document.sections[0].header.paragraphs[0].text == "SYNTHETIC DATA"
    assert len(document.inline_shapes) == len(report.plots)


@pytest.mark.verifies("SRS-CLIN-017")
def test_without_python_docx_the_extra_to_install_is_named():
    code = (
        "import sys; sys.modules['docx'] = None\n"
        "from lungai_core.clinical.report_docx import report_docx; report_docx(None, disclaimer='')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "lungai-core[clinical]"' in run.stderr
