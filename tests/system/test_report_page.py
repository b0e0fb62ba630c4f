"""The report page in a real browser: with WebGL by a software renderer, and without."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lungai_core.domain.case_report import Grid
from lungai_core.domain.geometry import Geometry
from lungai_core.report.document import CaseDocument
from lungai_core.report.html import write_report_html

CANVAS = "document.querySelector('#nodule-0 canvas[data-plane=\"{plane}\"]')"
# A copy of a canvas, so that reading it leaves the page's own canvases as they are.
COPY = """const canvas = {canvas}, side = canvas.width, copy = document.createElement("canvas");
  copy.width = copy.height = side;
  const context = copy.getContext("2d", {{ willReadFrequently: true }});
  context.drawImage(canvas, 0, 0);
"""
# How many pixels have the mask's colour or heat's; where the white ones lie between two radii; how many bright ones
# lie in the corners at the upper left and right, where no letter stands.
PIXELS = """(() => {{
  {copy} const data = context.getImageData(0, 0, side, side).data;
  let cyan = 0, warm = 0, lit = 0, left = 0, right = 0, weight = 0, across = 0, down = 0;
  for (let r = 0, p = 0; r < side; r++) for (let c = 0; c < side; c++, p += 4) {{
    const [red, green, blue] = [data[p], data[p + 1], data[p + 2]], least = Math.min(red, green, blue);
    if (green - red > 50 && blue - red > 50) cyan++;
    if (red - blue > 60) warm++;
    if (red + green + blue > 90) lit++;
    if (least > 60 && r < 0.35 * side && c < 0.35 * side && r > 0.04 * side) left++;
    if (least > 60 && r < 0.35 * side && c > 0.65 * side) right++;
    const inner = Math.hypot(r - side / 2, c - side / 2);
    if (inner <= side * {inner} || inner >= side * {outer} || least <= 235) continue;
    weight++; across += c; down += r;
  }}
  return {{ cyan, warm, lit, left, right, across: across / weight / side, down: down / weight / side }};
}})()"""


def _canvas(plane):
    return CANVAS.format(plane=plane)


def _pixels(page, plane, *, inner=0.17, outer=0.41):
    return page.evaluate(PIXELS.format(copy=COPY.format(canvas=_canvas(plane)), inner=inner, outer=outer))


def _colour(page, plane, x, y):
    copy = COPY.format(canvas=_canvas(plane))
    return page.evaluate(f"(() => {{ {copy} return [...context.getImageData({x}, {y}, 1, 1).data]; }})()")


@pytest.fixture(scope="module")
def parts():
    path = Path(__file__).resolve().parents[1] / "unit" / "report" / "conftest.py"
    spec = importlib.util.spec_from_file_location("report_parts", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def report_file(parts, tmp_path_factory):
    """Two nodules: a ball of 16 mm, with a small bright ball to its upper left behind; the second has no mask."""
    volume = parts.make_volume()
    first = parts.nodule_of(volume)
    # Evidence on the left half of the nodule, and in the corner of the crop to superior, posterior and left.
    hot = {63, 16 + 4 + 2, 16 + 8 + 2, 32 + 4 + 2, 32 + 8 + 2}
    heat = first.explanation.model_copy(update={"values": tuple(255 if n in hot else 0 for n in range(64))})
    bare = parts.nodule_of(volume, "two-b", mask=None, explanation=None, malignancy_probability=0.1)
    report = parts.report_of(volume, nodules=(first.model_copy(update={"explanation": heat}), bare))
    folder = tmp_path_factory.mktemp("page")
    return write_report_html(CaseDocument(report, volume, parts.card_of()), folder / "report.html")


@pytest.fixture(scope="module", params=["webgl", "turntable"])
def page(request, browser, report_file, tmp_path_factory):
    flags = browser.WITH_WEBGL if request.param == "webgl" else browser.WITHOUT_WEBGL
    profile = tmp_path_factory.mktemp("profile")
    with browser.open_page(report_file.as_uri(), profile=profile, flags=flags, width=900, height=700) as opened:
        opened.renderer = request.param
        yield opened


def _look(page, azimuth=0.0, *, mask=False, heat=False):
    page.evaluate(
        f"lungai.state.azimuth = {azimuth}; lungai.state.tilt = 0; lungai.select(0, () => 0);"
        f"lungai.toggle('mask', {str(mask).lower()}); lungai.toggle('heat', {str(heat).lower()});"
        "lungai.setWindow('lung'); lungai.draw({ coarse: true })"
    )


@pytest.mark.verifies("SRS-REPORT-006", "SRS-REPORT-003", "RC-REPORT-001")
@pytest.mark.timeout(600)
def test_the_view_turns_with_the_patients_left_on_the_side_that_it_says(page):
    assert page.evaluate("document.documentElement.dataset.renderer") == page.renderer
    front, behind = ((_look(page, azimuth), _pixels(page, "volume"))[1] for azimuth in (0.0, np.pi))
    # The bright ball lies to the patient's left and to superior: right of the middle from the front, left from behind.
    assert front["right"] > 100 > 5 * front["left"]
    assert behind["left"] > 100 > 5 * behind["right"]
    assert front["lit"] > 2000


@pytest.mark.verifies("SRS-REPORT-006", "RC-REPORT-004")
@pytest.mark.timeout(600)
def test_mask_and_heat_are_a_part_of_the_volume(page):
    _look(page)
    plain = _pixels(page, "volume")
    _look(page, mask=True)
    assert _pixels(page, "volume")["cyan"] > plain["cyan"] + 1000
    _look(page, heat=True)
    assert _pixels(page, "volume")["warm"] > plain["warm"] + 300


@pytest.fixture(scope="module")
def core_page(browser, parts, tmp_path_factory):
    """The ball of 16 mm with evidence in its core alone, and WebGL."""
    volume = parts.make_volume()
    nodule = parts.nodule_of(volume)
    corner = tuple(centre - 5.0 for centre in nodule.center_lps_mm)
    grid = Grid.from_geometry(Geometry((6, 6, 6), (2.0, 2.0, 2.0), corner, volume.geometry.axes_zyx_lps))
    values = np.pad(np.full((4, 4, 4), 180), 1)
    core = nodule.explanation.model_copy(update={"grid": grid, "values": tuple(values.ravel().tolist())})
    report = parts.report_of(volume, nodules=(nodule.model_copy(update={"explanation": core}),))
    folder = tmp_path_factory.mktemp("core")
    path = write_report_html(CaseDocument(report, volume, parts.card_of()), folder / "report.html")
    flags = browser.WITH_WEBGL
    with browser.open_page(path.as_uri(), profile=folder / "profile", flags=flags, width=900, height=700) as opened:
        yield opened


@pytest.mark.verifies("SRS-REPORT-006", "RC-REPORT-004")
@pytest.mark.timeout(600)
def test_evidence_inside_a_nodule_is_seen_through_its_mask(core_page):
    side = core_page.evaluate(f"{_canvas('volume')}.width")
    places = {"core": side // 2, "rim": side // 2 + round(6.5 / 64 * side)}

    def blue_less_red(heat):
        _look(core_page, mask=True, heat=heat)
        seen = {name: _colour(core_page, "volume", column, side // 2) for name, column in places.items()}
        return {name: int(blue) - int(red) for name, (red, _, blue, _) in seen.items()}

    covered, veiled = blue_less_red(heat=False), blue_less_red(heat=True)
    assert min(covered.values()) > 60
    assert veiled["rim"] > 15
    assert veiled["core"] < -15


@pytest.mark.verifies("SRS-REPORT-003", "RC-REPORT-001", "RC-REPORT-004")
@pytest.mark.timeout(600)
def test_sections_have_radiological_layout_and_heat_lies_in_its_corner(page):
    # Through the bright ball: 14 mm to the left (17.5 voxels), 10 mm to posterior, 18 mm to superior.
    _look(page, heat=True)
    page.evaluate("lungai.state.at = [62, 52, 57]; lungai.draw({ coarse: true })")
    expected = {"axial": (57.5 / 80, 52.5 / 80), "coronal": (57.5 / 80, 17.5 / 80), "sagittal": (52.5 / 80, 17.5 / 80)}
    for plane, (across, down) in expected.items():
        page.evaluate("lungai.toggle('heat', false); lungai.draw({ coarse: true })")
        seen = _pixels(page, plane, inner=0.12, outer=0.45)
        assert seen["across"] == pytest.approx(across, abs=0.03), plane
        assert seen["down"] == pytest.approx(down, abs=0.03), plane
    page.evaluate("lungai.state.at = [78, 78, 78]; lungai.toggle('heat', true); lungai.draw({ coarse: true })")
    # To posterior and left: lower right.
    warm, cold = _colour(page, "axial", 470, 440), _colour(page, "axial", 10, 60)
    assert warm[0] - warm[2] > 60
    assert abs(cold[0] - cold[2]) < 10


@pytest.mark.verifies("SRS-REPORT-003", "RC-REPORT-006")
@pytest.mark.timeout(600)
def test_a_window_shows_the_grey_that_its_centre_and_width_say(page):
    # -850 HU in a corner of the section: lung window (-600, 1500) 0.3333, soft tissue (40, 400) 0, wide (-300, 1800)
    # 0.1944.
    _look(page)
    for name, key, grey in (("soft", "2", 0.0), ("wide", "3", 0.1944), ("lung", "1", 0.3333)):
        page.press(key)
        page.settle()
        assert page.evaluate("lungai.state.window") == name
        assert _colour(page, "axial", 30, 330)[0] == pytest.approx(grey * 255, abs=4), name


@pytest.mark.verifies("SRS-REPORT-009", "SRS-REPORT-004")
@pytest.mark.timeout(600)
def test_the_page_is_used_by_keys_alone_and_speaks_both_languages(page):
    _look(page, mask=True)
    assert page.evaluate("document.title").startswith("Lung nodule report")
    page.press("l")
    assert page.evaluate("[document.documentElement.lang, document.title.slice(0, 5)].join()") == "zh-CN,肺结节报告"
    label = page.evaluate(_canvas("axial") + ".getAttribute('aria-label')")
    assert label == "结节 1,轴位"
    visible = page.evaluate("[...document.querySelectorAll('[lang=\"en\"]')].filter((e) => e.offsetParent).length")
    assert visible <= 1
    page.press("l")
    page.press("n")
    page.settle()
    assert page.evaluate("[...document.querySelectorAll('.nodule')].map((e) => e.hidden).join()") == "true,false"
    assert page.evaluate("document.querySelectorAll('button.pick[aria-pressed=\"true\"]').length") == 1
    page.press("p")
    page.evaluate(_canvas("axial") + ".focus()")
    before = page.evaluate("lungai.state.at[0]")
    page.press("ArrowUp")
    page.settle()
    assert page.evaluate("lungai.state.at[0]") == before + 1
    page.evaluate(_canvas("volume") + ".focus()")
    page.press("ArrowRight")
    page.settle()
    assert page.evaluate("lungai.state.azimuth") == pytest.approx(0.15, abs=0.01)
    assert page.evaluate("document.querySelector('#nodule-0 .readout').textContent").endswith(" HU")


@pytest.mark.verifies("SRS-REPORT-003")
@pytest.mark.timeout(600)
def test_the_table_sorts_by_number_and_keeps_the_selected_row(page):
    head = "document.querySelectorAll('#nodules thead th button')[2]"
    order = "[...document.querySelectorAll('#nodules tbody tr')].map((row) => row.dataset.nodule).join()"
    page.evaluate(f"{head}.click()")
    assert page.evaluate(order) == "0,1"
    page.evaluate(f"{head}.click()")
    assert page.evaluate(order) == "1,0"
    assert page.evaluate(f"{head}.parentNode.getAttribute('aria-sort')") == "ascending"


@pytest.mark.verifies("SRS-REPORT-003")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_shows_its_last_column_however_long_the_names_are(parts, browser, tmp_path, language):
    volume = parts.make_volume()
    names = ("spiculated-nodule-of-the-left-upper-lobe", "L" * 64)
    nodules = tuple(parts.nodule_of(volume, name, review_required=True) for name in names)
    report = parts.report_of(volume, nodules=nodules)
    path = write_report_html(CaseDocument(report, volume, parts.card_of()), tmp_path / "report.html")
    where = f"{path.as_uri()}#lang={language}"
    flags = browser.WITHOUT_WEBGL
    with browser.open_page(where, profile=tmp_path / "profile", flags=flags, width=1280, height=700) as opened:
        assert opened.evaluate("document.documentElement.dataset.lang") == language
        inside = "document.querySelector('.scroll')"
        assert opened.evaluate(f"{inside}.scrollWidth - {inside}.clientWidth") == 0


@pytest.mark.verifies("SRS-REPORT-002", "RC-REPORT-003")
@pytest.mark.timeout(600)
def test_the_page_asks_for_nothing_and_complains_about_nothing(page, report_file):
    page.evaluate("lungai.toggle('turn', true)")
    page.settle()
    page.evaluate("lungai.toggle('turn', false)")
    assert {url for url in page.requests if not url.startswith("data:")} == {report_file.as_uri()[:40]}
    assert page.complaints == []
