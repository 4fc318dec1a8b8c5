"""Files of at most 32 MiB that were made to cost a decoder far more than their size."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

LIMIT = 32 * 2**20
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True)
class HostileFile:
    """One attack."""

    name: str
    make: Callable[[], bytes]
    first_version: str = ""
    """The measured cost of such a request before files were walked."""
    is_ended: bool = False
    """True if the limit of the decoding process ends it, as for BMP runs."""

    def __str__(self) -> str:
        return self.name


def segment(marker: int, content: bytes) -> bytes:
    """Make a JPEG segment with its length."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def small_jpeg() -> bytes:
    """Make an ordinary JPEG."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (180, 90, 40)).save(buffer, "JPEG")
    return buffer.getvalue()


def jpeg_with(*parts: bytes) -> bytes:
    """Put segments in front of an ordinary JPEG's own."""
    plain = small_jpeg()
    return b"".join((plain[:2], *parts, plain[2:]))


def jpeg_of_scans(scans: int, *, side: int = 4096) -> bytes:
    """Make a progressive grey JPEG: each scan of a few bytes leaves all blocks as they are.

    One block's answer has one bit in the first scan; in the others, a code for runs of up to
    32,767 blocks covers the picture.
    """
    blocks = (side // 8) ** 2
    runs, rest = divmod(blocks, 32767)
    bits = ("0" + "1" * 14) * runs
    exponent = rest.bit_length() - 1
    if rest:
        bits += "10" + f"{rest - 2**exponent:0{exponent}b}"[: exponent or 0]
    ac = _bytes_from_bits(bits)
    codes = bytes((0xE0, exponent << 4)) if rest else bytes((0xE0,))
    lengths = bytes((1, len(codes) - 1, *[0] * 14))
    scan = segment(0xDA, bytes((1, 1, 0x00, 1, 63, 0))) + ac
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xDB, bytes(1) + bytes([1] * 64)),
            segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + bytes((1, 0x11, 0))),
            segment(0xC4, bytes((0x00, 1, *[0] * 15, 0))),
            segment(0xC4, bytes((0x10,)) + lengths + codes),
            segment(0xDA, bytes((1, 1, 0x00, 0, 0, 0))) + bytes(-(-blocks // 8)),
            scan * scans,
            b"\xff\xd9",
        )
    )


