"""Every fact about a file format of pictures, once: to read or write another, add its record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """One format, by its names for requests, people, browsers, files and Pillow."""

    label: str
    """The name in sentences."""
    suffixes: tuple[str, ...]
    """Suffixes of file names, in lower case; the first is the one that is written."""
    other_suffixes: tuple[str, ...] = ()
    """Suffixes that are read, but never written."""
    signature: bytes
    """A regular expression for the first bytes of such a file."""
    pillow_name: str
    plugin: str
    """The module that registers it with Pillow."""
    package: str = "pillow"
    """The package that reads it."""
    is_readable: bool = True
    """False for a format that is only written, or whose package is not installed."""
    is_lossless: bool
    has_alpha: bool
    has_gray: bool = False
    """A written file may have one channel, and a profile for it."""
    has_chroma: bool = False
    """A written file may have colours at half the width and height."""
    longest_side: int | None = None
    """Pixels on a side that a written file can have; None for a format that is not written."""
    save_options: Mapping[str, object] = field(default_factory=dict)
    """Options for Pillow; a `quality` among them is the default one."""

    @property
    def name(self) -> str:
        """The name in requests and answers."""
        return self.label.lower()

    @property
    def media_type(self) -> str:
        """The name in headers of HTTP."""
        return f"image/{self.name}"

    @property
    def suffix(self) -> str:
        """The suffix of a file that is written."""
        return self.suffixes[0]

    @property
    def is_writable(self) -> bool:
        """True if a result can be asked for in this format."""
        return self.longest_side is not None

    @property
    def default_quality(self) -> int | None:
        """1-100; None for a format that has no such setting."""
        quality = self.save_options.get("quality")
        return quality if isinstance(quality, int) else None


JPEG = FileFormat(
    label="JPEG",
    suffixes=(".jpg", ".jpeg"),
    other_suffixes=(".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".mpo"),
    signature=rb"\xff\xd8",
    pillow_name="JPEG",
    plugin="PIL.JpegImagePlugin",
    is_lossless=False,
    has_alpha=False,
    has_gray=True,
    has_chroma=True,
    longest_side=65500,
    save_options={"quality": 92},
)
PNG = FileFormat(
    label="PNG",
    suffixes=(".png",),
    other_suffixes=(".apng",),
    signature=rb"\x89PNG\r\n\x1a\n",
    pillow_name="PNG",
    plugin="PIL.PngImagePlugin",
    is_lossless=True,
    has_alpha=True,
    has_gray=True,
    longest_side=2**31 - 1,
    # Level 6 of zlib takes three times as long for files a few per cent smaller.
    save_options={"compress_level": 3},
)
BMP = FileFormat(
    label="BMP",
    suffixes=(".bmp",),
    other_suffixes=(".dib",),
    signature=rb"BM",
    pillow_name="BMP",
    plugin="PIL.BmpImagePlugin",
    is_lossless=True,
    has_alpha=False,
)
WEBP = FileFormat(
    label="WebP",
    suffixes=(".webp",),
    signature=rb"RIFF.{4}WEBP",
    pillow_name="WEBP",
    plugin="PIL.WebPImagePlugin",
    is_lossless=False,
    has_alpha=True,
    longest_side=16383,
    save_options={"quality": 92, "method": 2},
)
GIF = FileFormat(
    label="GIF",
    suffixes=(".gif",),
    signature=rb"GIF8[79]a",
    pillow_name="GIF",
    plugin="PIL.GifImagePlugin",
    is_lossless=True,
    has_alpha=True,
)
TIFF = FileFormat(
    label="TIFF",
    suffixes=(".tif", ".tiff"),
    signature=rb"II[*+]\0|MM\0[*+]",
    pillow_name="TIFF",
    plugin="PIL.TiffImagePlugin",
    is_lossless=True,
    has_alpha=True,
)
AVIF = FileFormat(
    label="AVIF",
    suffixes=(".avif",),
    other_suffixes=(".avifs",),
    signature=rb".{4}ftyp(avi[fs]|(mif1|msf1|miaf).{4}(.{4}){0,16}?avi[fs])",
    pillow_name="AVIF",
    plugin="PIL.AvifImagePlugin",
    is_lossless=False,
    has_alpha=True,
    has_chroma=True,
    longest_side=16384,
    # The encoder's own default speed takes three times as long for files a tenth smaller.
    save_options={"quality": 80, "speed": 8},
)
HEIC = FileFormat(
    label="HEIC",
    suffixes=(".heic", ".heif"),
    other_suffixes=(".hif", ".heics", ".heifs"),
    signature=rb".{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)",
    pillow_name="HEIF",
    plugin="pi_heif.HeifImagePlugin",
    # Small deployments leave this package out; pillow-heif has the same reader and a writer, whose
    # library is under the GPL.
    package="pi-heif",
    is_readable=find_spec("pi_heif") is not None,
    is_lossless=False,
    has_alpha=True,
)

FORMATS = {each.name: each for each in (JPEG, PNG, BMP, WEBP, GIF, TIFF, AVIF, HEIC)}
READABLE = tuple(each for each in FORMATS.values() if each.is_readable)
WRITABLE = tuple(
    sorted(
        (each for each in FORMATS.values() if each.is_writable),
        key=lambda each: not each.is_lossless,
    )
)
"""Lossless ones first."""
CAMERA_RAW = rb"FUJIFILMCCD-RAW|.{4}ftypcrx |II(RO|RS|U\0|.{4}HEAPCCDR)|MMOR|\0MRM|FOVb"
"""The first bytes of RAF, CR3, ORF, RW2, CRW, MRW and X3F files."""
UNREAD = {
    "JPEG XL files": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "JPEG 2000 files": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    "Photoshop files": rb"8BPS",
    "GIMP files": rb"gimp xcf",
    "PDF files": rb"%PDF-",
    "PostScript files": rb"%!PS|\xc5\xd0\xd3\xc6",
    "SVG drawings": rb"(\xef\xbb\xbf)?\s{0,9}(<\?xml|<!--|<!DOCTYPE svg|<svg).{0,999}?(svg\b)",
    "Icons": rb"\0\0[\x01\x02]\0[^\0]\0",
    "OpenEXR files": rb"v/1\x01",
    "JPEG XR files": rb"II\xbc[\0\x01]",
    "QOI files": rb"qoif",
    "BPG files": rb"BPG\xfb",
    "Radiance HDR files": rb"#\?R(ADIANC|GB)E",
    "Netpbm files": rb"P[1-7Ff]\s",
    "DDS textures": rb"DDS ",
    "DjVu files": rb"AT&TFORM",
    "Videos": rb".{4}ftyp(mp4|iso|qt  |M4V|avc1|3g|MSNV)|\x1aE\xdf\xa3|RIFF.{4}AVI ",
    "ZIP archives": rb"PK\x03\x04",
    "Archives": rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\x1f\x8b\x08",
    "Web pages": rb"\s{0,9}<(!doctype html|!DOCTYPE html|html)",
}
"""The first bytes of files that are often taken for readable pictures, by a name for people."""
INPUT_FORMATS = {
    suffix: each for each in FORMATS.values() for suffix in (*each.suffixes, *each.other_suffixes)
}
"""Formats of pictures by suffix; files whose package is not installed are refused, not skipped."""
INPUT_SUFFIXES = tuple(INPUT_FORMATS)
RESULT_FORMATS = {suffix: each for each in WRITABLE for suffix in each.suffixes}
"""Formats of results by suffix."""


def automatic_format(
    source: FileFormat, *, has_alpha: bool, is_lossless: bool | None = None
) -> FileFormat:
    """Return the format of `auto`: JPEG for lossy sources, PNG for lossless or transparent ones.

    `is_lossless` tells it of the file, if known; otherwise its format does.
    """
    is_lossless = source.is_lossless if is_lossless is None else is_lossless
    return PNG if is_lossless or has_alpha else JPEG


def format_from_signature(data: bytes) -> FileFormat | None:
    """Find the format by the file's first bytes, whether this program reads it or not."""
    for each in FORMATS.values():
        if re.match(each.signature, data, re.DOTALL):
            return each
    return None


def is_camera_raw(data: bytes) -> bool:
    """Return whether a file begins like a camera raw file that is not a TIFF."""
    return re.match(CAMERA_RAW, data, re.DOTALL) is not None


def unread_kind(data: bytes) -> str | None:
    """Return the name, in the plural, of a well-known kind of file that is not read."""
    return next((kind for kind, start in UNREAD.items() if re.match(start, data, re.DOTALL)), None)
