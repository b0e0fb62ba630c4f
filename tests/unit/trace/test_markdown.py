import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reqif.parser import ReqIFParser
from reqif.unparser import ReqIFUnparser

from lungai_core.cli.app import main
from lungai_core.errors import ExchangeError
from lungai_core.trace import KindRule, Place, TraceConfig, full_matrix, load_graph, load_items, read_config
from lungai_core.trace.exchange.documents import items_from_front_matter, items_from_sdoc
from lungai_core.trace.exchange.markdown import items_markdown, make_item
from lungai_core.trace.exchange.needs import items_from_needs_json, junit_xml, needs_json
from lungai_core.trace.exchange.reqif import items_from_reqif, reqif_xml
from lungai_core.trace.exchange.tables import items_csv, items_from_csv, items_from_xlsx, matrix_xlsx
from lungai_core.trace.items import parse_items
from lungai_core.trace.record import Attempt, Outcome, TestResult

TIME = "2026-11-22T00:00:00+00:00"
CONFIG = TraceConfig(Path(), "p", (), (), (), (KindRule("software", "S", "S", re.compile(r"SRS-\d{3}")),))


def bare(items):
    return [replace(item, place=Place("", 1), end_line=1) for item in items]


def by_markdown(items):
    return parse_items(items_markdown(items, title="All"), path="", config=CONFIG)[0]


def by_reqif(items):
    return items_from_reqif(reqif_xml(items, project="p", exported_at=TIME), CONFIG)


ROUND_TRIPS = {
    "markdown": by_markdown,
    "csv": lambda items: items_from_csv(items_csv(items), CONFIG),
    "needs": lambda items: items_from_needs_json(needs_json(items, project="p", version="1"), CONFIG),
    "reqif": by_reqif,
}

SIGNS = st.sampled_from("abcß漢 <&\"'%{}\\;,.-|")
WORDS = st.text(SIGNS, min_size=1, max_size=12).map(lambda text: " ".join(text.split()) or "x")
LINES = st.lists(WORDS, min_size=1, max_size=3).map("\n".join)


@st.composite
def item_sets(draw):
    ids = [f"SRS-{number:03d}" for number in range(draw(st.integers(1, 4)))]
    fields = st.dictionaries(st.sampled_from(["cause", "severity"]), WORDS, max_size=2)
    return [
        make_item(
            CONFIG,
            item_id,
            title=draw(WORDS),
            text=draw(LINES),
            parents=draw(st.lists(st.sampled_from(ids), unique=True, max_size=2)),
            more={
                "text_zh": draw(st.just("") | LINES),
                "rationale": draw(st.just("") | LINES.map(lambda text: f"**Rationale.** {text}")),
                "method": draw(st.sampled_from(["", "test"])),
                "status": draw(st.sampled_from(["", "approved"])),
                "implemented_by": draw(st.sampled_from(["", "a.toml, b.toml"])),
                **draw(fields),
            },
        )
        for item_id in ids
    ]


@pytest.mark.verifies("SRS-TRACE-016")
@pytest.mark.parametrize("form", ROUND_TRIPS)
@given(items=item_sets())
@settings(max_examples=25, deadline=None)
def test_every_set_of_items_survives_the_way_there_and_back(form, items):
    assert bare(ROUND_TRIPS[form](items)) == bare(items)


@pytest.mark.verifies("SRS-TRACE-016")
def test_the_reqif_library_reads_and_writes_our_file_without_loss(project):
    config = read_config(project.root)
    items = load_items(config).items
    ours = reqif_xml(items, project="p", exported_at=TIME)
    theirs = ReqIFUnparser.unparse(ReqIFParser.parse_from_string(ours))
    assert bare(items_from_reqif(theirs, config)) == bare(items)
    assert ReqIFUnparser.unparse(ReqIFParser.parse_from_string(theirs)) == theirs


@pytest.mark.verifies("SRS-TRACE-016")
def test_a_workbook_has_the_same_bytes_twice_and_its_items_are_read_back(project, tmp_path):
    config = read_config(project.root)
    matrix = full_matrix(load_graph(config), None)
    one, two = (matrix_xlsx(matrix, tmp_path / name) for name in ("a.xlsx", "b.xlsx"))
    assert one.read_bytes() == two.read_bytes()
    items = items_from_xlsx(one, config)
    assert [(item.item_id, item.text, item.parents) for item in items] == [
        (item.item_id, item.text, item.parents) for item in matrix.graph.items.items
    ]


SDOC = """[DOCUMENT]
TITLE: Doc

[[SECTION]]
TITLE: Part

[REQUIREMENT]
UID: SRS-001
STATUS: Active
TITLE: First
STATEMENT: >>>
The system shall work
in 2 lines.
<<<
RATIONALE: Because.
RELATIONS:
- TYPE: Parent
  VALUE: SRS-002
- TYPE: File
  VALUE: x.py

[REQUIREMENT]
UID: SRS-002
STATEMENT: One line.

[[/SECTION]]
"""


