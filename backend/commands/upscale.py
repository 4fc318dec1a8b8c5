"""`python -m backend upscale`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from backend.commands.interrupt import INTERRUPTED, Interrupt
from backend.commands.parser import options_from
from backend.commands.targets import Job, chosen_format, expanded, is_file_output, jobs
from backend.engine import Upscaled, Watch
from backend.errors import CancelledError, RequestError, SuperResolutionError
from backend.factory import create_engine
from backend.images.formats import INPUT_SUFFIXES, PNG, automatic_format, format_from_signature
from backend.inference.local_engine import LocalEngine
from backend.options import UpscaleOptions
from backend.settings import Settings


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """0 when every file went well, 1 when one failed, 130 when stopped by Ctrl-C."""
    sources = list(expanded(arguments.inputs))
    is_file = is_file_output(sources, arguments.output)
    given = options_from(arguments)
    name = chosen_format(arguments.output, is_file=is_file, requested=given.format)
    options = replace(given, format=name)
    engine = create_engine(settings)
    # An unknown model is one error, not one for every file.
    spec = engine.registry.find(name=options.model or settings.model, scale=options.scale)
    spec.with_detail(options.detail)
    work = list(jobs(sources, arguments.output, recursive=arguments.recursive))
    if not work:
        raise RequestError(f"There are no pictures ({', '.join(INPUT_SUFFIXES)}) in the folder.")
    inputs = frozenset(identity for job in work if (identity := _identity(job.source)))
    batch = Batch(engine, options, inputs=inputs, may_replace=arguments.force)
    with Interrupt() as interrupt:
        for number, job in enumerate(work, start=1):
            if not batch.do(job, position=f"{number}/{len(work)}", interrupt=interrupt):
                return INTERRUPTED
    if len(work) > 1:
        sys.stderr.write(f"{len(work) - batch.failures} done, {batch.failures} failed\n")
    return 1 if batch.failures else 0


class Batch:
    """Upscales one file after the other and writes a line on each."""

    def __init__(
        self,
        engine: LocalEngine,
        options: UpscaleOptions,
        *,
        inputs: frozenset[Hashable],
        may_replace: bool,
    ) -> None:
        self._engine = engine
        self._options = options
        self._inputs = inputs
        self._may_replace = may_replace
        self._written: set[Hashable] = set()
        self.failures = 0

    def do(self, job: Job, *, position: str, interrupt: Interrupt) -> bool:
        """False when interrupted; a failure of one file is counted and reported."""
        started = time.perf_counter()
        try:
            target, result = self._upscale(job, position=position, interrupt=interrupt)
        except CancelledError:
            sys.stderr.write(f"{job.source}: stopped\n")
            return False
        except SuperResolutionError as exc:
            self._fail(job, f"{exc.message} ({exc.code})")
        except OSError as exc:
            self._fail(job, _explain(exc, job))
        else:
            (lr_width, lr_height), seconds = result.lr_size, time.perf_counter() - started
            sys.stdout.write(
                f"{job.source} -> {target}  {lr_width}x{lr_height} -> "
                f"{result.width}x{result.height}  {seconds:.2f} s\n"
            )
            sys.stdout.flush()
        return True

    def _fail(self, job: Job, reason: str) -> None:
        self.failures += 1
        sys.stderr.write(f"{job.source}: {reason}\n")

    def _upscale(self, job: Job, *, position: str, interrupt: Interrupt) -> tuple[Path, Upscaled]:
        data = _read(job.source, at_most=self._engine.settings.max_image_bytes)
        # Also checked before the work, so that nobody waits for a result that is then refused.
        self._check_target(job, format=_expected_format(data, self._options))
        with tqdm(
            desc=f"{position} {job.source.name}", unit="tile", leave=False, disable=None
        ) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            watch = Watch(on_progress=show, is_cancelled=interrupt.is_requested)
            result = self._engine.upscale(data, self._options, watch=watch)
        target = self._check_target(job, format=result.format)
        _write(target, result.data)
        self._written.add(_identity(target))
        return target, result

    def _check_target(self, job: Job, *, format: str) -> Path:
        """Where the result goes; RequestError when something is there that must stay."""
        target = job.target(self._options, format=format)
        if target.exists():
            if _identity(target) in self._inputs:
                raise RequestError(f"The result would overwrite the input '{target}'.")
            if _identity(target) in self._written:
                raise RequestError(f"The result would overwrite that of another input, '{target}'.")
            if not self._may_replace:
                raise RequestError(f"'{target}' exists; --force replaces it.")
        return target


def _identity(path: Path) -> Hashable:
    """Return what is the same for all names of a file, as for `A.jpg` and `a.jpg` on macOS.

    None for no file.
    """
    try:
        about = path.stat()
    except OSError:
        return None
    # Some network drives of Windows number no files.
    return (about.st_dev, about.st_ino) if about.st_ino else path.resolve()


def _explain(error: OSError, job: Job) -> str:
    reason = error.strerror or "it cannot be read or written"
    is_about_input = error.filename in (None, str(job.source))
    return reason if is_about_input else f"{error.filename}: {reason}"


def _read(path: Path, *, at_most: int) -> bytes:
    """One byte more than the limit at most: enough for the service to refuse it."""
    with path.open("rb") as file:
        return file.read(at_most + 1)


def _expected_format(data: bytes, options: UpscaleOptions) -> str:
    if options.format != "auto":
        return options.format
    return automatic_format(format_from_signature(data) or PNG, has_alpha=False).name


def _write(target: Path, data: bytes) -> None:
    """Under another name first, so that the target is whole or not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
