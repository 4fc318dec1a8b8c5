"""The wheel: `backend` and `webapp` become the one package `super_resolution`.

Names as common as `backend` belong to the programs that use this one. In the wheel `backend` is
called `super_resolution` and `webapp` is `super_resolution.webapp`; only the names in import
statements and those of loggers differ from the sources.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "super_resolution"
RENAMED = {"backend": PACKAGE, "webapp": f"{PACKAGE}.webapp"}
FOLDERS = {
    "backend": PACKAGE,
    "webapp": f"{PACKAGE}/webapp",
    "sample_images": f"{PACKAGE}/sample_images",
    ".streamlit": f"{PACKAGE}/webapp/.streamlit",
}
LEFT_OUT = ("__pycache__", "secrets.toml", "photographs.py", "render.py")
DOTTED = re.compile(rf"({'|'.join(RENAMED)})(\.\w+)*")
NAMED = re.compile(rf"({'|'.join(RENAMED)})\.[\w.]*")
"""A module's name, or its beginning, where it may be the text of an import."""


class Hook(BuildHookInterface[Any]):
    """Hatchling's build hook."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to the wheel, each under its new path."""
        if self.target_name != "wheel":
            return
        if version == "editable":
            raise RuntimeError(
                "there is no editable install: the wheel renames its packages. In the clone, "
                "use `python -m backend`, or install with `pip install .`"
            )
        root = Path(self.root)
        self._work = TemporaryDirectory()
        work = Path(self._work.name)
        for folder, place in FOLDERS.items():
            for path in sorted((root / folder).rglob("*")):
                if path.is_file() and not set(path.parts) & set(LEFT_OUT):
                    target = f"{place}/{path.relative_to(root / folder).as_posix()}"
                    build_data["force_include"][str(self._source(path, work / target))] = target

    def finalize(self, *_: object) -> None:
        """Delete the copies."""
        if self.target_name == "wheel":
            self._work.cleanup()

    def _source(self, path: Path, copy: Path) -> Path:
        """Return the file to pack: the file itself, or a copy with the packages renamed."""
        if path.suffix != ".py":
            return path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(renamed(path.read_bytes(), str(path)))
        return copy


def renamed(source: bytes, name: str) -> bytes:
    """Rename the packages in a module's imports and in the names of its loggers."""
    lines = source.splitlines(keepends=True)
    changes: list[tuple[int, int, str]] = []
    tree = ast.parse(source, name)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module.partition(".")[0] in RENAMED:
                changes.append((node.lineno, node.col_offset + len("from "), node.module))
        elif isinstance(node, ast.Import):
            if any(each.name.partition(".")[0] in RENAMED for each in node.names):
                raise ValueError(f"{name}:{node.lineno}: import names from the package instead")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "logging.getLogger":
            for each in node.args:
                name_of_logger = each.value if isinstance(each, ast.Constant) else None
                if isinstance(name_of_logger, str) and DOTTED.fullmatch(name_of_logger):
                    changes.append((each.lineno, each.col_offset + 1, name_of_logger))
    _refuse_texts(tree, name, {change[:2] for change in changes})
    for line, column, word in sorted(changes, reverse=True):
        text = lines[line - 1]
        start, rest = text[:column], text[column:]
        old = word.encode()
        if not rest.startswith(old):
            raise ValueError(f"{name}:{line}: '{word}' is not where it should be")
        first, dot, tail = word.partition(".")
        lines[line - 1] = start + (RENAMED[first] + dot + tail).encode() + rest[len(old) :]
    return b"".join(lines)


def _refuse_texts(tree: ast.AST, name: str, renamed_at: set[tuple[int, int]]) -> None:
    """Raise ValueError for a text that would still name the packages as the sources do."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and NAMED.fullmatch(node.value)
            and (node.lineno, node.col_offset + 1) not in renamed_at
        ):
            raise ValueError(f"{name}:{node.lineno}: take '{node.value}' from `__name__`")
