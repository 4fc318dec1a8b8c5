"""A screenshot of an invented web shop whose figures add up."""

from __future__ import annotations

from PIL import Image

from .canvas import SANS, SANS_BOLD, Canvas, Point, arc, smooth

SLATE, MUTED, RULE = "#1f2a44", "#7a859c", "#e6eaf2"
BLUE, GREEN, AMBER, ROSE = "#3b6ef5", "#1ba672", "#f2a33a", "#e2556b"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
THIS_YEAR = (21, 24, 23, 29, 34, 38, 37, 43, 41, 47, 53, 58)
LAST_YEAR = (18, 19, 22, 23, 25, 29, 31, 30, 33, 36, 38, 41)


def card(board: Canvas, left: float, top: float, right: float, bottom: float, title: str) -> None:
    """A white panel with a title."""
    board.box(left, top, right, bottom, fill="#ffffff", radius=6, ink=RULE)
    board.text(left + 10, top + 16, title, SANS_BOLD, 7.4, SLATE)


def draw_menu(board: Canvas) -> None:
    board.box(0, 0, 84, 340, fill=SLATE)
    board.disc(19, 22, 7.5, fill=BLUE)
    board.disc(19, 22, 3.2, fill="#ffffff")
    board.text(32, 25.5, "Harbour", SANS_BOLD, 9, "#ffffff")
    for number, entry in enumerate(
        ("Overview", "Orders", "Products", "Customers", "Reports", "Settings")
    ):
        y, chosen = 52 + number * 25, number == 0
        if chosen:
            board.box(8, y - 8, 76, y + 12, fill="#34436b", radius=4)
        colour = "#ffffff" if chosen else "#a7b2cc"
        board.box(15, y - 1, 21, y + 5, fill=colour, radius=1.6)
        board.text(28, y + 5, entry, SANS, 7.6, colour)
    board.disc(19, 318, 8, fill=AMBER)
    board.text(19, 320.6, "MK", SANS_BOLD, 6.6, "#ffffff", anchor="ms")
    board.text(32, 321, "Maya K.", SANS, 7.4, "#dfe5f3")


def draw_figures(board: Canvas) -> None:
    figures = (
        ("Revenue", "€ 448,120", "+29.9 %", GREEN),
        ("Orders", "12,874", "+18.2 %", GREEN),
        ("Average basket", "€ 34.81", "+9.9 %", GREEN),
        ("Returns", "2.6 %", "+0.2 %", ROSE),
    )
    for number, (name, value, change, colour) in enumerate(figures):
        left = 98 + number * 103
        board.box(left, 46, left + 97, 94, fill="#ffffff", radius=6, ink=RULE)
        board.text(left + 9, 60, name, SANS, 6.8, MUTED)
        board.text(left + 9, 76, value, SANS_BOLD, 12, SLATE)
        board.text(left + 9, 88, change, SANS_BOLD, 6.6, colour)
        board.text(left + 43, 88, "vs. 2024", SANS, 6.2, MUTED)


def draw_lines(board: Canvas) -> None:
    card(board, 98, 102, 376, 228, "Revenue by month, in thousand euros")

    def at(month: int, value: float) -> Point:
        return 126 + month * 21.6, 210 - value * 1.4

    for value in (0, 20, 40, 60):
        y = at(0, value)[1]
        board.stroke([(122, y), (368, y)], RULE, width=0.8)
        board.text(117, y + 2.4, str(value), SANS, 6.4, MUTED, anchor="rs")
    for month, name in enumerate(MONTHS):
        board.text(at(month, 0)[0], 221, name, SANS, 6.4, MUTED, anchor="ms")
    this_year = smooth([at(month, value) for month, value in enumerate(THIS_YEAR)])
    board.glow([at(0, 0), *this_year, at(11, 0)], BLUE, opacity=0.13)
    last_year = smooth([at(month, value) for month, value in enumerate(LAST_YEAR)], steps=10)
    for start in range(0, len(last_year) - 3, 6):
        board.stroke(last_year[start : start + 4], "#9aa6bf", width=1.2)
    board.stroke(this_year, BLUE, width=1.8)
    for month, value in enumerate(THIS_YEAR):
        board.disc(*at(month, value), 2.2, fill="#ffffff", ink=BLUE, width=1.2)
    for x, name, colour in ((292, "2025", BLUE), (330, "2024", "#9aa6bf")):
        board.stroke([(x, 116), (x + 9, 116)], colour, width=1.8)
        board.text(x + 13, 118.5, name, SANS, 6.8, SLATE)


