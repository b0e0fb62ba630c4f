import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungai_core.trace import KindRule, TraceConfig, load_items, read_config
from lungai_core.trace.items import parse_items

TEXT = """# A document

## UN-001 · A need · with a dot

```toml
parents = []
weight = 3
links = ["a", 'b']
```

First line
of the text.

```toml
not = "metadata"
```

<!-- a note
## UN-009 · not an item
-->

> **zh** 中文
> 第二行

**Rationale.** Because.

````
## UN-008 · in a fence
````
"""


@pytest.mark.verifies("SRS-TRACE-001")
@pytest.mark.parametrize("text", ["", "A table.\n\n| a |\n|---|\n"])
def test_a_text_without_a_heading_holds_no_item(project, text):
    assert parse_items(text, path="a.md", config=read_config(project.root)) == ((), ())


@pytest.mark.verifies("SRS-TRACE-001")
def test_an_item_is_read_with_all_its_parts(project):
    config = read_config(project.root)
    (item,), problems = parse_items(TEXT.replace("## UN-009", "UN-009"), path="a.md", config=config)
    assert problems == ()
    assert (item.item_id, item.kind, item.title) == ("UN-001", "need", "A need · with a dot")
    assert item.text == 'First line\nof the text.\n\n```toml\nnot = "metadata"\n```'
    assert item.text_zh == "中文\n第二行"
    assert item.rationale.startswith("**Rationale.** Because.")
    assert item.fields == (("links", "a, b"), ("weight", "3"))
    assert str(item.place) == "a.md:3"


@pytest.mark.verifies("SRS-TRACE-001")
def test_the_fingerprint_follows_words_and_not_white_space(project):
    before = load_items(read_config(project.root)).by_id["SRS-001"]
    project.change("items/all.md", "shall add 2 numbers", "shall\nadd   2 numbers")
    reflowed = load_items(read_config(project.root)).by_id["SRS-001"]
    project.change("items/all.md", "2 numbers", "3 numbers")
    changed = load_items(read_config(project.root)).by_id["SRS-001"]
    assert before.fingerprint == reflowed.fingerprint != changed.fingerprint
    assert before.fingerprint_zh == changed.fingerprint_zh


@pytest.mark.verifies("SRS-TRACE-001")
def test_items_are_given_by_kind_in_order(project):
    items = load_items(read_config(project.root))
    assert [item.item_id for item in items.of_kind("software")] == ["SRS-001", "SRS-002"]


CONFIG = TraceConfig(Path(), "p", (), (), (), (KindRule("need", "Need", "需求", re.compile(r"UN-\d{3}")),))


@pytest.mark.fuzz("parser of items: any text")
@pytest.mark.verifies("SRS-TRACE-001")
@given(text=st.text(alphabet=st.sampled_from('#>`-=[]"·*zhU N1\n')), block=st.booleans())
@settings(max_examples=80)
def test_no_text_makes_the_parser_raise(text, block):
    opening = "```toml\n" if block else ""
    items, _ = parse_items(f"## UN-001 · x\n{opening}{text}", path="a.md", config=CONFIG)
    assert items[0].item_id == "UN-001"
