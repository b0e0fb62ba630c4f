"""Generate a traced project of any size: 10 % needs, 30 % requirements, 60 % designs, 2 or 3 tests for the last two."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ITEMS_PER_FILE = 100
TESTS_PER_FILE = 100

PYPROJECT = """[tool.lungai_trace]
packages = ["pkg"]
tests = ["tests"]
items = ["items"]

[tool.lungai_trace.kinds.need]
id = 'UN-\\d{6}'

[tool.lungai_trace.kinds.software]
id = 'SRS-\\d{6}'
parents = ["need"]
verified = true
shall = true

[tool.lungai_trace.kinds.design]
id = 'SDS-\\d{6}'
parents = ["software"]
verified = true
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One generated item."""

    item_id: str
    title: str
    text: str
    parents: tuple[str, ...]
    tests: int


def rows(count: int, *, seed: int = 0) -> list[Row]:
    """Return the same items for the same count and seed, uppermost first."""
    chance = random.Random(seed)
    needs = [f"UN-{number:06d}" for number in range(count // 10)]
    software = [f"SRS-{number:06d}" for number in range(count * 3 // 10)]
    design = [f"SDS-{number:06d}" for number in range(count - len(needs) - len(software))]
    found = [Row(item_id, f"Need {item_id}", f"A user needs function {item_id}.", (), 0) for item_id in needs]
    for ids, above in ((software, needs), (design, software)):
        for item_id in ids:
            parents = tuple(sorted(chance.sample(above, k=chance.choice((1, 1, 1, 2)))))
            number = chance.randint(1, 999)
            text = f"The software shall answer request {item_id} within {number} ms and write {number % 7} records."
            found.append(Row(item_id, f"Function {item_id}", text, parents, chance.choice((2, 3))))
    return found


def write_project(root: Path, count: int, *, seed: int = 0) -> tuple[int, int]:
    """Write the project for lungai; return the numbers of tests and of links."""
    made = rows(count, seed=seed)
    (root / "items").mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "pkg").mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (root / "pkg" / "__init__.py").write_text('"""A package."""\n', encoding="utf-8")
    for start in range(0, len(made), ITEMS_PER_FILE):
        text = "".join(_markdown(row) for row in made[start : start + ITEMS_PER_FILE])
        (root / "items" / f"part{start:06d}.md").write_text(f"# Items\n\n{text}", encoding="utf-8")
    tests = [(row.item_id, number) for row in made for number in range(row.tests)]
    for start in range(0, len(tests), TESTS_PER_FILE):
        text = "".join(_test(*test) for test in tests[start : start + TESTS_PER_FILE])
        (root / "tests" / f"test_part{start:06d}.py").write_text(f"import pytest\n{text}", encoding="utf-8")
    return len(tests), len(tests) + sum(len(row.parents) for row in made)


def _markdown(row: Row) -> str:
    parents = ", ".join(f'"{parent}"' for parent in row.parents)
    block = f'parents = [{parents}]\nmethod = "test"\nstatus = "approved"'
    return f"## {row.item_id} · {row.title}\n\n```toml\n{block}\n```\n\n{row.text}\n\n"


def _test(item_id: str, number: int) -> str:
    name = item_id.lower().replace("-", "_")
    marker = f'@pytest.mark.verifies("{item_id}")'
    return f'\n\n{marker}\ndef test_{name}_{number}():\n    assert len("{name}") == {len(name)}\n'
