from __future__ import annotations

import json

import pytest

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.sbom import components, cyclonedx_json, read_soup, read_vendored, validate_cyclonedx


@pytest.fixture(scope="module")
def soup():
    listed = (
        b'[[package]]\nname = "PyTest"\nmanufacturer = "pytest-dev"\nlicence = "MIT"\npurpose = "p"\nin_device = true\n'
        b'[[package]]\nname = "not-installed"\npurpose = "p"\nin_device = true\n'
    )
    return read_soup(listed, where="soup.toml")


@pytest.mark.verifies("SRS-EVID-025")
def test_the_bill_lists_the_packages_of_the_run_and_is_valid(project, soup):
    parts = components(project, soup=soup)
    names = {part.name for part in parts}
    recorded = {
        package.name.lower().replace("_", "-").replace(".", "-") for package in project.run.environment.packages
    }
    assert names == recorded - {"sample"}
    bill = cyclonedx_json(project, parts)
    validate_cyclonedx(bill)
    content = json.loads(bill)
    assert content["specVersion"] == "1.6"
    assert len(content["components"]) == len(parts)
    assert cyclonedx_json(project, components(project, soup=soup)) == bill


@pytest.mark.verifies("SRS-EVID-025")
def test_what_a_device_component_needs_is_in_the_device_too(project, soup):
    parts = {part.name: part for part in components(project, soup=soup)}
    assert parts["pytest"].in_device
    assert "pluggy" in parts["pytest"].requires
    assert parts["pluggy"].in_device
    assert not parts["hypothesis"].in_device
    assert parts["pytest"].supplier == "pytest-dev"


@pytest.mark.verifies("SRS-EVID-025")
@pytest.mark.parametrize("change", ["bomFormat", "components"])
def test_a_bill_that_breaks_the_schema_is_refused(project, soup, change):
    content = json.loads(cyclonedx_json(project, components(project, soup=soup)))
    content[change] = "no such thing"
    with pytest.raises(EvidenceInputError, match="not valid CycloneDX"):
        validate_cyclonedx(json.dumps(content))


@pytest.mark.verifies("SRS-EVID-025")
@pytest.mark.parametrize("content", [b"\xff", b"package = 1", b"[[package]]\nversion = 1", b"x = 1"])
def test_a_soup_list_of_another_form_is_refused(content):
    with pytest.raises(EvidenceInputError, match="SOUP list"):
        read_soup(content, where="soup.toml")


VENDORED = b"""
[[vendored]]
name = "@scope/viewer"
version = "1.2.3"
purl = "pkg:npm/%40scope/viewer@1.2.3"
sha256 = "abababababababababababababababababababababababababababababababab"
manufacturer = "Somebody"
licence = "MIT"
purpose = "pictures"
in_device = true
"""


@pytest.mark.verifies("SRS-EVID-025")
def test_what_is_bundled_into_the_product_stands_in_the_bill_with_the_hash_of_its_file(project, soup):
    parts = components(project, soup=soup) + read_vendored(VENDORED, where="soup.toml")
    bill = cyclonedx_json(project, parts)
    validate_cyclonedx(bill)
    (entry,) = [each for each in json.loads(bill)["components"] if each["name"] == "@scope/viewer"]
    assert entry["purl"] == entry["bom-ref"] == "pkg:npm/%40scope/viewer@1.2.3"
    assert entry["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert entry["scope"] == "required"
    assert entry["bom-ref"] in json.loads(bill)["dependencies"][0]["dependsOn"]


@pytest.mark.verifies("SRS-EVID-025")
def test_a_bundled_component_without_a_hash_is_refused():
    assert read_vendored(b"package = []", where="soup.toml") == ()
    with pytest.raises(EvidenceInputError, match="SOUP list"):
        read_vendored(VENDORED.replace(b"sha256", b"md5"), where="soup.toml")
