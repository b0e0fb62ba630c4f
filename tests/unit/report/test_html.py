from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
from importlib.resources import files as package_files

import numpy as np
import pytest

from lungai_core.domain.case_report import InputKind
from lungai_core.report.crops import cut_crop
from lungai_core.report.document import CaseDocument
from lungai_core.report.html import render_report_html, write_report_html


@pytest.fixture(scope="module")
def page(report, volume, card):
    return render_report_html(CaseDocument(report, volume, card))


@pytest.mark.verifies("SRS-REPORT-002", "RC-REPORT-003")
def test_the_policy_allows_nothing_but_the_pages_own_style_and_script(page):
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1])
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        contents = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digests = [hashlib.sha256(content.encode()).digest() for content in contents]
        allowed = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        assert f"{directive} {' '.join(allowed)}; " in policy
    assert page.count("<script>") == 2


@pytest.mark.verifies("SRS-REPORT-002")
def test_the_page_names_no_address_outside_itself(page):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    # The addresses in the notices of vtk.js are words; that nothing is asked for is shown by the browser.
    vendored = (package_files("lungai_core.report") / "assets" / "vtk" / "volume_view.js").read_text(encoding="utf-8")
    assert vendored in text
    text = text.replace(vendored, "")
    assert re.findall(r"(?:https?:|wss?:|ftp:)//", text) == []
    assert set(re.findall(r'(?:src|href)="(\w+):', text)) == {"data"}
    assert 'style="' not in text


@pytest.mark.verifies("SRS-REPORT-002", "RC-REPORT-003")
def test_text_from_a_file_cannot_become_a_part_of_the_page(page):
    block = re.search(r'id="viewer-data">(.*?)</script>', page, re.DOTALL)[1]
    assert "<" not in block
    assert json.loads(block)["nodules"] == ["1", "two-b"]
    assert "<b>" not in page


@pytest.mark.verifies("SRS-REPORT-003")
def test_the_picture_in_the_page_holds_the_crop_voxel_by_voxel(page, report, volume):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    sprite = re.search(r'class="sprite" hidden alt="" src="data:image/png;base64,([^"]+)"', page)[1]
    sheet = np.asarray(image.open(io.BytesIO(base64.b64decode(sprite))))
    ct, heat, mask = sheet[: 3 * 640].reshape(3, 8, 80, 10, 80).transpose(0, 1, 3, 2, 4).reshape(3, 80, 80, 80)
    crop = cut_crop(volume, report.nodules[0])
    assert np.array_equal(ct, crop.ct)
    assert np.array_equal(heat, crop.heat)
    assert np.array_equal(mask > 127, crop.mask)


@pytest.mark.verifies("SRS-REPORT-002")
def test_the_same_document_gives_the_same_bytes(page, report, volume, card, tmp_path):
    path = write_report_html(CaseDocument(report, volume, card), tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == page


@pytest.mark.verifies("SRS-REPORT-002", "SRS-REPORT-004")
def test_a_refused_series_and_a_phantom_have_their_page(refused, card, untrained_card, make, volume):
    page = render_report_html(CaseDocument(refused, None, untrained_card))
    assert "LAI-DICOM-001" in page
    # Without a nodule there is nothing to turn, and the page stays small.
    assert len(page.encode()) < 10**5
    phantom = make["report"](volume, nodules=(), kind=InputKind.PHANTOM)
    page = render_report_html(CaseDocument(phantom, volume, card))
    assert "<title>Lung nodule report (phantom, not for clinical use)</title>" in page


@pytest.mark.verifies("SRS-REPORT-002")
def test_ten_nodules_on_a_noisy_ct_stay_below_eight_megabytes(make, volume, card):
    random = np.random.default_rng(1)
    values = (volume.stored + random.normal(0, 25, volume.stored.shape)).astype(np.int16)
    noisy = type(volume)(values, 1.0, 0.0, volume.geometry, volume.series)
    nodules = tuple(make["nodule"](volume, str(n)) for n in range(10))
    page = render_report_html(CaseDocument(make["report"](noisy, nodules=nodules), noisy, card))
    assert len(page.encode()) <= 8 * 10**6


@pytest.mark.verifies("SRS-REPORT-003")
@pytest.mark.parametrize("count", [0, 1, 30])
def test_a_page_has_a_viewer_a_nodule_however_many_there_are(make, volume, card, count):
    nodules = tuple(make["nodule"](volume, str(n)) for n in range(count))
    page = render_report_html(CaseDocument(make["report"](volume, nodules=nodules), volume, card))
    assert page.count('class="card nodule"') == page.count("<tr data-nodule=") == count


@pytest.mark.verifies("SRS-REPORT-009")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground_in_both_schemes(scheme):
    """WCAG 2.1, 1.4.3: a contrast of at least 4.5 for text."""
    style = (package_files("lungai_core.report") / "assets" / "report.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[0] if scheme == "light" else blocks[1]))
    pairs = [("ink", "bg"), ("ink", "panel"), ("soft", "bg"), ("soft", "panel"), ("accent", "panel")]
    pairs += [("warn-ink", "warn-bg"), ("bad-ink", "bad-bg"), ("ink", "chip")]
    for front, back in pairs:
        bright, dark = sorted((_luminance(colours[front]), _luminance(colours[back])), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (front, back)


def _luminance(colour):
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
