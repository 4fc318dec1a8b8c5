"""One panel of a comic: a cat, a lighthouse, a boat."""

from __future__ import annotations

from itertools import pairwise

from PIL import Image

from .canvas import COMIC, Canvas, arc, smooth

INK = "#1b1b2a"


def draw_sky(comic: Canvas) -> None:
    for top, colour in (
        (0, "#22345c"),
        (70, "#2e4f7d"),
        (118, "#4a7a9f"),
        (156, "#8fb2ae"),
        (178, "#f5c08f"),
    ):
        comic.box(0, top, 400, 300, fill=colour)
    for x, y, r in (
        (214, 26, 3.4),
        (252, 22, 2.2),
        (226, 118, 2.4),
        (383, 112, 2.6),
        (256, 146, 1.8),
        (345, 100, 1.8),
        (24, 76, 2.4),
        (196, 60, 1.8),
    ):
        comic.shape(
            [
                (x, y - r),
                (x + r / 4, y - r / 4),
                (x + r, y),
                (x + r / 4, y + r / 4),
                (x, y + r),
                (x - r / 4, y + r / 4),
                (x - r, y),
                (x - r / 4, y - r / 4),
            ],
            "#fff6d8",
        )
    comic.disc(360, 54, 25, fill="#fdf0c4", ink=INK)
    for x, y, r in ((352, 46, 4.5), (368, 60, 6), (364, 41, 2.6), (349, 63, 3)):
        comic.disc(x, y, r, fill="#ead9a0")


def draw_sea(comic: Canvas) -> None:
    comic.box(0, 196, 400, 300, fill="#2c8c99")
    comic.stroke([(0, 196), (400, 196)], INK)
    comic.shape(
        [
            *smooth(
                [(0, 232), (40, 226), (90, 233), (150, 227), (215, 234), (300, 228), (400, 233)]
            ),
            (400, 300),
            (0, 300),
        ],
        "#1f6f83",
    )
    comic.shape(
        [
            *smooth([(0, 266), (60, 260), (130, 267), (200, 261), (270, 267), (400, 260)]),
            (400, 300),
            (0, 300),
        ],
        "#185a70",
    )
    for x, y, w in (
        (150, 208, 20),
        (30, 210, 16),
        (232, 214, 14),
        (166, 246, 18),
        (214, 276, 20),
        (154, 284, 14),
        (20, 246, 14),
        (246, 248, 10),
        (88, 206, 10),
    ):
        comic.stroke(
            smooth(
                [(x, y), (x + w / 4, y - 2.4), (x + w / 2, y), (x + w * 3 / 4, y - 2.4), (x + w, y)]
            ),
            "#d6f0ea",
            width=1.2,
        )


