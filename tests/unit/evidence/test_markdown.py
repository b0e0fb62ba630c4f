from __future__ import annotations

import pytest

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.document import Quote, Table
from lungai_core.evidence.fields import Text
from lungai_core.evidence.markdown import read_sections

ENGLISH = """# Title

Before any heading.

## First **part**

<!-- answers: SW-G.1, SW-G.2 -->

A paragraph with `code` and a [link](https://example.invalid) and snake_case.

- one
- two

| a | b |
|---|---|
| 1 | 2 |

```text
x = 1
```

### Below

Last.
"""
CHINESE = (
    ENGLISH.replace("First **part**", "第一部分")
    .replace("A paragraph with `code` and a [link](https://example.invalid) and snake_case.", "段落。")
    .replace("one", "一")
)


def read(english, chinese):
    return read_sections(english, chinese, sources=("D-001", "D-002"), where="plan.md")


@pytest.mark.verifies("SRS-EVID-032")
def test_both_languages_are_joined_block_by_block():
    first, below = read(ENGLISH, CHINESE)
    assert first.title == Text("First part", "第一部分")
    assert first.answers == ("SW-G.1", "SW-G.2")
    assert (first.level, below.level) == (1, 2)
    paragraph, one, _, table, code = first.blocks
    assert paragraph.value.text == Text("A paragraph with code and a link and snake_case.", "段落。")
    assert paragraph.value.sources == ("D-001",)
    assert (one.style, one.value.text.zh) == ("bullet", "一")
    assert isinstance(table, Table)
    assert [cell.text.en for cell in table.rows[0]] == ["1", "2"]
    assert isinstance(code, Quote)
    assert (code.style, code.value.text.en) == ("code", "x = 1")


@pytest.mark.verifies("SRS-EVID-032")
@pytest.mark.parametrize("lost", ["- two\n", "| 1 | 2 |\n", "### Below\n", "Last.\n"])
def test_a_translation_that_lacks_a_block_is_refused(lost):
    with pytest.raises(EvidenceInputError, match="differ in structure"):
        read(ENGLISH, CHINESE.replace(lost, ""))


@pytest.mark.verifies("SRS-EVID-032")
def test_a_translation_of_nothing_is_refused():
    with pytest.raises(EvidenceInputError):
        read(ENGLISH, "")
    assert read("", "") == ()
