from __future__ import annotations

import re
import tomllib

import pytest


def _declared(project):
    groups = {"base": project["dependencies"], **project["optional-dependencies"]}
    for extra, requirements in groups.items():
        for requirement in requirements:
            parts = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[.*\])?\s*([^;]*?)\s*(?:;.*)?", requirement)
            name, version_range = parts.groups()
            if name != "lungai-core":
                yield name.lower(), extra, version_range


@pytest.fixture(scope="module")
def soup(repository):
    return tomllib.loads((repository / "design" / "soup.toml").read_text(encoding="utf-8"))["package"]


@pytest.mark.verifies("SRS-ERR-004")
def test_the_soup_list_names_the_packages_and_ranges_of_pyproject(repository, soup):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted((row["name"], row["extra"], row["range"]) for row in soup) == sorted(_declared(project))


@pytest.mark.verifies("SRS-ERR-004")
def test_every_soup_row_states_purpose_licence_manufacturer_and_anomalies(soup):
    fields = ("purpose", "licence", "manufacturer", "anomalies", "anomalies_read")
    assert [row["name"] for row in soup if not all(row[field] for field in fields)] == []


@pytest.mark.verifies("SRS-ERR-004")
def test_no_package_that_runs_with_the_device_is_under_the_gpl(soup):
    run_time = [row for row in soup if row["extra"] not in {"test", "docs", "dev", "bench"}]
    assert [row["name"] for row in run_time if re.search(r"\bA?GPL", row["licence"])] == []
