"""A page of a small book: its story, its typesetting, its shadow."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageChops

from .canvas import OVERSAMPLING, SANS, SERIF, SERIF_ITALIC, Canvas, font

STORY = (
    (
        (
            "he lamp had to be lit before the fog came in, and the fog came in at six. "
            "Every evening the "
        ),
        (
            "keeper climbed one hundred and twelve steps, and every evening the cat climbed"
            " them first. "
        ),
        "She did not do it out of kindness. From the gallery one could see the whole harbour: the "(
            "boats, the nets and, when the light was right, the fish. The keeper looked for"
            " ships; the cat "
        ),
        "looked for supper, and as a rule she found hers first.",
    ),
    (
        "“What do you see?” the keeper would ask, out of breath. The cat never answered. Far out, "(
            "where the sea turned grey, there was a speck no bigger than a full stop. She "
            "had watched it "
        ),
        (
            "since noon. It might be a sail. It might be a gull. From here it was four "
            "small squares and "
        ),
        "a great deal of hope. “Come closer,” she told it, in the way cats do, without a word.",
    ),
)


def set_paragraph(
    page: Canvas,
    words: list[str],
    top: float,
    *,
    left: float,
    right: float,
    indents: Sequence[float],
    size: float,
    leading: float,
    ink: str,
) -> float:
    """Justified lines from `top` down, the first ones indented; gives the next baseline."""
    face = font(SERIF, size)
    space = size * 0.27
    while words:
        start = left + (indents[0] if indents else 0)
        indents = indents[1:]
        count, used = 0, 0.0
        for word in words:
            width = face.getlength(word) / OVERSAMPLING
            if used + width + space * count > right - start:
                break
            count, used = count + 1, used + width
        line, words = words[:count], words[count:]
        gap = (right - start - used) / (count - 1) if words else space
        for word in line:
            page.text(start, top, word, SERIF, size, ink)
            start += face.getlength(word) / OVERSAMPLING + gap
        top += leading
    return top


def printed_text() -> Image.Image:
    """A page of a small book, as a phone or a flatbed scanner sees it."""
    width, height, ink = 400, 300, "#2b2522"
    page = Canvas(width, height, "#f6efe0")
    left, right, size, leading = 40, 364, 9, 14.2
    page.text(202, 32, "CHAPTER  TWO", SANS, 6.6, "#8a5a3c", anchor="ms")
    page.text(202, 54, "The Lighthouse Cat", SERIF_ITALIC, 18, ink, anchor="ms")
    page.stroke([(172, 65), (196, 65)], "#8a5a3c", width=0.8)
    page.stroke([(208, 65), (232, 65)], "#8a5a3c", width=0.8)
    page.shape([(202, 62), (205, 65), (202, 68), (199, 65)], "#8a5a3c")
    page.text(left - 1, 104, "T", SERIF, 31, "#8a5a3c")
    top = set_paragraph(
        page,
        STORY[0].split(),
        91,
        left=left,
        right=right,
        indents=(21, 21),
        size=size,
        leading=leading,
        ink=ink,
    )
    top = set_paragraph(
        page,
        STORY[1].split(),
        top,
        left=left,
        right=right,
        indents=(14,),
        size=size,
        leading=leading,
        ink=ink,
    )
    page.text(202, 282, "17", SERIF, 7.5, "#6b6058", anchor="ms")
    straight = page.image.rotate(-0.7, Image.Resampling.BICUBIC, fillcolor="#f6efe0")
    # The page bends into the spine at the left, where less light reaches it.
    light = Image.new("L", (width, 1))
    light.putdata([round(255 * (1 - 0.42 * math.exp(-x / 13))) for x in range(width)])
    shade = light.resize((width, height))
    small = straight.resize((width, height), Image.Resampling.LANCZOS)
    return ImageChops.multiply(small, Image.merge("RGB", (shade, shade, shade)))
