"""A fox sticker on a transparent ground."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageChops, ImageFilter

from .canvas import OVERSAMPLING, Canvas, Point, mirrored, smooth


def draw_fox(sticker: Canvas) -> None:
    orange, dark, cream, ink = "#f07f2e", "#cf5f1c", "#fff3e2", "#3a2230"
    ear = smooth([(66, 128), (56, 84), (62, 46), (74, 44), (100, 64), (122, 86)])
    inner = smooth([(76, 104), (69, 82), (71, 62), (88, 72), (104, 88)], closed=True)
    for flip in (False, True):

        def placed(points: Sequence[Point], flip: bool = flip) -> list[Point]:
            return mirrored(points, axis=140) if flip else list(points)

        sticker.shape(placed([*ear, (120, 130)]), orange, ink=ink, width=4)
        sticker.shape(placed(inner), ink)
        sticker.shape(
            placed(smooth([(80, 104), (76, 86), (77, 72), (90, 82), (102, 94)], closed=True)),
            "#8a4a4a",
        )
    half = [
        (140, 84),
        (110, 86),
        (78, 104),
        (58, 130),
        (44, 152),
        (66, 178),
        (92, 202),
        (122, 222),
        (140, 229),
    ]
    head = smooth([*half, *reversed(mirrored(half[1:-1], axis=140))], closed=True)
    sticker.shape(head, orange)
    jaw = head[4 * 16 : 8 * 16]  # from the left cheek down to the chin
    cheek = [*jaw, *smooth([(140, 229), (122, 186), (104, 160), (78, 149), (45, 151)])]
    sticker.shape(cheek, cream)
    sticker.shape(mirrored(cheek, axis=140), cream)
    sticker.shape(
        smooth(
            [(140, 86), (131, 100), (133, 126), (140, 138), (147, 126), (149, 100)], closed=True
        ),
        dark,
    )
    sticker.shape([(124, 190), (156, 190), (148, 224), (140, 229), (132, 224)], cream)
    sticker.stroke([*head, head[0]], ink, width=4)
    for x in (102, 178):
        sticker.disc(x, 146, 9, 11, fill=ink)
        sticker.disc(x + 3, 141.6, 3.2, fill="#ffffff")
        sticker.disc(x - 3, 150.5, 1.6, fill="#ffffff")
        sticker.disc(x + (-24 if x < 140 else 24), 168, 9, 5.5, fill="#f9b9a2")
    sticker.shape(
        smooth(
            [(127, 192), (140, 188), (153, 192), (148, 202), (140, 207), (132, 202)], closed=True
        ),
        ink,
    )
    sticker.disc(135.5, 194, 3, 1.6, fill="#a58b97")
    sticker.stroke(
        smooth([(126, 210), (133, 214), (140, 208), (147, 214), (154, 210)]), ink, width=2.4
    )


def fox_sticker() -> Image.Image:
    """A die-cut sticker on nothing: white rim, and a soft shadow that is only alpha."""
    sticker = Canvas(280, 280, None)
    draw_fox(sticker)
    drawing = sticker.finished()
    # Blurring the outline and cutting it low widens it evenly, with round corners.
    outline = sticker.image.getchannel("A").filter(ImageFilter.GaussianBlur(9 * OVERSAMPLING))
    rim = outline.point([255 if level > 22 else 0 for level in range(256)])
    rim = rim.resize(sticker.size, Image.Resampling.LANCZOS)
    shadow = ImageChops.offset(rim, 0, 5).filter(ImageFilter.GaussianBlur(4))
    result = Image.new("RGBA", sticker.size, "#2a1c2c")
    result.putalpha(shadow.point([round(level * 0.45) for level in range(256)]))
    white = Image.new("RGBA", sticker.size, "#ffffff")
    white.putalpha(rim)
    result.alpha_composite(white)
    result.alpha_composite(drawing)
    return result
