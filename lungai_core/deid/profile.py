"""A profile: which options of PS3.15 Annex E are chosen, and what the run decides beside them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, model_validator

from lungai_core.deid.secret import fingerprint
from lungai_core.deid.standard import Option, table_edition
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import ProfileError

__all__ = ["BASIC", "NAMED_PROFILES", "PixelRegion", "Profile", "load_profile", "with_options"]

_UID_ROOT = re.compile(r"2\.25|[0-2](\.(0|[1-9]\d*)){1,10}")
_ROOT_LIMIT = 24


class PixelRegion(FrozenModel):
    """A rectangle to blank in the images that match; an empty text matches everything.

    :implements: SRS-DEID-009, SDS-DEID-007
    """

    manufacturer: str = ""
    model: str = ""
    modality: str = ""
    rows: Annotated[int, Field(gt=0)]
    columns: Annotated[int, Field(gt=0)]
    top: Annotated[int, Field(ge=0)]
    left: Annotated[int, Field(ge=0)]
    height: Annotated[int, Field(gt=0)]
    width: Annotated[int, Field(gt=0)]


def _checked_root(root: str) -> str:
    if not _UID_ROOT.fullmatch(root) or len(root) > _ROOT_LIMIT:
        message = f"a UID root has digits and dots and at most {_ROOT_LIMIT} characters"
        raise ValueError(message)
    return root


class Profile(FrozenModel):
    """What de-identification does: the Basic Profile with options, and the decisions that the standard leaves open.

    :implements: SRS-DEID-003, SDS-DEID-001
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,39}$")]
    options: frozenset[Option] = frozenset()
    uid_root: Annotated[str, AfterValidator(_checked_root)] = "2.25"
    age_limit_years: Annotated[int, Field(ge=1, le=150)] | None = None
    pixel_regions: tuple[PixelRegion, ...] = ()
    extra_vocabulary: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _options_agree(self) -> Profile:
        if {Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES} <= self.options:
            message = "full dates and modified dates exclude each other"
            raise ValueError(message)
        if Option.CLEAN_VISUAL_FEATURES in self.options:
            message = "clean_recognizable_visual_features is not done by this software"
            raise ValueError(message)
        if bool(self.pixel_regions) != (Option.CLEAN_PIXEL_DATA in self.options):
            message = "clean_pixel_data and pixel_regions need each other"
            raise ValueError(message)
        return self

    def digest(self) -> str:
        """Return 16 hexadecimal digits that stand for this profile and the edition of the tables.

        :implements: SRS-DEID-010, SDS-DEID-008
        """
        content = self.model_dump(mode="json")
        content["options"] = sorted(content["options"])
        return fingerprint(json.dumps(content, sort_keys=True) + table_edition())

    def has(self, option: Option, /) -> bool:
        """Tell whether an option is chosen.

        :implements: SRS-DEID-003, SDS-DEID-001

        Parameters
        ----------
        option
            One of the options of PS3.15 Annex E.
        """
        return option in self.options


BASIC = Profile(name="basic")

NAMED_PROFILES = {
    profile.name: profile
    for profile in (
        BASIC,
        # The 18 identifiers are all removed by the Basic Profile; what is kept on top is age, sex, size and weight,
        # and an age above 89 becomes 090Y. No date and no part of a postal code is kept, so the three-digit rule has
        # nothing to do.
        Profile(
            name="hipaa-safe-harbor",
            options=frozenset({Option.RETAIN_PATIENT_CHARACTERISTICS}),
            age_limit_years=89,
        ),
        # GB/T 35273 asks that what restores identity is kept apart from the data: the secret is that, and it is never
        # written.
        Profile(
            name="gbt-35273",
            options=frozenset({Option.RETAIN_PATIENT_CHARACTERISTICS, Option.RETAIN_MODIFIED_DATES}),
            age_limit_years=89,
        ),
        Profile(
            name="research-longitudinal",
            options=frozenset(
                {
                    Option.RETAIN_PATIENT_CHARACTERISTICS,
                    Option.RETAIN_MODIFIED_DATES,
                    Option.RETAIN_DEVICE_IDENTITY,
                    Option.RETAIN_SAFE_PRIVATE,
                    Option.CLEAN_DESCRIPTORS,
                    Option.CLEAN_STRUCTURED_CONTENT,
                    Option.CLEAN_GRAPHICS,
                }
            ),
        ),
    )
}


def load_profile(name_or_file: str | Path, /) -> Profile:
    """Return a named profile, or read one from a TOML file.

    :implements: SRS-DEID-003, SDS-DEID-001

    Parameters
    ----------
    name_or_file
        ``basic``, ``hipaa-safe-harbor``, ``gbt-35273``, ``research-longitudinal``, or the path of a TOML file with the
        fields of :class:`Profile`.

    Returns
    -------
    Profile
        The profile.

    Raises
    ------
    ProfileError
        If there is no such profile, or the file is not one.
    """
    named = NAMED_PROFILES.get(str(name_or_file))
    if named is not None:
        return named
    path = Path(name_or_file)
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        return Profile.model_validate_json(json.dumps(fields))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        reason = (
            "; ".join(
                f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
            )
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise ProfileError(
            f"The de-identification profile cannot be used ({reason}).",
            where=str(path),
            allowed=f"one of {', '.join(sorted(NAMED_PROFILES))}, or a TOML file with the fields of a profile",
            remedy="Correct the name or the file; the manual's page on de-identification lists the fields.",
        ) from error


def with_options(profile: Profile, names: tuple[str, ...], /) -> Profile:
    """Return a profile with further options.

    :implements: SRS-DEID-003, SDS-DEID-001

    Parameters
    ----------
    profile
        The profile to start from.
    names
        Names of options as in :class:`lungai_core.deid.standard.Option`.

    Returns
    -------
    Profile
        The same profile where there are no names, else one with ``+`` behind its name.

    Raises
    ------
    ProfileError
        If an option is unknown, or excludes another.
    """
    if not names:
        return profile
    try:
        options = profile.options | {Option(name) for name in names}
        return Profile.model_validate({**profile.model_dump(), "name": f"{profile.name} +", "options": options})
    except ValueError as error:
        raise ProfileError(
            "An option does not exist, or two options exclude each other.",
            where=", ".join(names),
            allowed=", ".join(option.value for option in Option),
            remedy="Correct the option; clean_pixel_data needs the regions of a profile file.",
        ) from error
