from __future__ import annotations

import shutil
import subprocess

import pytest

PLACES = (
    "requirements/srs/{}.md",
    "design/sds/{}.md",
    "verification/protocols/{}.md",
    "docs/reference/{}.md",
    "tests/unit/{}",
)


# What the user fixed, and what a repository needs beside it.
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "design",
    "docs",
    "lungai_core",
    "pyproject.toml",
    "requirements",
    "risk",
    "tests",
    "tox.ini",
    "verification",
}


@pytest.fixture(scope="module")
def areas(repository):
    return sorted(
        folder.name
        for folder in (repository / "lungai_core").iterdir()
        if any(path.name != "__init__.py" for path in folder.glob("*.py"))
    )


@pytest.mark.verifies("SRS-ERR-006")
def test_every_area_has_its_six_places(repository, areas):
    expected = [place.format(area) for area in areas for place in PLACES]
    assert [place for place in expected if not (repository / place).exists()] == []


@pytest.mark.verifies("SRS-ERR-006")
def test_no_document_or_test_folder_stands_for_an_area_that_does_not_exist(repository, areas):
    folders = ("requirements/srs", "design/sds", "verification/protocols")
    documents = {path.stem for folder in folders for path in (repository / folder).glob("*.md")}
    tests = {path.name for path in (repository / "tests" / "unit").iterdir() if list(path.glob("*.py"))}
    assert (documents | tests) - set(areas) == set()


@pytest.mark.verifies("SRS-ERR-006")
def test_every_unit_test_module_mirrors_a_module_of_its_area(repository, areas):
    strays = []
    for area in areas:
        modules = {path.stem for path in (repository / "lungai_core" / area).rglob("*.py")}
        for path in (repository / "tests" / "unit" / area).rglob("test_*.py"):
            subject = path.stem.removeprefix("test_")
            if not {subject, subject.removeprefix(f"{area}_")} & (modules | {area}):
                strays.append(str(path.relative_to(repository)))
    assert strays == []


@pytest.mark.verifies("SRS-ERR-006")
def test_the_top_level_of_the_repository_is_the_fixed_one(repository):
    git = shutil.which("git")
    if git is None or not (repository / ".git").exists():
        pytest.skip("not a git checkout: an installed or copied tree has other files too")
    tracked = subprocess.run([git, "ls-files"], cwd=repository, check=True, capture_output=True, text=True).stdout
    assert {line.split("/")[0].strip('"') for line in tracked.splitlines()} == TOP_LEVEL
