from __future__ import annotations

import hashlib
import json
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
def listed(repository):
    return tomllib.loads((repository / "design" / "soup.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def soup(listed):
    return listed["package"]


@pytest.mark.verifies("SRS-ERR-004")
def test_the_soup_list_names_the_packages_and_ranges_of_pyproject(repository, soup):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted((row["name"], row["extra"], row["range"]) for row in soup) == sorted(_declared(project))


@pytest.mark.verifies("SRS-ERR-004")
def test_every_soup_row_states_purpose_licence_manufacturer_and_anomalies(soup, listed):
    fields = ("purpose", "licence", "manufacturer", "anomalies", "anomalies_read")
    assert [row["name"] for row in soup + listed["vendored"] if not all(row[field] for field in fields)] == []


@pytest.mark.verifies("SRS-ERR-004")
def test_no_package_that_runs_with_the_device_is_under_the_gpl(soup, listed):
    run_time = [row for row in soup if row["extra"] not in {"test", "docs", "dev", "bench"}] + listed["vendored"]
    assert [row["name"] for row in run_time if re.search(r"\bA?GPL", row["licence"])] == []


@pytest.mark.verifies("SRS-ERR-004", "RC-REPORT-003")
def test_what_is_bundled_is_the_file_that_the_list_names_with_its_licences(repository, listed):
    for row in listed["vendored"]:
        bundle = repository / row["file"]
        assert hashlib.sha256(bundle.read_bytes()).hexdigest() == row["sha256"], row["name"]
        licences = (bundle.parent / "LICENCES.txt").read_text(encoding="utf-8")
        assert f"{row['name']} {row['version']} (" in licences
        locked = json.loads((bundle.parent / "package-lock.json").read_bytes())["packages"]
        assert locked[f"node_modules/{row['name']}"]["version"] == row["version"]
    texts = {(repository / row["file"]).parent / "LICENCES.txt" for row in listed["vendored"]}
    titles = [line for path in texts for line in path.read_text(encoding="utf-8").splitlines() if " (" in line]
    named = {row["name"] for row in listed["vendored"]}
    heads = [line.split()[0] for line in titles if re.fullmatch(r"\S+ \d+\.\d+\.\d+ \(.+\)", line)]
    assert sorted(heads) == sorted(named)