def draw_shares(board: Canvas) -> None:
    card(board, 384, 102, 504, 228, "Sales channels")
    shares = (("Web", 46, BLUE), ("Shops", 27, GREEN), ("App", 18, AMBER), ("Phone", 9, ROSE))
    turned = -90.0
    for _, share, colour in shares:
        end = turned + share * 3.6
        board.shape(
            [(444, 156), *arc(444, 156, 30, start=turned, end=end)],
            colour,
            ink="#ffffff",
            width=1.2,
        )
        turned = end
    board.disc(444, 156, 18, fill="#ffffff")
    board.text(444, 159, "12.9 k", SANS_BOLD, 8, SLATE, anchor="ms")
    for number, (name, share, colour) in enumerate(shares):
        x, y = 394 + number % 2 * 54, 205 + number // 2 * 13
        board.box(x, y - 5, x + 5, y, fill=colour, radius=1)
        board.text(x + 8, y, name, SANS, 6.2, SLATE)
        board.text(x + 46, y, f"{share}%", SANS_BOLD, 6, SLATE, anchor="rs")


def draw_bars(board: Canvas) -> None:
    card(board, 98, 236, 270, 328, "Orders by weekday")
    week = (
        ("Mon", 1553),
        ("Tue", 1402),
        ("Wed", 1753),
        ("Thu", 2004),
        ("Fri", 2605),
        ("Sat", 2355),
        ("Sun", 1202),
    )
    for number, (day, orders) in enumerate(week):
        x, top = 110 + number * 22.2, 312 - orders / 60
        board.box(x, top, x + 13, 312, fill=BLUE if day == "Fri" else "#b9cbfb", radius=2)
        board.text(x + 6.5, top - 3, str(orders), SANS, 5.6, MUTED, anchor="ms")
        board.text(x + 6.5, 322, day, SANS, 6.4, MUTED, anchor="ms")


def draw_table(board: Canvas) -> None:
    card(board, 278, 236, 504, 328, "Best sellers")
    board.text(430, 252, "Sold", SANS, 6.4, MUTED, anchor="rs")
    board.text(494, 252, "Trend", SANS, 6.4, MUTED, anchor="rs")
    rows = (
        ("House espresso, 1 kg", "1,942", (2, 3, 3, 5, 6, 8)),
        ("Paper filters, 100 pcs", "1,310", (4, 4, 5, 4, 5, 6)),
        ("Enamel mug, sea green", "876", (3, 5, 4, 6, 5, 7)),
        ("Hand grinder No. 2", "431", (6, 5, 6, 4, 4, 3)),
    )
    for number, (name, sold, trend) in enumerate(rows):
        y = 268 + number * 16.5
        board.stroke([(288, y - 10.5), (494, y - 10.5)], RULE, width=0.8)
        board.text(288, y, name, SANS, 7.2, SLATE)
        board.text(430, y, sold, SANS_BOLD, 7.2, SLATE, anchor="rs")
        line = [(456 + step * 7.4, y + 1 - value) for step, value in enumerate(trend)]
        board.stroke(line, GREEN if trend[-1] > trend[0] else ROSE, width=1.3)


def dashboard() -> Image.Image:
    """A screenshot of a web shop's figures, small enough that its labels blur."""
    board = Canvas(516, 340, "#f4f6fb")
    draw_menu(board)
    board.text(98, 25, "Sales overview", SANS_BOLD, 12.5, SLATE)
    board.text(98, 37, "January to December 2025", SANS, 7.2, MUTED)
    board.box(438, 13, 504, 32, fill=BLUE, radius=4)
    board.text(471, 25.4, "Export PDF", SANS_BOLD, 7.4, "#ffffff", anchor="ms")
    draw_figures(board)
    draw_lines(board)
    draw_shares(board)
    draw_bars(board)
    draw_table(board)
    return board.finished()
