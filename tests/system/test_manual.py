"""Every code fence of the manual and of the README is run, in a folder of its own, and gives what the page shows."""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from functools import partial
from pathlib import Path
from unittest import SkipTest

import pytest
from sybil import Document, Region
from sybil.parsers.abstract.lexers import LexerCollection
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer
from sybil.parsers.markdown.skip import SkipParser
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from lungai_core import InferenceEngine, analyze_case, bundled_pack, open_pack, read_ct_series
from lungai_core.testing.phantom import PhantomNodule, PhantomSpec, make_phantom
from lungai_core.testing.series import write_candidates, write_phantom_series

pytest.importorskip("onnxruntime", reason="the manual runs a model: extra [inference]")

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (REPOSITORY / "README.md", REPOSITORY / "SECURITY.md", *(REPOSITORY / "docs").rglob("*.md"))
)
# A fence that is not run says why in a comment above it; here is how many of them a page has.
NOT_RUN = {
    "README.md": 2,
    "docs/how_to/evidence_run.md": 2,
    "docs/reference/deid.md": 1,
    "docs/reference/evidence.md": 3,
    "docs/reference/explain.md": 1,
    "docs/reference/training.md": 1,
    "docs/tutorials/first_run.md": 1,
    "docs/tutorials/trace.md": 1,
    "docs/zh.md": 2,
}
# What a fence may be written in: run, read, or shown as it is.
SHELLS = ("sh", "shell", "bash")
RUN = {"python", "console", *SHELLS}
READ = {"json", "toml"}
SHOWN = {"text", "markdown"}

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
CHECKER = doctest.OutputChecker()
INFO = re.compile(r"^ *(?:>\s*)*```+ *(?P<info>[^`\s][^`\n]*)$", re.MULTILINE)


GIT_NAMES = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")


class Shell:
    """A bash that remembers its folder from one fence to the next."""

    def __init__(self, folder):
        self.home = folder
        self.folder = folder
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
        committer = {f"GIT_{name}": "reader@example.org" for name in GIT_NAMES}
        self.environment = (
            inherited
            | committer
            | {
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
                "HOME": str(folder),
                "COLUMNS": "120",
                "NO_COLOR": "1",
                "LC_ALL": "C.UTF-8",
                "GIT_CONFIG_GLOBAL": os.devnull,
            }
        )

    def run(self, commands):
        place = self.home / ".place"
        script = f"set -euo pipefail\ntrap 'pwd > {place}' EXIT\n{commands}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.folder = Path(place.read_text().strip())
        place.unlink()
        return done.returncode, done.stdout


def _shell(example):
    code, output = example.namespace["shell"].run(example.parsed)
    os.chdir(example.namespace["shell"].folder)
    return f"exit code {code}\n{output}" if code else None


def _console(example):
    for part in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        more = next((n for n, line in enumerate(lines) if n and not line.startswith("> ")), len(lines))
        command = "".join(line.removeprefix("> ") for line in lines[:more])
        code, output = example.namespace["shell"].run(command)
        wanted = "".join(lines[more:])
        if code or not CHECKER.check_output(wanted, output, FLAGS):
            return f"$ {command}exit code {code}, wanted:\n{wanted}\ngot:\n{output}"
    os.chdir(example.namespace["shell"].folder)
    return None


def _toml(example):
    tomllib.loads(example.parsed)


def _json(example):
    json.loads(example.parsed)


def _file(example):
    name, text = example.parsed
    path = example.namespace["shell"].folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _given(example):
    example.namespace["give"](example.parsed)


def saved_under_its_caption(parser):
    """Take a ``code-block`` with a caption for a file that the reader saves under that name."""

    def parse(document):
        for region in parser(document):
            name = region.lexemes.get("options", {}).get("caption")
            if name:
                region.parsed, region.evaluator = (name, str(region.lexemes["source"])), _file
            yield region

    return parse


def givens(document):
    """Find ``<!--- given: NAME -->``: what the reader has from a page before this one."""
    for region in LexerCollection([DirectiveInHTMLCommentLexer("given")])(document):
        yield Region(region.start, region.end, region.lexemes["arguments"].strip(), _given)


