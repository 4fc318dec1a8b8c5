"""`python -m backend upscale`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from backend.bulk.files import new_file, read_file, remove_abandoned_parts
from backend.bulk.work import DONE, FAILED, Result, work_all
from backend.commands.interrupt import INTERRUPTED, Interrupt
from backend.commands.lines import silence, visible, write_line
from backend.commands.parser import options_from
from backend.commands.report import Report, failure_line
from backend.commands.targets import (
    PIPE,
    Task,
    chosen_format,
    expanded,
    is_file_output,
    tasks_from,
)
from backend.engine import Upscaled, Watch
from backend.errors import CancelledError, RequestError, SourceNotFoundError, SuperResolutionError
from backend.factory import create_engine
from backend.images.formats import INPUT_SUFFIXES, PNG, automatic_format, format_from_signature
from backend.images.notes import NOTES
from backend.inference.local_engine import LocalEngine
from backend.options import AUTO, UpscaleOptions
from backend.settings import Settings


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Return 0 when every file went well, 1 when one failed, 130 when stopped by Ctrl-C."""
    inputs = expanded(arguments.inputs)
    is_file = is_file_output(inputs, arguments.output)
    given = options_from(arguments)
    name = chosen_format(arguments.output, is_file=is_file, requested=given.format)
    options = replace(given, format=name)
    engine = create_engine(settings)
    # An unknown model is one error, not one for every file.
    spec = engine.registry.find(name=options.model or settings.model, scale=options.scale)
    spec.with_detail(options.detail)
    tasks, left_out = tasks_from(
        inputs, arguments.output, is_file=is_file, recursive=arguments.recursive
    )
    if not tasks:
        raise RequestError(f"There are no pictures ({', '.join(INPUT_SUFFIXES)}) in the folder.")
    for folder in {task.folder for task in tasks}:
        remove_abandoned_parts(folder)
    report = Report()
    with Interrupt() as interrupt:
        worker = Worker(
            engine,
            options,
            tasks,
            may_replace=arguments.force,
            is_piped=arguments.output == PIPE,
            interrupt=interrupt,
        )
        for result in work_all(worker.tasks(), worker.work, at_once=1):
            report.add(result)
            _tell(result, lines=sys.stderr if worker.is_piped else sys.stdout)
        is_stopped = interrupt.is_requested()
    if len(tasks) > 1 or left_out:
        counts = [f"{report.done} done", f"{report.failures} failed"]
        counts += [f"{len(tasks) - report.done - report.failures} not done"] if is_stopped else []
        counts += [f"{left_out} left out"] if left_out else []
        write_line(sys.stderr, ", ".join(counts))
    if is_stopped:
        return INTERRUPTED
    return 1 if report.failures else 0


def _tell(result: Result, *, lines: TextIO) -> None:
    """Print a picture's line, or its error, and what the result lacks."""
    if result.outcome == DONE:
        write_line(lines, result.line)
    else:
        write_line(sys.stderr, failure_line(result))
    for note in result.notes:
        write_line(sys.stderr, f"{result.key}: {NOTES.get(note, note)}")


class Worker:
    """Upscales files one after another, each with its own progress bar."""

    def __init__(
        self,
        engine: LocalEngine,
        options: UpscaleOptions,
        tasks: Sequence[Task],
        *,
        may_replace: bool,
        is_piped: bool,
        interrupt: Interrupt,
    ) -> None:
        self._engine = engine
        self._options = options
        self._tasks = tasks
        self._inputs = frozenset(_identity(task.source) for task in tasks if not task.is_piped)
        self._may_replace = may_replace
        self.is_piped = is_piped
        self._interrupt = interrupt
        self._written: set[Hashable] = set()
        self._begun = 0

    def tasks(self) -> Iterator[Task]:
        """Hand out the tasks until Ctrl-C."""
        for task in self._tasks:
            if self._interrupt.is_requested():
                return
            yield task

    def work(self, task: Task) -> Result:
        """Make one result; raise CancelledError after Ctrl-C."""
        if self._interrupt.is_requested():
            raise CancelledError
        self._begun += 1
        started = time.perf_counter()
        try:
            target, result = self._upscale(task)
        except CancelledError:
            write_line(sys.stderr, f"{task.key}: stopped")
            raise
        except SuperResolutionError as exc:
            return Result.without(task.key, exc, outcome=FAILED)
        (lr_width, lr_height), seconds = result.lr_size, time.perf_counter() - started
        line = (
            f"{task.key} -> {target}  {lr_width}x{lr_height} -> "
            f"{result.width}x{result.height}  {seconds:.2f} s"
        )
        pixels = lr_width * lr_height
        return Result(key=task.key, outcome=DONE, pixels=pixels, line=line, notes=result.notes)

    def _upscale(self, task: Task) -> tuple[Path | str, Upscaled]:
        data = self._read(task)
        if self.is_piped:
            result = self._run(task, data)
            _write_to_pipe(result.data)
            return PIPE, result
        # The target is tried before the work, so that no finished result is lost.
        expected = self._check_target(task, format=_expected_format(data, self._options))
        with new_file(expected) as part:
            result = self._run(task, data)
            target = self._check_target(task, format=result.format)
            part.write_bytes(result.data)
            part.replace(target)
        self._written.add(_identity(target))
        return target, result

    def _read(self, task: Task) -> bytes:
        max_bytes = self._engine.settings.max_image_bytes
        if task.problem is not None:
            raise SourceNotFoundError(task.problem)
        if task.is_piped:
            # One byte more than the limit is enough for the engine to refuse it.
            return sys.stdin.buffer.read(max_bytes + 1)
        content = read_file(task.source, max_bytes=max_bytes)
        assert content is not None
        return content.data

    def _run(self, task: Task, data: bytes) -> Upscaled:
        position = f"{self._begun}/{len(self._tasks)}"
        with tqdm(
            desc=f"{position} {visible(task.source.name)}", unit="tile", leave=False, disable=None
        ) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            watch = Watch(on_progress=show, is_cancelled=self._interrupt.is_requested)
            return self._engine.upscale(data, self._options, watch=watch)

    def _check_target(self, task: Task, *, format: str) -> Path:
        """Return where the result goes; raise RequestError if an existing file must stay."""
        target = task.target(self._options, format=format)
        if os.path.exists(target):  # noqa: PTH110 - no file has a name that is too long
            if _identity(target) in self._inputs:
                raise RequestError(f"The result would overwrite the input '{target}'.")
            if _identity(target) in self._written:
                raise RequestError(f"The result would overwrite that of another input, '{target}'.")
            if not self._may_replace:
                raise RequestError(f"'{target}' exists; --force replaces it.")
        return target


def _identity(path: Path) -> Hashable:
    """Return a file's identity, the same for `A.jpg` and `a.jpg` on macOS; None if there is no
    file.
    """
    try:
        about = path.stat()
    except OSError:
        return None
    # Some Windows network drives do not number files.
    return (about.st_dev, about.st_ino) if about.st_ino else path.resolve()


def _write_to_pipe(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as exc:
        silence(sys.stdout)
        reason = f"Standard output cannot be written: {exc.strerror}."
        raise SuperResolutionError(reason) from exc


def _expected_format(data: bytes, options: UpscaleOptions) -> str:
    if options.format != AUTO:
        return options.format
    return automatic_format(format_from_signature(data) or PNG, has_alpha=False).name