@pytest.mark.verifies("SRS-TRACE-016")
def test_strictdoc_is_read():
    first, second = items_from_sdoc(SDOC, CONFIG)
    assert (first.item_id, first.title, first.parents) == ("SRS-001", "First", ("SRS-002",))
    assert first.text == "The system shall work\nin 2 lines."
    assert (first.rationale, first.status, second.text) == ("Because.", "Active", "One line.")


@pytest.mark.verifies("SRS-TRACE-016")
def test_doorstop_front_matter_and_foreign_tables_are_read(project, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / ".doorstop.yml").write_text("settings:\n  prefix: SRS\n", encoding="utf-8")
    text = "active: true\nlinks:\n- UN-001: abc\ntext: |\n  It shall.\nheader: ''\n"
    (tree / "SRS-001.yml").write_text(text, encoding="utf-8")
    (tree / "SRS-002.yml").write_text("active: false\nlinks: []\ntext: Old.\nheader: Gone\n", encoding="utf-8")
    out = tmp_path / "out.md"
    root = ["--root", str(project.root)]
    assert main(["trace", "import", "doorstop", str(tree), "--out", str(out), *root]) == 0
    items, problems = parse_items(out.read_text(encoding="utf-8"), path="out.md", config=read_config(project.root))
    assert [(item.item_id, item.parents, item.status) for item in items] == [
        ("SRS-001", ("UN-001",), ""),
        ("SRS-002", (), "obsolete"),
    ]
    assert problems == ()
    assert main(["trace", "import", "doorstop", str(tree), "--out", str(out), *root]) == 6
    text = "---\nitemId: SRS-003\nitemTitle: T\nitemFulfills: UN-001, UN-002\nowner: me\n---\n\nIt shall.\n"
    (item,) = items_from_front_matter(text, CONFIG, name="a.md")
    assert (item.parents, item.text, item.fields) == (("UN-001", "UN-002"), "It shall.", (("owner", "me"),))
    (item,) = items_from_csv("\ufeffReq ID,Description,Parent,Owner\nSRS-004,It shall.,UN-001;UN-002,me\n,,,\n", CONFIG)
    assert (item.item_id, item.parents, item.fields) == ("SRS-004", ("UN-001", "UN-002"), (("owner", "me"),))


@pytest.mark.verifies("SRS-TRACE-016")
@pytest.mark.parametrize(
    "read",
    [
        lambda: items_from_csv("", CONFIG),
        lambda: items_from_csv("a,b\n1,2\n", CONFIG),
        lambda: items_from_needs_json("{}", CONFIG),
        lambda: items_from_reqif("<x", CONFIG),
        lambda: items_from_front_matter("no", CONFIG, name="a"),
        lambda: items_from_front_matter("---\ntitle: x\n---\n", CONFIG, name="a"),
        lambda: items_from_front_matter("---\n- x\n---\n", CONFIG, name="a"),
        lambda: items_from_front_matter("---\n{\n---\n", CONFIG, name="a"),
    ],
)
def test_a_damaged_file_is_refused(read):
    with pytest.raises(ExchangeError):
        read()


@pytest.mark.verifies("SRS-TRACE-016")
def test_junit_names_ids_exact_outcomes_and_earlier_attempts(run_record):
    attempt = Attempt(Outcome.CRASHED, 0.1, 'a"<')
    crashed = TestResult("t.py::c[\x00<]", ("SRS-001",), Outcome.CRASHED, (attempt,), message='a"<')
    attempts = (Attempt(Outcome.FAILED, 0.1, "first"), Attempt(Outcome.PASSED, 0.1))
    flaky = TestResult("t.py::f", ("SRS-001", "RC-001"), Outcome.FLAKY, attempts)
    skipped = TestResult("t.py::s", (), Outcome.NOT_IN_RUN)
    tree = ET.fromstring(junit_xml(replace(run_record, results=(crashed, flaky, skipped))))  # noqa: S314 - our own
    cases = {case.get("name"): case for case in tree.iter("testcase")}
    assert [entry.get("value") for entry in cases["f"].iter("property")] == ["flaky", "SRS-001", "RC-001"]
    assert cases["f"].findtext("system-out") == "failed: first\n"
    assert cases["c[<]"].find("failure").get("message") == 'crashed: a"<'
    assert cases["s"].find("skipped").get("message") == "not in run"


@pytest.mark.verifies("SRS-TRACE-016", "SRS-TRACE-009")
@pytest.mark.parametrize("form", ["csv", "markdown", "needs", "reqif", "xlsx"])
def test_the_export_command_writes_each_format(project, tmp_path, form):
    out = tmp_path / "out"
    assert main(["trace", "export", form, "--out", str(out), "--root", str(project.root)]) == 0
    assert out.stat().st_size > 500
    if form in {"csv", "needs", "reqif"}:
        back = tmp_path / "back.md"
        assert main(["trace", "import", form, str(out), "--out", str(back), "--root", str(project.root)]) == 0
        assert "## SRS-002 · Refusal" in back.read_text(encoding="utf-8")


@pytest.mark.verifies("SRS-TRACE-016")
def test_junit_needs_a_run(project, tmp_path):
    assert main(["trace", "export", "junit", "--out", str(tmp_path / "j"), "--root", str(project.root)]) == 3
    assert not (tmp_path / "j").exists()