def _bytes_from_bits(bits: str) -> bytes:
    """Pack bits, fill up with ones, and stuff a zero after every 0xFF."""
    padded = bits + "1" * (-len(bits) % 8)
    whole = int(padded, 2).to_bytes(len(padded) // 8)
    return whole.replace(b"\xff", b"\xff\0")


def many_exif_segments() -> bytes:
    """Make 8 MiB of EXIF segments of one byte; a reader that joins them copies all before each."""
    return jpeg_with(segment(0xE1, b"Exif\0\0" + b"x") * 760_000)


def exif_of_offsets() -> bytes:
    """Make 4 MiB of EXIF in which 60,000 entries name the same long value."""
    entries = b"".join(struct.pack(">HHII", tag, 7, 4_000_000, 8) for tag in range(60_000))
    exif = b"MM\0*\0\0\0\x08" + struct.pack(">H", 60_000) + entries
    return png_with(chunk(b"eXIf", exif.ljust(4 * 2**20, b"\0")))


def orientation_of_rationals() -> bytes:
    """Make an orientation of 3.9 million fractions instead of one small number."""
    count = 3_900_000
    head = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHII", 0x0112, 5, count, 26) + bytes(4)
    return png_with(chunk(b"eXIf", head + b"\0\0\0\1\0\0\0\1" * count))


def chunk(kind: bytes, content: bytes) -> bytes:
    """Make a PNG chunk with its checksum."""
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", checksum)


def png_with(*parts: bytes, side: int = 64) -> bytes:
    """Put chunks in front of an ordinary grey PNG's pixels."""
    pixels = zlib.compress(bytes((side + 1) * side))
    return b"".join(
        (
            PNG_SIGNATURE,
            chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
            *parts,
            chunk(b"IDAT", pixels),
            chunk(b"IEND", b""),
        )
    )


def packed_texts() -> bytes:
    """Make texts that each unpack to just below the limit for one."""
    text = zlib.compress(bytes(2**20 - 16), 9)
    one = chunk(b"zTXt", b"Comment\0\0" + text)
    return png_with(one * ((LIMIT - 1000) // len(one)))


def png_of_empty_pixels() -> bytes:
    """Make a PNG with millions of empty chunks for its pixels."""
    return png_with(chunk(b"IDAT", b"") * 2_700_000)


def bmp_of_runs(bits: int, runs: bytes) -> bytes:
    """Make a BMP of 4096 x 4096 pixels from these runs."""
    side, compression = 4096, {8: 1, 4: 2}[bits]
    palette = bytes(4 * 2**bits)
    start = 54 + len(palette)
    return b"".join(
        (
            struct.pack("<2sIHHI", b"BM", start + len(runs), 0, 0, start),
            struct.pack("<IiiHHII", 40, side, side, 1, bits, compression, len(runs)),
            bytes(16),
            palette,
            runs,
        )
    )


def many_packets() -> bytes:
    """Make XMP packets that are as long as a segment may be, and full of elements."""
    start = b'http://ns.adobe.com/xap/1.0/\0<a xmlns:dc="http://purl.org/dc/elements/1.1/">'
    packet = start + b"<dc:rights/>" * 5400 + b"</a>"
    return jpeg_with(segment(0xE1, packet) * 500)


def tiff_of_tags(count: int) -> bytes:
    """Make a TIFF directory whose tags all hold the whole file."""
    entry = struct.pack("<HHII", 700, 7, LIMIT - 1000, 8)
    data = b"II*\0" + struct.pack("<IH", 8, count) + entry * count
    return data.ljust(LIMIT - 1000, b"\0")


FILES = (
    HostileFile(
        name="JPEG of 20,000 scans", first_version="45 s", make=lambda: jpeg_of_scans(20_000)
    ),
    HostileFile(name="JPEG of 2,000 scans", first_version="5 s", make=lambda: jpeg_of_scans(2000)),
    HostileFile(name="JPEG of as many scans as are read", make=lambda: jpeg_of_scans(63)),
    HostileFile(name="JPEG of many EXIF segments", first_version="78 s", make=many_exif_segments),
    HostileFile(
        name="JPEG filled with 0xFF",
        first_version="39 s",
        make=lambda: jpeg_with(b"\xff" * (LIMIT - 2000)),
    ),
    HostileFile(
        name="JPEG of 8 million empty segments",
        first_version="21 s, 1,100 MB",
        make=lambda: jpeg_with(segment(0xE5, b"") * 8_000_000),
    ),
    HostileFile(
        name="JPEG of 8 million comments",
        first_version="18 s",
        make=lambda: jpeg_with(segment(0xFE, b"") * 8_000_000),
    ),
    HostileFile(name="EXIF of offsets into itself", first_version="17 s", make=exif_of_offsets),
    HostileFile(
        name="orientation of 3.9 million fractions",
        first_version="17 s, 800 MB",
        make=orientation_of_rationals,
    ),
    HostileFile(
        name="PNG of 2.7 million empty chunks",
        first_version="15 s",
        make=lambda: png_with(chunk(b"prIv", b"") * 2_700_000),
    ),
    HostileFile(name="PNG of 2.7 million empty pixel chunks", make=png_of_empty_pixels),
    HostileFile(name="PNG of packed texts", make=packed_texts),
    HostileFile(name="JPEG of 500 packets of XMP", make=many_packets),
    HostileFile(name="TIFF of tags that hold the whole file", make=lambda: tiff_of_tags(4000)),
    HostileFile(name="TIFF of 65,000 tags", make=lambda: tiff_of_tags(65_000)),
    HostileFile(
        name="BMP of single runs, 4 bits",
        first_version="17 s",
        is_ended=True,
        make=lambda: bmp_of_runs(4, b"\1\x21" * (4096 * 4096 - 100_000)),
    ),
    HostileFile(
        name="BMP of single runs, 8 bits",
        first_version="14 s",
        is_ended=True,
        make=lambda: bmp_of_runs(8, b"\1\x07" * (4096 * 4096 - 100_000)),
    ),
    HostileFile(
        name="BMP of short absolute runs, 4 bits",
        is_ended=True,
        make=lambda: bmp_of_runs(4, b"\0\3ab" * (2**23 - 100_000)),
    ),
    HostileFile(
        name="BMP of line ends",
        is_ended=True,
        make=lambda: bmp_of_runs(8, b"\0\0" * (2**24 - 100_000)),
    ),
)
