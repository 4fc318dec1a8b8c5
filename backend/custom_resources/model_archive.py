"""The archive of networks in S3, and the folder it becomes on a shared file system."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import ModelError
from backend.models.manifest import read_manifest, verified_bytes

CHUNK_BYTES = 2**20
UNFINISHED = ".unfinished-"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class ModelArchive:
    """One zip or tar.gz with a `manifest.json` and its networks at the top level."""

    bucket: str
    key: str
    sha256: str
    parent: Path
    """The mounted folder that holds a folder for each archive."""

    @classmethod
    def from_properties(cls, properties: Mapping[str, object]) -> ModelArchive:
        """Read `Bucket`, `Key`, `Sha256` and `Directory`; ModelError when one is bad."""
        try:
            bucket, key, sha256, directory = (
                str(properties[name]) for name in ("Bucket", "Key", "Sha256", "Directory")
            )
        except KeyError as exc:
            raise ModelError("The resource needs Bucket, Key, Sha256 and Directory.") from exc
        if not _SHA256.fullmatch(sha256):
            raise ModelError("Sha256 is 64 hexadecimal digits in small letters.")
        return cls(bucket=bucket, key=key, sha256=sha256, parent=Path(directory))

    @property
    def folder(self) -> Path:
        """The folder, named by the content, so that a new version never changes files in use."""
        return self.parent / self.sha256[:16]

    def install(self, s3: Any, *, check_time: Callable[[], None]) -> None:
        """Put the folder there completely or not at all; a second time does nothing.

        ModelError for a wrong file, OSError or botocore's errors otherwise; `check_time` raises
        when there is no time left.
        """
        if not self.parent.is_dir():
            raise FileNotFoundError("the file system is not mounted")
        for rest in self.parent.glob(f"{UNFINISHED}*"):
            shutil.rmtree(rest, ignore_errors=True)
        if self.folder.is_dir() and _is_whole(self.folder):
            return
        unfinished = self.parent / f"{UNFINISHED}{uuid.uuid4()}"
        try:
            with tempfile.TemporaryDirectory() as local:
                packed = Path(local) / Path(self.key).name
                self._download(s3, packed, check_time)
                _unpack(packed, unfinished)
            _verify(unfinished, check_time)
            if self.folder.exists():
                self.folder.rename(self.parent / f"{UNFINISHED}{uuid.uuid4()}")
            unfinished.rename(self.folder)
        finally:
            for rest in self.parent.glob(f"{UNFINISHED}*"):
                shutil.rmtree(rest, ignore_errors=True)

    def _download(self, s3: Any, target: Path, check_time: Callable[[], None]) -> None:
        digest = hashlib.sha256()
        body = s3.get_object(Bucket=self.bucket, Key=self.key)["Body"]
        with target.open("wb") as file:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                check_time()
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != self.sha256:
            raise ModelError("The archive's sha256 is not the one in the template.")


def remove_others(parent: Path, *, keep: tuple[Path, ...]) -> None:
    """Remove versions that are no longer used."""
    for folder in parent.iterdir():
        if folder not in keep and re.fullmatch(r"[0-9a-f]{16}", folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def _unpack(packed: Path, target: Path) -> None:
    try:
        if packed.suffix == ".zip":  # which takes no filter, and skips what leads outside
            shutil.unpack_archive(packed, target)
        else:
            shutil.unpack_archive(packed, target, filter="data")
    except (shutil.ReadError, ValueError) as exc:
        raise ModelError("The archive is neither a zip nor a tar file.") from exc


def _verify(folder: Path, check_time: Callable[[], None]) -> None:
    """Check every network; raise ModelError if one is wrong, OSError if a retry may help."""
    try:
        for spec in read_manifest(folder):
            check_time()
            verified_bytes(spec)
    except ModelError as exc:
        cause = exc.__cause__
        if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
            raise cause from exc
        raise


def _is_whole(folder: Path) -> bool:
    try:
        _verify(folder, lambda: None)
    except ModelError:
        return False
    return True
