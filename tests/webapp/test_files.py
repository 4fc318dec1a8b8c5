"""Files that live as long as the objects that name them."""

from __future__ import annotations

import gc
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.base.errors import StorageFullError
from webapp.base.files import LOCK, Disk

ROOT = Path(__file__).resolve().parents[2]


def names(disk: Disk) -> set[str]:
    return {path.name for path in disk.folder.iterdir()} - {LOCK}


def test_a_file_is_read_as_it_was_stored_and_goes_with_its_object(tmp_path: Path) -> None:
    disk = Disk(max_bytes=100, parent=tmp_path)
    stored = disk.store(b"picture")

    assert (stored.read(), stored.nbytes, disk.nbytes) == (b"picture", 7, 7)
    del stored
    gc.collect()

    assert names(disk) == set()
    assert disk.nbytes == 0


def test_no_other_user_can_read_the_folder(tmp_path: Path) -> None:
    disk = Disk(max_bytes=100, parent=tmp_path)

    assert stat.S_IMODE(disk.folder.stat().st_mode) == 0o700


def test_a_full_disk_refuses_and_has_room_again_later(tmp_path: Path) -> None:
    disk = Disk(max_bytes=10, parent=tmp_path)
    first = disk.store(b"12345678")
    with pytest.raises(StorageFullError):
        disk.store(b"123")
    assert len(names(disk)) == 1

    del first
    gc.collect()

    assert disk.store(b"1234567890").nbytes == 10


def test_a_write_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    disk = Disk(max_bytes=100, parent=tmp_path)

    def break_off() -> None:
        with disk.writing() as writer:
            writer.write(b"half")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()

    assert names(disk) == set()
    assert disk.nbytes == 0


def test_a_file_that_is_still_mapped_is_deleted_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to delete it; Linux would not."""
    disk = Disk(max_bytes=100, parent=tmp_path)
    stored = disk.store(b"picture")
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "in use", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    del stored
    gc.collect()
    assert disk.nbytes == 7
    assert len(names(disk)) == 1

    monkeypatch.setattr(Path, "unlink", unlink)
    other = disk.store(b"x")
    del other
    gc.collect()
    assert disk.nbytes == 0
    assert names(disk) == set()


def test_the_folder_goes_with_the_disk(tmp_path: Path) -> None:
    disk = Disk(max_bytes=100, parent=tmp_path)
    folder = disk.folder
    del disk
    gc.collect()

    assert not folder.exists()


def test_the_folder_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    living = Disk(max_bytes=100, parent=tmp_path)
    script = (
        "import os, sys; from pathlib import Path; from webapp.base.files import Disk; "
        "disk = Disk(max_bytes=9, parent=Path(sys.argv[1])); kept = disk.store(b'x'); "
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], cwd=ROOT, check=False)
    assert len(list(tmp_path.iterdir())) == 2

    next_one = Disk(max_bytes=100, parent=tmp_path)

    assert set(tmp_path.iterdir()) == {living.folder, next_one.folder}


@pytest.mark.parametrize("nbytes", [100, 200_000])
def test_a_disk_of_the_machine_that_is_full_is_named(tmp_path: Path, nbytes: int) -> None:
    """The error comes while a large file is written, or at the end of a small one."""
    script = (
        "import resource, sys; from pathlib import Path; from webapp.base.files import Disk\n"
        "from webapp.base.errors import StorageFullError\n"
        "disk = Disk(max_bytes=10**9, parent=Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))\n"
        "try: disk.store(bytes(int(sys.argv[2])))\n"
        "except StorageFullError: print('named', disk.nbytes)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path, str(nbytes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "named 0\n", done.stderr
