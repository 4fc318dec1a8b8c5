"""The layout of a TIFF's pixels: what Pillow reads correctly, and the name of what it does not."""

from __future__ import annotations

import sys
from collections.abc import Mapping
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


class Layout:
    """The tags of a picture that say how its pixels are stored."""

    def __init__(self, directory: Directory) -> None:
        self.photometric = number(directory, PHOTOMETRIC, 0)
        self.samples = number(directory, SAMPLES, 1)
        """The number of channels."""
        self.bits = numbers(directory, BITS) or (1,)
        """Bits of each channel, or one number for all."""
        self._kinds = numbers(directory, SAMPLE_FORMAT, (UNSIGNED,))
        self._kind = self._kinds[0] if self._kinds else UNSIGNED
        self._extra = numbers(directory, EXTRA_SAMPLES)
        """The meaning of each channel that is no colour."""
        self._planar = number(directory, PLANAR, TOGETHER)
        self._is_in_planes = self._planar == IN_PLANES and self.samples > 1
        self._compression = number(directory, COMPRESSION, PLAIN)
        self._is_plain = self._compression == PLAIN
        self._bit_order = number(directory, FILL_ORDER, 1)
        self._byte_order = directory.prefix
        # Pillow swaps the bytes of what libtiff has already unpacked and swapped.
        is_foreign = directory.prefix != NATIVE
        self._is_swapped_twice = self._kind == FLOAT and not self._is_plain and is_foreign
        self._is_subsampled = directory.get(SUBSAMPLING, (2, 2)) != (1, 1)

    def check(self) -> None:
        """Accept what is known to be read correctly; refuse everything else by name."""
        if self._compression not in READ_COMPRESSIONS:
            name = COMPRESSION_NAMES.get(self._compression, f"method {self._compression}")
            raise not_read(f"TIFF files compressed by {name} are")
        if self._compression in JPEG_COMPRESSIONS:
            if max(self.bits) > 8:
                raise not_read(
                    f"TIFF files that hold a JPEG of {max(self.bits)} bits a channel are"
                )
        elif not self._is_known():
            raise not_read(f"TIFF files of this layout ({self._in_words()}) are")

    def _is_known(self) -> bool:
        return (
            set(self.bits) <= set(READ.get((self.photometric, self._kind), ()))
            and self._pillows_key() in TiffImagePlugin.OPEN_INFO
            and not (self._is_in_planes and self.bits[0] > 8)
            and not self._is_swapped_twice
            and not self._is_misread()
            and not (self.photometric == YCBCR and self._is_subsampled)
        )

    def _in_words(self) -> str:
        has_alpha = self.samples > CHANNELS.get(self.photometric, 1)
        is_reduced = self.photometric == YCBCR and self.bits[0] == 8
        words = [
            NAMES.get(self.photometric, "unknown"),
            f"{self.bits[0]} bits a channel",
            FORMAT_NAMES.get(self._kind, ""),
            "packed, large byte first" if self._is_swapped_twice else "",
            "alpha" if has_alpha else "",
            "channels in planes" if self._is_in_planes else "",
            "bits in reverse order" if self._bit_order == REVERSE else "",
            "reduced colour" if is_reduced else "",
        ]
        return ", ".join(filter(None, words))

    def _is_misread(self) -> bool:
        """Return whether Pillow takes other planes, or their bits in another order."""
        is_reversed = self._bit_order == REVERSE
        if self.samples == 1 or self._planar == TOGETHER:
            is_unknown = (self.photometric, self.bits[0]) in UNREAD_REVERSED
            return self._is_plain and is_reversed and is_unknown
        if self._is_plain:
            is_alpha = (self.photometric, self._extra) == (RGB, (ALPHA,))
            return is_reversed or bool(self._extra and not is_alpha)
        return any(self._extra) and (self.photometric != RGB or len(self._extra) > 1)

    def _pillows_key(self) -> tuple[object, ...]:
        """Return the layout as Pillow looks it up, in a list that depends on the byte order."""
        bits, extra = self.bits, self._extra
        samples = min(self.samples, TiffImagePlugin.MAX_SAMPLESPERPIXEL + 1)
        if self._planar == IN_PLANES and extra and not any(extra):
            bits, samples, extra = bits[: -len(extra)], samples - len(extra), ()
        bits = bits * samples if len(bits) == 1 else bits[:samples]
        kinds = self._kinds[:1] if len(set(self._kinds)) == 1 else self._kinds
        return self._byte_order, self.photometric, kinds, self._bit_order, bits, extra
