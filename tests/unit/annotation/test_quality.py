from __future__ import annotations

import json

import numpy as np
import pytest

from lungai_core.annotation.quality import AgreementRow, quality_html, quality_json, quality_report, rating_table
from lungai_core.annotation.record import Diameter, DiameterDefinition

ROW = AgreementRow(
    variable="malignancy",
    coefficient="alpha",
    metric="ordinal",
    unit="lesion",
    n_units=2,
    n_readers=4,
    estimate=0.81,
    lower=0.7,
    upper=0.9,
    confidence=0.95,
)


@pytest.mark.verifies("SRS-ANNO-008")
def test_the_table_of_a_variable_has_a_row_a_nodule_and_a_column_a_rater(made):
    project = made.project(made.read("n1", "r1", rating=4), made.read("n2", "r3", malignancy=None))
    table = rating_table(project, value=lambda read: read.malignancy and read.malignancy.rating)
    assert table.shape == (2, 4)
    assert table[0, 0] == 4
    assert np.isnan(table).sum() == 7
    assert np.isnan(rating_table(project, value=lambda _: 1.0, round_number=2)).all()


@pytest.mark.verifies("SRS-ANNO-008")
def test_a_report_names_metric_unit_interval_disagreements_and_open_nodules(made):
    impossible = Diameter(value_mm=8.0, definition=DiameterDefinition.MEAN_OF_LONG_AND_SHORT_AXIS, longest_mm=8.0)
    reads = [made.read("n1", name) for name in made.RATERS]
    reads += [made.read("n2", "r1").model_copy(update={"diameter": impossible}), made.read("n2", "r2", volume=None)]
    report = quality_report(
        made.project(*reads), agreement=(ROW, ROW.model_copy(update={"estimate": None, "lower": None}))
    )
    html = quality_html(report)
    assert report.open_nodules == ("n2",)
    for text in ("malignancy", "ordinal", "0.810", "0.700 to 0.900 (95%)", "not estimable", "marked by 2 of 4", "-9.4"):
        assert text in html
    assert "LAI-ANNO-003" in html
    assert "http" not in html.replace("http-equiv", "")
    assert json.loads(quality_json(report))["schema_version"] == "lungai-annotation-quality/1"
    assert quality_json(report) == quality_json(report)


@pytest.mark.verifies("SRS-ANNO-008")
def test_what_a_reader_wrote_is_escaped(made):
    report = quality_report(made.project(), agreement=(ROW.model_copy(update={"note": "<script>"}),))
    assert "<script>" not in quality_html(report)
    assert "none" in quality_html(report)
