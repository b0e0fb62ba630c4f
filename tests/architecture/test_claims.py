from __future__ import annotations

import pytest

from lungai_core.evidence.wording import claims_in, numbers_in
from lungai_core.trace import load_items, read_config


@pytest.mark.verifies("SRS-EVID-006", "SRS-EVID-007")
def test_no_item_of_this_repository_claims_or_names_a_registration(repository):
    offences = [
        f"{item.place} {item.item_id}: {found}"
        for item in load_items(read_config(repository)).items
        for text in (item.title, item.text, item.text_zh, *(value for _, value in item.fields))
        for found in claims_in(text) + numbers_in(text)
    ]
    assert offences == []