def draw_lighthouse(comic: Canvas) -> None:
    comic.shape(
        smooth(
            [
                (236, 302),
                (243, 272),
                (258, 264),
                (264, 248),
                (280, 243),
                (292, 236),
                (318, 237),
                (338, 232),
                (352, 240),
                (372, 246),
                (384, 262),
                (410, 268),
                (410, 302),
            ]
        ),
        "#5b5a70",
        ink=INK,
    )
    comic.shape(
        smooth(
            [
                (264, 248),
                (280, 243),
                (292, 236),
                (318, 237),
                (338, 232),
                (352, 240),
                (340, 246),
                (322, 244),
                (300, 250),
                (282, 249),
            ],
            closed=True,
        ),
        "#6fa56a",
        ink=INK,
        width=1.2,
    )
    for line in (
        [(268, 268), (280, 262), (290, 270)],
        [(330, 268), (344, 260), (352, 272)],
        [(300, 286), (316, 280), (326, 288)],
        [(372, 276), (384, 280)],
    ):
        comic.stroke(line, INK, width=1.2)

    def side(y: float) -> float:
        return 15 + (y - 92) * 13 / 150

    for number, (top, bottom) in enumerate(pairwise((92, 122, 152, 182, 212, 242))):
        band = [
            (305 - side(top), top),
            (305 + side(top), top),
            (305 + side(bottom), bottom),
            (305 - side(bottom), bottom),
        ]
        comic.shape(band, "#d8413c" if number % 2 == 0 else "#fbf3e4", ink=INK, width=1.3)
        shaded = [
            (305 + side(top) * 0.45, top),
            band[1],
            band[2],
            (305 + side(bottom) * 0.45, bottom),
        ]
        comic.glow(shaded, "#33204a", opacity=0.28)
    comic.stroke([(305 - side(92), 92), (305 - side(242), 242)], INK, width=1.8)
    comic.stroke([(305 + side(92), 92), (305 + side(242), 242)], INK, width=1.8)
    comic.shape(
        [(296, 243), (296, 226), *arc(304, 226, 8, start=180, end=360), (312, 243)],
        "#6b4331",
        ink=INK,
    )
    comic.disc(309.4, 233, 1, fill="#f6d36b")
    for y in (132, 166, 197):
        comic.shape(
            [
                (300.5, y + 5),
                (300.5, y - 4),
                *arc(304, y - 4, 3.5, start=180, end=360),
                (307.5, y + 5),
            ],
            "#f9d976",
            ink=INK,
            width=1.2,
        )
    comic.shape([(284, 88), (326, 88), (323, 94), (287, 94)], "#3a3a52", ink=INK)
    comic.box(294, 62, 316, 88, fill="#fff3b0")
    for x in (294, 301.3, 308.6, 316):
        comic.stroke([(x, 62), (x, 88)], INK, width=1.4)
    comic.stroke([(286, 80), (324, 80)], INK, width=1.2)
    for x in (286, 290, 320, 324):
        comic.stroke([(x, 80), (x, 88)], INK, width=1.2)
    comic.shape(
        [(291, 62), *smooth([(292, 61), (297, 51), (305, 47), (313, 51), (318, 61)]), (319, 62)],
        "#d8413c",
        ink=INK,
    )
    comic.stroke([(305, 47), (305, 39)], INK)
    comic.disc(305, 39, 2, fill="#f6d36b", ink=INK, width=1)


def draw_boat(comic: Canvas) -> None:
    comic.shape([(193, 200), (193, 178), (210, 200)], "#fffaf0", ink=INK, width=1.4)
    comic.shape([(190, 200), (190, 183), (178, 200)], "#f3d9c0", ink=INK, width=1.4)
    comic.shape([(172, 203), (216, 203), (207, 213), (181, 213)], "#e0723f", ink=INK, width=1.4)
    comic.shape([(193, 178), (193, 172), (200, 175)], "#d8413c", ink=INK, width=1)
    comic.stroke(
        smooth(
            [(164, 215), (174, 212), (184, 215), (194, 212), (204, 215), (214, 212), (224, 215)]
        ),
        "#d6f0ea",
        width=1.4,
    )