PARSERS = (
    SkipParser(),
    givens,
    saved_under_its_caption(PythonCodeBlockParser(doctest_optionflags=FLAGS)),
    *(CodeBlockParser(name, _shell) for name in SHELLS),
    CodeBlockParser("console", _console),
    saved_under_its_caption(CodeBlockParser("toml", _toml)),
    saved_under_its_caption(CodeBlockParser("json", _json)),
)


# Folders that several pages begin with, each made once by the commands of a reader; what it needs, what it brings.
MADE_BY = {
    "lungai-demo": "lungai demo",
    "greeting-device": """
        mkdir greeting-device && cd greeting-device && git init -q && lungai trace init
        printf 'build/\\n__pycache__/\\n' > .gitignore
        git add -A && git commit -qm "First trace"
        pytest -q -p no:cacheprovider --trace-record --trace-tester "Test Person"
        """,
    "document-set": """
        cd greeting-device
        lungai evidence keygen --out ../keys
        lungai evidence build --run build/trace/record.json --out ../document-set --key ../keys/evidence.key
        """,
}
NEEDS = {"document-set": ("greeting-device",)}
BRINGS = {"document-set": ("document-set", "keys")}


class Shelf:
    """Makes a folder when a page first asks for it, and gives each page a copy; processes of one run share it."""

    def __init__(self, folder):
        self.folder = folder

    def make(self, name):
        for needed in NEEDS.get(name, ()):
            self.make(needed)
        done = self.folder / f"{name}.done"
        try:
            (self.folder / f"{name}.begun").mkdir(parents=True)
        except FileExistsError:
            while not done.exists():  # another process makes it; pytest's time limit ends a wait for one that died
                time.sleep(0.2)
            return
        code, output = Shell(self.folder).run(MADE_BY[name])
        done.write_text(output if code else "", encoding="utf-8")

    def take(self, name, target):
        self.make(name)
        failed = (self.folder / f"{name}.done").read_text(encoding="utf-8")
        assert not failed, failed
        for brought in BRINGS.get(name, (name,)):
            shutil.copytree(self.folder / brought, target / brought)


def give_case(folder, namespace):
    """Give a small series in ``ct``, its ``candidates.json``, and both as values."""
    nodule = PhantomNodule(nodule_id="n1", center_lps_mm=(-80.0, 5.0, 10.0), diameter_mm=14.0)
    spec = PhantomSpec(shape_zyx=(40, 128, 128), spacing_zyx_mm=(6.0, 2.7, 2.7), nodules=(nodule,))
    phantom = make_phantom(spec)
    write_phantom_series(phantom, folder / "ct")
    write_candidates(phantom, folder / "candidates.json")
    namespace |= {"volume": read_ct_series(folder / "ct"), "candidates": phantom.candidates}


def give_report(folder, namespace):
    """Give a case and its report."""
    if "volume" not in namespace:
        give_case(folder, namespace)
    with InferenceEngine.open(open_pack(bundled_pack())) as engine:
        namespace["report"] = analyze_case(namespace["volume"], namespace["candidates"], engine=engine)


VALUES = {"case": give_case, "report": give_report}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    return Shelf((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shelf")


@pytest.mark.verifies("SRS-ERR-009")
@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs_and_gives_what_the_page_shows(page, shelf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = Document.parse(str(REPOSITORY / page), *PARSERS)
    give_values = {name: partial(give, tmp_path, document.namespace) for name, give in VALUES.items()}
    document.namespace |= {
        "shell": Shell(tmp_path),
        "give": lambda name: give_values[name]() if name in give_values else shelf.take(name, tmp_path),
        "PAGE": str(REPOSITORY / page),
    }
    not_run = []
    for example in document:
        try:
            example.evaluate()
        except SkipTest as reason:
            not_run.append(str(reason))
    assert all(not_run), "a fence that is not run says why"
    assert len(not_run) == NOT_RUN.get(page, 0)


@pytest.mark.verifies("SRS-ERR-009")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_fence_that_nothing_looks_at(page):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    found = {match["info"].strip() for match in INFO.finditer(text)}
    code = {info.removeprefix("{code-block} ") for info in found if not info.startswith("{") or "code-block" in info}
    assert code - RUN - READ - SHOWN == set()
