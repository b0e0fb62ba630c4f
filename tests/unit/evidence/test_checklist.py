from __future__ import annotations

import pytest

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.checklist import read_checklist

ROW = '[[question]]\nid = "A"\nen = "Is it?"\nzh = "是吗?"\n'


def read(text):
    return read_checklist(text.encode(), where="c.toml")


@pytest.mark.verifies("SRS-EVID-038")
def test_a_question_keeps_its_texts_and_its_answer():
    (question,) = read(f'{ROW}tests = ["t.py::test_a"]\n')
    assert (question.text.zh, question.tests, question.manufacturer) == ("是吗?", ("t.py::test_a",), False)
    assert read(f"{ROW}manufacturer = true\n")[0].manufacturer


@pytest.mark.verifies("SRS-EVID-038")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (ROW, "0 answers"),
        (f"{ROW}tests = []\n", "0 answers"),
        (f'{ROW}tests = ["a"]\nmanufacturer = true\n', "2 answers"),
        (f"{ROW}manufacturer = true\n{ROW}manufacturer = true\n", "share an identifier"),
        ("question = 3", "cannot be read"),
        ('[[question]]\nid = "A"\nmanufacturer = true\n', "cannot be read"),
        ("=", "cannot be read"),
    ],
)  # fmt: skip
def test_a_checklist_with_no_or_several_answers_is_refused(text, why):
    with pytest.raises(EvidenceInputError, match=why):
        read(text)