def draw_cat(comic: Canvas) -> None:
    comic.shape(
        smooth(
            [
                (-10, 302),
                (-10, 268),
                (14, 262),
                (36, 267),
                (60, 262),
                (94, 264),
                (116, 270),
                (128, 284),
                (140, 302),
            ]
        ),
        "#5b5a70",
        ink=INK,
    )
    for line in ([(20, 276), (32, 284), (30, 292)], [(104, 276), (98, 286), (108, 292)]):
        comic.stroke(line, INK, width=1.2)
    fur, stripe, cream = "#f0953f", "#c9682a", "#ffe9cf"
    tail = smooth([(52, 258), (32, 262), (22, 250), (27, 236), (21, 226)])
    comic.stroke(tail, INK, width=11)
    comic.stroke(tail, fur, width=8)
    comic.stroke(tail[-14:], cream, width=8)
    comic.shape(
        smooth(
            [
                (62, 212),
                (50, 232),
                (46, 256),
                (54, 266),
                (80, 268),
                (98, 266),
                (101, 250),
                (97, 228),
                (92, 212),
            ],
            closed=True,
        ),
        fur,
        ink=INK,
    )
    comic.shape(
        smooth([(74, 220), (70, 240), (77, 258), (88, 252), (92, 232), (88, 220)], closed=True),
        cream,
    )
    for line in ([(50, 236), (59, 238)], [(48, 245), (58, 246)], [(47, 254), (57, 253)]):
        comic.stroke(line, stripe, width=2.4)
    comic.stroke([(77, 252), (77, 266)], INK, width=1.3)
    comic.disc(72, 266, 8, 4.4, fill=cream, ink=INK, width=1.4)
    comic.disc(90, 266, 8, 4.4, fill=cream, ink=INK, width=1.4)
    # The head turns to the boat: every feature sits a little right of its middle.
    for ear, inner in (
        ([(58, 190), (56, 165), (73, 178)], [(61, 185), (60, 173), (68, 179)]),
        ([(87, 178), (104, 165), (103, 190)], [(92, 179), (100, 173), (99, 185)]),
    ):
        comic.shape(ear, fur, ink=INK)
        comic.shape(inner, "#f6b5a0")
    comic.disc(80, 196, 26, 21, fill=fur, ink=INK)
    comic.disc(86, 205, 14, 9.5, fill=cream)
    for line in (
        [(80, 177), (80, 184)],
        [(87, 177), (86, 184)],
        [(73, 178), (74, 184)],
        [(56, 198), (63, 199)],
        [(57, 205), (64, 204)],
    ):
        comic.stroke(line, stripe, width=2.2)
    for x in (76, 96):
        comic.disc(x, 194, 5.6, 6.2, fill="#fffdf3", ink=INK, width=1.3)
        comic.disc(x + 2, 194, 3, 4.4, fill=INK)
        comic.disc(x + 3.2, 192.2, 1.1, fill="#ffffff")
    comic.shape([(84, 201.5), (91, 201.5), (87.5, 205)], "#d9606a", ink=INK, width=1)
    comic.stroke(
        smooth([(80, 208), (84, 210), (87.5, 206.5), (91, 210), (95, 208)]), INK, width=1.2
    )
    for whisker in (
        [(68, 205), (50, 202)],
        [(68, 208), (51, 211)],
        [(102, 205), (119, 201)],
        [(102, 208), (119, 210)],
    ):
        comic.stroke(whisker, INK, width=0.9)
    comic.shape(
        smooth([(60, 212), (76, 219), (99, 212), (100, 218), (78, 226), (58, 218)], closed=True),
        "#d8413c",
        ink=INK,
        width=1.3,
    )
    comic.disc(80, 225, 3.6, fill="#f6d36b", ink=INK, width=1.1)


def draw_words(comic: Canvas) -> None:
    bubble = arc(112, 122, 78, 29, start=140, end=472)
    comic.shape([*bubble, (92, 168)], "#ffffff", ink=INK, width=1.8)
    comic.text(112, 119, "IS THAT A BOAT…", COMIC, 12.5, INK, anchor="ms")
    comic.text(112, 136, "OR FOUR PIXELS?", COMIC, 12.5, INK, anchor="ms")
    comic.box(16, 16, 160, 38, fill="#ffe28a", ink=INK, width=1.6)
    comic.text(88, 31, "MEANWHILE, AT SEA…", COMIC, 11, INK, anchor="ms")


def comic_panel() -> Image.Image:
    """One panel of a comic: ink lines, flat colours, lettering."""
    comic = Canvas(400, 300, "#fbf6ea")
    draw_sky(comic)
    comic.glow([(300, 72), (0, 22), (0, 96), (300, 80)], "#ffe27a", opacity=0.55)
    draw_sea(comic)
    draw_boat(comic)
    draw_lighthouse(comic)
    draw_cat(comic)
    draw_words(comic)
    for edge in ((0, 0, 400, 7), (0, 293, 400, 300), (0, 0, 7, 300), (393, 0, 400, 300)):
        comic.box(*edge, fill="#fbf6ea")
    comic.stroke([(7, 7), (393, 7), (393, 293), (7, 293), (7, 7)], INK, width=2.4)
    return comic.finished()
