from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from lungai_core.domain.case_report import InputKind
from lungai_core.report.crops import cut_crop
from lungai_core.report.html import CaseDocument, render_report_html, write_report_html


@pytest.fixture(scope="module")
def page(report, volume, card):
    return render_report_html(CaseDocument(report, volume, card))


@pytest.mark.verifies("SRS-REPORT-002", "RC-REPORT-003")
def test_the_policy_allows_nothing_but_the_pages_own_style_and_script(page):
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1])
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        content = re.search(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


@pytest.mark.verifies("SRS-REPORT-002")
def test_the_page_names_no_address_outside_itself(page):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
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
    ct, heat, mask = sheet.reshape(3, 8, 80, 10, 80).transpose(0, 1, 3, 2, 4).reshape(3, 80, 80, 80)
    crop = cut_crop(volume, report.nodules[0])
    assert np.array_equal(ct, crop.ct)
    assert np.array_equal(heat, crop.heat)
    assert np.array_equal(mask > 127, crop.mask)


@pytest.mark.verifies("SRS-REPORT-002")
def test_the_same_document_gives_the_same_bytes(page, report, volume, card, tmp_path):
    path = write_report_html(CaseDocument(report, volume, card), tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == page


@pytest.mark.verifies("SRS-REPORT-002", "SRS-REPORT-004")
def test_a_refused_series_and_a_phantom_have_their_page(refused, card, make, volume):
    assert "LAI-DICOM-001" in render_report_html(CaseDocument(refused, None, card))
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


CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--timeout=6000",
    "--window-size=1300,1700",
)


@pytest.mark.verifies("SRS-REPORT-002", "SRS-REPORT-003", "SRS-REPORT-004")
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_draws_turns_and_translates_the_page_without_an_error_or_a_request(report, volume, card, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    path = write_report_html(CaseDocument(report, volume, card), tmp_path / "report.html")
    pixels = {}
    for state in ("lang=en", "lang=zh", "lang=en&azimuth=2.2", "lang=en&heat=1"):
        shot, log = tmp_path / "shot.png", tmp_path / "log.json"
        places = (f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}", f"--log-net-log={log}")
        command = [CHROMIUM, *FLAGS, *places, f"{path.as_uri()}#{state}"]
        run = subprocess.run(command, capture_output=True, check=True, timeout=90)
        assert b"CONSOLE" not in run.stderr
        hosts = set(re.findall(r'"url":"(?:https?|wss?)://([^/"]+)', log.read_text()))
        # The browser itself asks its maker for the time and for updates, whatever it shows.
        assert {host for host in hosts if not host.endswith((".google.com", ".googleapis.com", ".gvt1.com"))} == set()
        pixels[state] = np.asarray(image.open(shot).convert("RGB")).astype(int)
    english = pixels.pop("lang=en")
    # The cyan outline of the mask stands in the drawn sections.
    assert np.sum(np.abs(english - (41, 224, 255)).max(axis=-1) < 25) > 200
    for picture in pixels.values():
        assert np.sum(np.abs(picture - english).max(axis=-1) > 40) > 1000
