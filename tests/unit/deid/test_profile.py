from __future__ import annotations

import pytest

from lungai_core.deid.profile import BASIC, NAMED_PROFILES, load_profile, with_options
from lungai_core.deid.standard import Option
from lungai_core.errors import ProfileError


@pytest.mark.verifies("SRS-DEID-003")
def test_a_named_profile_is_found():
    assert {load_profile(name).name for name in NAMED_PROFILES} == set(NAMED_PROFILES)
    assert load_profile("basic") is BASIC


@pytest.mark.verifies("SRS-DEID-003")
def test_a_profile_file_is_read(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text('name = "site"\noptions = ["retain_device_identity"]\nuid_root = "1.2.826.0.1"\n', encoding="utf-8")
    profile = load_profile(path)
    assert profile.options == {Option.RETAIN_DEVICE_IDENTITY}
    assert profile.digest() != BASIC.digest()


@pytest.mark.verifies("SRS-DEID-003")
@pytest.mark.parametrize(
    "text",
    [
        'name = "x"\noptions = ["retain_everything"]',
        'name = "x"\noptions = ["retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"]',
        'name = "x"\noptions = ["clean_recognizable_visual_features"]',
        'name = "x"\noptions = ["clean_pixel_data"]',
        'name = "x"\nuid_root = "a.b"',
        'name = "x"\nuid_root = "1.2.826.0.1.3680043.10.999999.1"',
        'name = "x"\nunknown = 1',
        "name = ",
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(tmp_path, text):
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError):
        load_profile(path)


@pytest.mark.verifies("SRS-DEID-003")
def test_options_are_added_and_their_conflicts_refused():
    more = with_options(BASIC, ("retain_uids",))
    assert more.has(Option.RETAIN_UIDS)
    assert with_options(BASIC, ()) is BASIC
    with pytest.raises(ProfileError):
        with_options(more, ("retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"))
    with pytest.raises(ProfileError):
        with_options(BASIC, ("nonsense",))
    with pytest.raises(ProfileError):
        load_profile("no-such-profile")
