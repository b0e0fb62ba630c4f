"""What a network is built from: a value that fits in a plan file, a checkpoint and a model card."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import InvalidArgumentError

__all__ = [
    "DENSENET121",
    "SMALL",
    "TINY",
    "Attention",
    "ConvTrunk",
    "DenseTrunk",
    "NetSpec",
    "named_spec",
    "spec_sha256",
]

_Count = Annotated[int, Field(ge=1)]
_Channels = Annotated[int, Field(ge=2)]


class Attention(StrEnum):
    """What stands after each transition; the first two exist for the ablation.

    :implements: SRS-MODEL-002, SDS-MODEL-002
    """

    NONE = "none"
    CHANNEL = "channel"
    POSITION_CHANNEL = "position_channel"


class DenseTrunk(FrozenModel):
    """The dense blocks of MONAI's DenseNet; the defaults are those of DenseNet121.

    :implements: SRS-MODEL-001, SDS-MODEL-001

    Layers a block, stem channels, channels that each layer adds, width of its bottleneck in growth rates. The stem's
    map has half of the patch's resolution, the first block's a quarter.
    """

    kind: Literal["dense"] = "dense"
    block_config: tuple[_Count, _Count, _Count, _Count] = (6, 12, 24, 16)
    init_features: _Channels = 64
    growth_rate: _Count = 32
    bottleneck: _Count = 4

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels after the stem, after each transition, and at the end."""
        channels = [self.init_features]
        for layers in self.block_config[:-1]:
            channels.append((channels[-1] + layers * self.growth_rate) // 2)
        return (*channels, channels[-1] + self.block_config[-1] * self.growth_rate)


class ConvTrunk(FrozenModel):
    """Pairs of 3 x 3 x 3 convolutions at full (a single one), half, a quarter and an eighth of the resolution.

    :implements: SRS-MODEL-001, SDS-MODEL-001

    For small patches: it sees a nodule's edge at the patch's own resolution, and there is little to learn.
    """

    kind: Literal["conv"] = "conv"
    widths: tuple[_Channels, _Channels, _Channels, _Channels]

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels at each resolution."""
        return self.widths


class NetSpec(FrozenModel):
    """The sizes of a :class:`~lungai_core.model.net.MultitaskNet`.

    :implements: SRS-MODEL-001, SDS-MODEL-001

    Attributes
    ----------
    name
        How plans and cards call it.
    trunk
        What makes maps of the patch, three times halved or more.
    attention, channel_reduction, position_reduction
        The attention after each of the three transitions and how far its two branches narrow the channels.
    decoder_features
        Channels of the decoder.
    head_features
        Features that the malignancy head reads of the decoder, and as many again of the trunk's end.
    dropout
        Probability with which the head's dropout sets a feature to 0.
    focus_sigma_voxels
        Standard deviation of the Gaussian by which the pooling prefers the patch's centre, where the candidate is.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    trunk: Annotated[DenseTrunk | ConvTrunk, Field(discriminator="kind")]
    attention: Attention = Attention.POSITION_CHANNEL
    channel_reduction: _Count = 16
    position_reduction: _Count = 8
    decoder_features: Annotated[int, Field(ge=4, multiple_of=4)]
    head_features: _Count
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    focus_sigma_voxels: Annotated[float, Field(gt=0)] = 16.0

    @property
    def evidence_stride(self) -> int:
        """Edge of a voxel of the explanation map, in patch voxels."""
        return 4 if isinstance(self.trunk, DenseTrunk) else 2

    @property
    def features(self) -> int:
        """Length of the pooled feature vector that the malignancy head reads."""
        return 2 * self.head_features


DENSENET121 = NetSpec(name="densenet121", trunk=DenseTrunk(), decoder_features=64, head_features=128)
SMALL = NetSpec(
    name="small",
    trunk=ConvTrunk(widths=(16, 32, 64, 96)),
    channel_reduction=8,
    position_reduction=4,
    decoder_features=24,
    head_features=32,
    dropout=0.3,
    focus_sigma_voxels=5.0,
)
TINY = NetSpec(
    name="tiny",
    trunk=DenseTrunk(block_config=(1, 1, 1, 1), init_features=4, growth_rate=4, bottleneck=1),
    channel_reduction=2,
    position_reduction=2,
    decoder_features=4,
    head_features=8,
)

_NAMED = {spec.name: spec for spec in (DENSENET121, SMALL, TINY)}


def named_spec(name: str, /) -> NetSpec:
    """Return one of the specs that ship with the library.

    :implements: SRS-MODEL-001, SDS-MODEL-001

    Parameters
    ----------
    name
        ``densenet121`` (the full network), ``small`` (fits a wheel) or ``tiny`` (for tests of a set-up; learns little).

    Raises
    ------
    InvalidArgumentError
        If there is no such spec.
    """
    if name not in _NAMED:
        raise InvalidArgumentError(
            "There is no network spec of this name.",
            where=f"spec {name}",
            allowed=", ".join(sorted(_NAMED)),
            remedy="Choose one of the names, or write the spec's fields into the plan.",
        )
    return _NAMED[name]


def spec_sha256(spec: NetSpec, /) -> str:
    """Return the SHA-256 of a spec's JSON: weights belong to one spec only.

    :implements: SRS-MODEL-001, SDS-MODEL-001

    Parameters
    ----------
    spec
        The spec.
    """
    return hashlib.sha256(spec.model_dump_json().encode()).hexdigest()
