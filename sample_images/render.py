"""Draw this project's own sample pictures: a book page, a comic, a dashboard and a sticker.

A developer's script; the page never runs it. It needs Pillow and the DejaVu fonts, and gives the
same pixels every time for the same Pillow and fonts: `python sample_images/render.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from drawings.book_page import printed_text
from drawings.canvas import FontMissingError
from drawings.comic import comic_panel
from drawings.dashboard import dashboard
from drawings.fox import fox_sticker

PICTURES = {
    "printed-text.png": printed_text,
    "comic.png": comic_panel,
    "dashboard.png": dashboard,
    "fox-sticker.png": fox_sticker,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw this project's own sample pictures.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    for file, picture in PICTURES.items():
        try:
            drawn = picture()
        except FontMissingError as missing:
            parser.exit(1, f"{file}: {missing}\n")
        drawn.save(arguments.out / file, optimize=True)


if __name__ == "__main__":
    main()
