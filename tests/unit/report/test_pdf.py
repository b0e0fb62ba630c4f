from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from lungai_core.errors import MissingDependencyError
from lungai_core.report.document import CaseDocument
from lungai_core.report.language import ReportLanguage
from lungai_core.report.pdf import PrintOrder, report_markup, write_report_pdf

TIME = datetime(2026, 11, 27, 5, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def document(report, volume, card):
    return CaseDocument(report, volume, card)


@pytest.mark.verifies("SRS-REPORT-007")
@pytest.mark.parametrize("language", list(ReportLanguage))
def test_the_file_is_pdf_a_and_its_bytes_repeat(document, tmp_path, language):
    pytest.importorskip("typst", reason="extra [pdf]")
    order = PrintOrder(language, TIME)
    first, second = (write_report_pdf(document, tmp_path / name, order=order).read_bytes() for name in ("a", "b"))
    assert first == second
    assert b"pdfaid:part>2<" in first
    assert len(first) < 2 * 10**6


@pytest.mark.verifies("SRS-REPORT-007", "SRS-REPORT-004", "RC-REPORT-002")
@pytest.mark.parametrize(
    ("language", "notice", "words"),
    [
        (ReportLanguage.EN, "NOT FOR CLINICAL USE", ("Nodule two-b", "AUC: 0.81", "research model")),
        (ReportLanguage.ZH, "不得用于临床", ("结节 two-b", "第二次阅片的理由", "研究模型")),
    ],
)
def test_another_reader_finds_the_notice_the_numbers_and_the_failures(document, tmp_path, language, notice, words):
    pytest.importorskip("typst", reason="extra [pdf]")
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("poppler-utils is not installed")
    path = write_report_pdf(document, tmp_path / "report.pdf", order=PrintOrder(language, TIME))
    run = subprocess.run([reader, "-layout", str(path), "-"], capture_output=True, check=True)
    text = run.stdout.decode()
    for word in (*words, "2,144.7 mm³", "LAI-DOM-003"):
        assert word in text
    assert all(notice in page for page in text.split("\f")[:-1])


@pytest.mark.verifies("SRS-REPORT-007", "RC-REPORT-001", "RC-REPORT-003")
def test_the_markup_names_directions_and_reads_no_text_as_markup(document, refused, untrained_card):
    markup = report_markup(document, order=PrintOrder(ReportLanguage.EN, TIME), font="F")
    assert '"A", "L", "P", "R")' in markup
    # The second nodule has no map, so that only the first has sections with heat.
    assert markup.count('"Axial, heat"') == 1
    assert '"3 · LAI-DOM-003 Outside & away <b>."' in markup
    bare = report_markup(
        CaseDocument(refused, None, untrained_card), order=PrintOrder(ReportLanguage.ZH, TIME), font="F"
    )
    assert "LAI-DICOM-001 A slice <is> missing." in bare
    assert "picture(image" not in bare


@pytest.mark.verifies("SRS-REPORT-007")
def test_without_typst_the_extra_to_install_is_named_and_nothing_is_written(document, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingDependencyError, match=r"lungai-core\[pdf\]"):
        write_report_pdf(document, tmp_path / "report.pdf", order=PrintOrder(ReportLanguage.EN, TIME))
    assert list(tmp_path.iterdir()) == []
