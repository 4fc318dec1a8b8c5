"""Creator, copyright, keywords and date of a picture, read from XMP and IPTC.

Only these few facts are ever taken: place, camera, serial numbers and prompts stay behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import islice
from xml.etree import ElementTree

MAX_TEXT = 300
MAX_KEYWORDS = 50
"""The longest kept text in characters, and the most keywords."""
MAX_XMP_BYTES = 64 * 2**10
DC = "{http://purl.org/dc/elements/1.1/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
TAKEN = (
    "{http://ns.adobe.com/exif/1.0/}DateTimeOriginal",
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated",
)
"""Names of the moment a picture was taken."""
PHOTOSHOP = b"Photoshop 3.0\0"
IPTC_RESOURCE = b"8BIM\x04\x04"
BY_LINE, COPYRIGHT_NOTICE, KEYWORD, DAY_CREATED, TIME_CREATED = 80, 116, 25, 55, 60
"""Data sets of IPTC's record 2."""
UTF_8 = b"\x1b%G"
"""IPTC's mark for texts in UTF-8."""
_MOMENT = re.compile(
    r"(\d{4})[-:](\d\d)[-:](\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?"
    r"(?:(Z)|([+-]\d\d:\d\d))?",
    re.ASCII,
)
_IPTC_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([+-]\d{4})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Texts for a result; every one is short and in one line."""

    copyright: str | None = None
    creator: str | None = None
    keywords: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.copyright or self.creator or self.keywords)

    def or_else(self, other: Rights) -> Rights:
        """Fill what is missing here from `other`."""
        return Rights(
            copyright=self.copyright or other.copyright,
            creator=self.creator or other.creator,
            keywords=self.keywords or other.keywords,
        )

    def to_xmp(self) -> bytes:
        """Write a packet with these facts alone; empty without any."""
        if not self:
            return b""
        parts = (
            _element("rights", "Alt", [self.copyright] if self.copyright else []),
            _element("creator", "Seq", [self.creator] if self.creator else []),
            _element("subject", "Bag", self.keywords),
        )
        return (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
            'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/">{"".join(parts)}'
            "</rdf:Description></rdf:RDF></x:xmpmeta>"
        ).encode()


def line(text: object) -> str | None:
    """Return one line of a file's text, cut; None if it is empty or not text."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str):
        return None
    return _CONTROL.sub(" ", text[: 4 * MAX_TEXT]).strip()[:MAX_TEXT] or None


def rights_from_xmp(packet: bytes) -> Rights:
    """Read Dublin Core's rights, creator and subject; return nothing if it is not plain XML."""
    root = _root(packet) if b"/elements/1.1/" in packet else None
    if root is None:
        return Rights()
    return Rights(
        copyright=next(_items(root, "rights"), None),
        creator=_joined(_items(root, "creator")),
        keywords=tuple(_items(root, "subject"))[:MAX_KEYWORDS],
    )


def taken_from_xmp(packet: bytes) -> str | None:
    """Read the moment a picture was taken, as EXIF writes it; None if the packet does not say."""
    root = _root(packet) if b"Date" in packet else None
    for element in () if root is None else root.iter():
        for name, text in (*element.attrib.items(), (element.tag, element.text)):
            found = _MOMENT.match(text or "") if name in TAKEN else None
            if found:
                year, month, day, hour, minute, second = found.groups("00")[:6]
                fraction, is_utc, offset = found.groups("")[6:]
                offset = "+00:00" if is_utc else offset
                return f"{year}:{month}:{day} {hour}:{minute}:{second}{fraction}{offset}"
    return None


def _root(packet: bytes) -> ElementTree.Element | None:
    packet = packet[:MAX_XMP_BYTES].strip(b"\0 \r\n\t")
    if b"<!" in packet:  # entities could grow
        return None
    try:
        return ElementTree.fromstring(packet)  # noqa: S314 - small, and without declarations
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def rights_from_iptc(segment: bytes) -> Rights:
    """Read IPTC's fields from a Photoshop segment, or as they stand in a TIFF."""
    sets = _iptc_texts(segment, (BY_LINE, COPYRIGHT_NOTICE, KEYWORD))
    return Rights(
        copyright=next(iter(sets[COPYRIGHT_NOTICE]), None),
        creator=_joined(sets[BY_LINE]),
        keywords=tuple(sets[KEYWORD]),
    )


def taken_from_iptc(segment: bytes) -> str | None:
    """Read the moment a picture was taken, as EXIF writes it; None without day or time."""
    sets = _iptc_texts(segment, (DAY_CREATED, TIME_CREATED))
    found = _IPTC_MOMENT.fullmatch("".join(texts[0] for texts in sets.values() if texts))
    if found is None:
        return None
    year, month, day, hour, minute, second, offset = found.groups("")
    zone = f"{offset[:3]}:{offset[3:]}" if offset else ""
    return f"{year}:{month}:{day} {hour}:{minute}:{second}{zone}"


def _iptc_texts(segment: bytes, numbers: tuple[int, ...]) -> dict[int, list[str]]:
    """Return the texts of some data sets of record 2, by their numbers."""
    at = 0
    if segment.startswith(PHOTOSHOP):
        start = segment.find(IPTC_RESOURCE)
        at = len(segment) if start < 0 else start + len(IPTC_RESOURCE)
        at += (segment[at] // 2 + 1) * 2 + 4 if at < len(segment) else 0
    sets: dict[int, list[str]] = {each: [] for each in numbers}
    encoding = "latin-1"
    while segment[at : at + 1] == b"\x1c" and at + 5 <= len(segment):
        record, number = segment[at + 1], segment[at + 2]
        length = int.from_bytes(segment[at + 3 : at + 5])
        content = segment[at + 5 : at + 5 + length]
        at += 5 + length
        if (record, number) == (1, 90) and content == UTF_8:
            encoding = "utf-8"
        text = line(content.decode(encoding, "replace")) if record == 2 else None
        if text and number in sets and len(sets[number]) < MAX_KEYWORDS:
            sets[number].append(text)
    return sets


def _joined(names: Iterable[str]) -> str | None:
    """Join several creators as EXIF writes them."""
    return line("; ".join(islice(names, MAX_KEYWORDS)))


def _items(root: ElementTree.Element, name: str) -> Iterator[str]:
    for element in root.iter(DC + name):
        texts = [each.text for each in element.iter(RDF + "li")] or [element.text]
        yield from filter(None, map(line, texts))


def _element(name: str, kind: str, texts: list[str] | tuple[str, ...]) -> str:
    if not texts:
        return ""
    language = ' xml:lang="x-default"' if kind == "Alt" else ""
    items = "".join(f"<rdf:li{language}>{escape(text, quote=False)}</rdf:li>" for text in texts)
    return f"<dc:{name}><rdf:{kind}>{items}</rdf:{kind}></dc:{name}>"
