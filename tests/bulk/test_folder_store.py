"""Results in a folder, whenever their process is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backend.bulk.folder_store import PARTS, FolderStore
from backend.errors import SourceUnreachableError, SuperResolutionError

OLD, NEW = {"source": "1"}, {"source": "2"}
KILLED_AT = """
import os, pathlib, signal, sys
from backend.bulk.folder_store import FolderStore

steps = iter(range(1000))
last = int(sys.argv[2])

def dying(name, do):
    def step(self, *arguments, **named):
        if next(steps) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(self, *arguments, **named)
    return step

for name in ("write_bytes", "unlink", "mkdir", "replace"):
    setattr(pathlib.Path, name, dying(name, getattr(pathlib.Path, name)))
FolderStore(pathlib.Path(sys.argv[1])).write(
    "deep/a.png", b"new result", media_type="image/png", metadata={"source": "2"}
)
print(next(steps))
"""
"""A script that replaces a result, and dies before its n-th step."""


def write_new(folder: Path, *, killed_at: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED_AT, str(folder), str(killed_at)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_result_is_the_old_one_or_the_new_one_or_none_whenever_the_process_dies(
    tmp_path: Path,
) -> None:
    found = set()
    for step in range(1000):
        folder = tmp_path / str(step)
        store = FolderStore(folder)
        store.write("deep/a.png", b"old", media_type="image/png", metadata=OLD)
        done = write_new(folder, killed_at=step)
        metadata, path = store.head("deep/a.png"), folder / "deep" / "a.png"
        data = path.read_bytes() if path.exists() else None
        found.add(data)
        assert (metadata, data) in ((OLD, b"old"), (NEW, b"new result"), (None, None)), step
        store.write("deep/a.png", b"new result", media_type="image/png", metadata=NEW)
        store.remove_abandoned_parts()
        assert store.head("deep/a.png") == NEW
        assert list((folder / PARTS).iterdir()) == []
        if done.returncode == 0:
            assert step == int(done.stdout) > 5
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert found == {b"old", b"new result", None}


def test_a_file_that_was_cut_off_is_no_result(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("a.png", b"whole", media_type="image/png", metadata=OLD)
    assert store.head("a.png") == OLD
    (tmp_path / "a.png").write_bytes(b"who")
    assert store.head("a.png") is None


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"size": "many"}', "null"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, record: str) -> None:
    store = FolderStore(tmp_path)
    store.write("a.png", b"whole", media_type="image/png", metadata=OLD)
    (tmp_path / "_done" / "a.png.json").write_text(record)
    assert store.head("a.png") is None


def test_parts_of_a_process_that_lives_are_left_to_it(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("a.png", b"", media_type="image/png")
    mine = tmp_path / PARTS / f"{os.uname().nodename}.{os.getpid()}.7"
    others = tmp_path / PARTS / "another-machine.1.7"
    for part in (mine, others):
        part.write_bytes(b"half")
    store.remove_abandoned_parts()
    assert mine.exists() and others.exists()


@pytest.mark.parametrize(
    "key", ["../outside.png", "/etc/outside.png", "a/../../outside.png", "a//b.png", "./a.png"]
)
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "in" / "here"
    store = FolderStore(folder)
    store.write(key, b"result", media_type="image/png", metadata=OLD)
    assert store.head(key) == OLD
    content = store.read(key, max_bytes=100)
    assert content is not None and content.data == b"result"
    written = [path for path in tmp_path.rglob("*.png") if path.is_file()]
    assert len(written) == 1 and folder in written[0].parents


def test_subfolders_are_listed_and_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    for name in ("a.png", "deep/er/b.JPG", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nothing")
    keys = {each.key for each in FolderStore(tmp_path).list()}
    assert keys == {"a.png", "deep/er/b.JPG", "link.png"}


def test_a_folder_that_is_not_there_and_a_place_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachableError, match="No such file"):
        list(FolderStore(tmp_path / "none").list())
    (tmp_path / "deep").write_bytes(b"a file")
    with pytest.raises(SuperResolutionError, match="could not be stored: "):
        FolderStore(tmp_path).write("deep/a.png", b"", media_type="image/png", metadata=OLD)
    with pytest.raises(SourceUnreachableError):
        FolderStore(tmp_path).read("deep/a.png", max_bytes=1)
