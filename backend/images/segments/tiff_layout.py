"""The layout of a TIFF's pixels: what Pillow reads correctly, and the name of what it does not."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import TiffImagePlugin

from backend.images.segments.limits import not_read

BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, SAMPLES, PLANAR = 258, 259, 262, 266, 277, 284
EXTRA_SAMPLES, SAMPLE_FORMAT, SUBSAMPLING = 338, 339, 530
PLAIN, JPEG_COMPRESSIONS = 1, (6, 7)
READ_COMPRESSIONS = (PLAIN, 2, 3, 4, 5, *JPEG_COMPRESSIONS, 8, 32773, 32946, 34925, 50000)
COMPRESSION_NAMES = {
    34712: "JPEG 2000",
    34887: "LERC",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
UNSIGNED, FLOAT = 1, 3
TOGETHER, IN_PLANES = 1, 2
"""Values of `PLANAR`."""
REVERSE = 2
"""The order of bits that has the first one lowest."""
UNREAD_REVERSED = ((WHITE_IS_ZERO, 8), (PALETTE, 1), (PALETTE, 2), (PALETTE, 4))
"""(photometric interpretation, bits) whose reversed bits Pillow does not read uncompressed."""
ALPHA = 2
"""An extra channel by which the colours were not multiplied."""
NATIVE = {"little": b"II", "big": b"MM"}[sys.byteorder]
"""The byte order of this computer."""
READ: Mapping[tuple[int, int], tuple[int, ...]] = {
    (WHITE_IS_ZERO, UNSIGNED): (1, 2, 4, 8, 16),
    (WHITE_IS_ZERO, FLOAT): (32,),
    (BLACK_IS_ZERO, UNSIGNED): (1, 2, 4, 8, 12, 16, 32),
    (BLACK_IS_ZERO, FLOAT): (32,),
    (RGB, UNSIGNED): (8, 16),
    (PALETTE, UNSIGNED): (1, 2, 4, 8),
    (CMYK, UNSIGNED): (8, 16),
    (YCBCR, UNSIGNED): (8,),
    (LAB, UNSIGNED): (8,),
}
"""(photometric interpretation, sample format) -> bits of a channel."""
NAMES = {
    WHITE_IS_ZERO: "grey", BLACK_IS_ZERO: "grey", RGB: "RGB", PALETTE: "palette", CMYK: "CMYK",
    YCBCR: "YCbCr", LAB: "CIELab", 9: "ICCLab", 10: "ITULab", 4: "mask", 32844: "LogL",
    32845: "LogLuv",
}  # fmt: skip
FORMAT_NAMES = {2: "signed", FLOAT: "floating-point", 5: "complex", 6: "complex"}
CHANNELS = {RGB: 3, CMYK: 4, YCBCR: 3, LAB: 3}
Directory = TiffImagePlugin.ImageFileDirectory_v2


def number(directory: Directory, tag: int, default: int) -> int:
    """Return the first number of a tag, or the default where there is none."""
    value: Any = directory.get(tag, default)
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else default


def numbers(directory: Directory, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Return all numbers of a tag, or the default where it holds anything else."""
    value: Any = directory.get(tag, default)
    value = value if isinstance(value, tuple) else (value,)
    return value if all(isinstance(each, int) for each in value) else default


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The tags of a picture that say how its pixels are stored."""

    byte_order: bytes
    photometric: int
    compression: int
    bits: tuple[int, ...]
    """Bits of each channel, or one number for all."""
    kinds: tuple[int, ...]
    """The sample format of each channel."""
    samples: int
    """The number of channels."""
    planar: int
    extra: tuple[int, ...]
    """The meaning of each channel that is no colour."""
    bit_order: int
    is_subsampled: bool

    @classmethod
    def of(cls, directory: Directory) -> Layout:
        """Read the tags of a directory."""
        return cls(
            byte_order=directory.prefix,
            photometric=number(directory, PHOTOMETRIC, 0),
            compression=number(directory, COMPRESSION, PLAIN),
            bits=numbers(directory, BITS) or (1,),
            kinds=numbers(directory, SAMPLE_FORMAT, (UNSIGNED,)),
            samples=number(directory, SAMPLES, 1),
            planar=number(directory, PLANAR, TOGETHER),
            extra=numbers(directory, EXTRA_SAMPLES),
            bit_order=number(directory, FILL_ORDER, 1),
            is_subsampled=directory.get(SUBSAMPLING, (2, 2)) != (1, 1),
        )

    @property
    def kind(self) -> int:
        """The sample format of the first channel."""
        return self.kinds[0] if self.kinds else UNSIGNED

    @property
    def is_in_planes(self) -> bool:
        """True if there are several channels, each on its own."""
        return self.planar == IN_PLANES and self.samples > 1

    @property
    def is_swapped_twice(self) -> bool:
        """True if Pillow swaps the bytes of what libtiff has already unpacked and swapped."""
        is_foreign = self.byte_order != NATIVE
        return self.kind == FLOAT and self.compression != PLAIN and is_foreign

    def check(self) -> None:
        """Accept what is known to be read correctly; refuse everything else by name."""
        if self.compression not in READ_COMPRESSIONS:
            name = COMPRESSION_NAMES.get(self.compression, f"method {self.compression}")
            raise not_read(f"TIFF files compressed by {name} are")
        if self.compression in JPEG_COMPRESSIONS:
            if max(self.bits) > 8:
                raise not_read(
                    f"TIFF files that hold a JPEG of {max(self.bits)} bits a channel are"
                )
        elif not self._is_known():
            raise not_read(
                f"TIFF files of this layout ({', '.join(filter(None, self._words()))}) are"
            )

    def _is_known(self) -> bool:
        return (
            set(self.bits) <= set(READ.get((self.photometric, self.kind), ()))
            and self._pillows_key() in TiffImagePlugin.OPEN_INFO
            and not (self.is_in_planes and self.bits[0] > 8)
            and not self.is_swapped_twice
            and not self._is_misread()
            and not (self.photometric == YCBCR and self.is_subsampled)
        )

    def _words(self) -> list[str]:
        has_alpha = self.samples > CHANNELS.get(self.photometric, 1)
        is_reduced = self.photometric == YCBCR and self.bits[0] == 8
        return [
            NAMES.get(self.photometric, "unknown"),
            f"{self.bits[0]} bits a channel",
            FORMAT_NAMES.get(self.kind, ""),
            "packed, large byte first" if self.is_swapped_twice else "",
            "alpha" if has_alpha else "",
            "channels in planes" if self.is_in_planes else "",
            "bits in reverse order" if self.bit_order == REVERSE else "",
            "reduced colour" if is_reduced else "",
        ]

    def _is_misread(self) -> bool:
        """Return whether Pillow takes other planes, or their bits in another order."""
        is_plain, is_reversed = self.compression == PLAIN, self.bit_order == REVERSE
        if self.samples == 1 or self.planar == TOGETHER:
            is_unknown = (self.photometric, self.bits[0]) in UNREAD_REVERSED
            return is_plain and is_reversed and is_unknown
        if is_plain:
            is_alpha = (self.photometric, self.extra) == (RGB, (ALPHA,))
            return is_reversed or bool(self.extra and not is_alpha)
        return any(self.extra) and (self.photometric != RGB or len(self.extra) > 1)

    def _pillows_key(self) -> tuple[object, ...]:
        """Return the layout as Pillow looks it up, in a list that depends on the byte order."""
        bits, extra = self.bits, self.extra
        samples = min(self.samples, TiffImagePlugin.MAX_SAMPLESPERPIXEL + 1)
        if self.planar == IN_PLANES and extra and not any(extra):
            bits, samples, extra = bits[: -len(extra)], samples - len(extra), ()
        bits = bits * samples if len(bits) == 1 else bits[:samples]
        kinds = self.kinds[:1] if len(set(self.kinds)) == 1 else self.kinds
        return self.byte_order, self.photometric, kinds, self.bit_order, bits, extra
