"""One picture of many: its outcome, and the requests of a second run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import pytest

from backend import LocalEngine, UpscaleOptions
from backend.bulk.folder_store import FolderStore
from backend.bulk.s3_store import S3Store
from backend.bulk.store import Item, Stores
from backend.bulk.work import (
    DONE,
    FAILED,
    FAULT,
    SKIPPED,
    Job,
    Result,
    in_shard,
    make_job,
    result_format,
    result_key,
    work,
    work_all,
)
from backend.engine import Upscaled, Watch
from backend.errors import (
    CancelledError,
    ModelError,
    SourceNotAllowedError,
    SuperResolutionError,
    UnknownModelError,
)
from backend.images.formats import FORMATS, INPUT_SUFFIXES
from backend.models.manifest import SHIPPED
from backend.models.registry import Registry, load_registry
from testbed.aws.s3 import S3, StoredObject
from testbed.aws.signature import ENVIRONMENT

FAST = UpscaleOptions(model="fast")


def job_for(engine: LocalEngine, **options: object) -> Job:
    given = UpscaleOptions(**{"model": "fast", **options})  # type: ignore[arg-type]
    return make_job(engine, engine.registry, given, engine.settings)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    with S3(buckets=("photos", "results")) as server:
        for name, value in {**ENVIRONMENT, **server.environment}.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(params=["folder", "s3"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    """The same tests for both kinds of store."""
    if request.param == "folder":
        return Folders(tmp_path)
    return Buckets(request.getfixturevalue("s3"))


class Places(Protocol):
    """A source and a target, with access to their contents."""

    stores: Stores

    def put(self, key: str, data: bytes) -> Item: ...

    def results(self) -> dict[str, bytes]:
        """Return the contents without the store's own files."""
        ...

    def remove(self, key: str) -> None:
        """Remove a result."""
        ...


class Folders:
    def __init__(self, folder: Path) -> None:
        self.source, self.target = folder / "in", folder / "out"
        self.source.mkdir()
        self.stores = Stores(source=FolderStore(self.source), target=FolderStore(self.target))

    def put(self, key: str, data: bytes) -> Item:
        path = self.source / key
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_bytes(data)
        os.utime(path, ns=(before, before + 10**9))  # a clock may stand still between two writes
        return next(each for each in self.stores.source.list() if each.key == key)

    def results(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.target).as_posix(): path.read_bytes()
            for path in self.target.rglob("*")
            if path.is_file() and "_done" not in path.parts
        }

    def remove(self, key: str) -> None:
        (self.target / key).unlink()


class Buckets:
    def __init__(self, s3: S3) -> None:
        self._s3 = s3
        self.stores = Stores(
            source=S3Store.from_address("s3://photos/small"),
            target=S3Store.from_address("s3://results/large/"),
        )

    def put(self, key: str, data: bytes) -> Item:
        self._s3.objects[f"photos/small/{key}"] = StoredObject(data=data)
        return next(each for each in self.stores.source.list() if each.key == key)

    def results(self) -> dict[str, bytes]:
        start = "results/large/"
        return {
            name.removeprefix(start): each.data
            for name, each in self._s3.objects.items()
            if name.startswith(start)
        }

    def remove(self, key: str) -> None:
        del self._s3.objects[f"results/large/{key}"]


class Failing:
    """An `Engine` that always fails."""

    models: Mapping[str, Sequence[int]] = MappingProxyType({})
    details: Mapping[str, int] = MappingProxyType({})

    def __init__(self, error: Exception) -> None:
        self._error = error

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        raise self._error

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        return 0.0


Bytes = Callable[..., bytes]


def test_the_result_is_what_the_engine_makes(
    places: Places, engine: LocalEngine, photo_bytes: Bytes
) -> None:
    picture = photo_bytes("PNG")
    result = work(places.put("deep/a b.png", picture), job_for(engine), places.stores)
    assert result == Result(key="deep/a b.png", outcome=DONE, pixels=96 * 64)
    assert places.results() == {"deep/a b.png": engine.upscale(picture, FAST).data}


def test_finished_pictures_are_skipped_with_and_without_a_known_version(
    places: Places, engine: LocalEngine, photo_bytes: Bytes
) -> None:
    item = places.put("a.png", photo_bytes("PNG"))
    job = job_for(engine)
    for version in (item.version, None):
        assert work(replace(item, version=version), job, places.stores).outcome != FAILED
    before = places.results()
    idle = replace(job, engine=Failing(AssertionError("it was worked on again")))
    for version in (item.version, None):
        assert work(replace(item, version=version), idle, places.stores).outcome == SKIPPED
    assert places.results() == before


@pytest.mark.parametrize("change", ["picture", "options", "network", "result"])
def test_a_picture_is_done_again_when_anything_differs(
    places: Places, engine: LocalEngine, photo_bytes: Bytes, change: str
) -> None:
    job = job_for(engine)
    item = places.put("a.jpg", photo_bytes("JPEG"))
    assert work(item, job, places.stores).outcome == DONE
    before = places.results()
    if change == "picture":
        item = places.put("a.jpg", photo_bytes("JPEG", quality=20))
    elif change == "options":
        job = job_for(engine, cleanup=100)
    elif change == "network":
        job = job_for(engine, model="quality")
    else:
        places.remove("a.jpg")
    assert work(item, job, places.stores).outcome == DONE
    assert (places.results() == before) is (change == "result")
    assert work(item, job, places.stores).outcome == SKIPPED


def test_a_picture_that_cannot_be_read_is_reported_beside_the_results(
    places: Places, engine: LocalEngine
) -> None:
    for key, data, code in (
        ("broken.png", b"\x89PNG\r\n\x1a\nand no more", "invalid_image"),
        ("deep/text.jpg", b"hello", "unsupported_media_type"),
        ("large.jpg", b"\xff\xd8" + bytes(100), "payload_too_large"),
    ):
        job = replace(job_for(engine), max_bytes=60)
        result = work(places.put(key, data), job, places.stores)
        assert (result.outcome, result.error) == (FAILED, code)
        written = json.loads(places.results()[f"_failed/{key}.json"])
        assert (written["key"], written["error"]) == (key, code)
        assert written["message"] == result.message
    assert all(key.startswith("_failed/") for key in places.results())


def test_a_picture_that_is_gone_meanwhile_is_reported(places: Places, engine: LocalEngine) -> None:
    result = work(Item("gone.png"), job_for(engine), places.stores)
    assert (result.outcome, result.error) == (FAILED, "source_not_found")


def test_a_fault_of_ours_is_raised_and_nothing_is_written(
    places: Places, engine: LocalEngine, photo_bytes: Bytes
) -> None:
    broken = Failing(ModelError("The network is not installed."))
    item = places.put("a.png", photo_bytes("PNG"))
    with pytest.raises(ModelError):
        work(item, replace(job_for(engine), engine=broken), places.stores)
    with pytest.raises(CancelledError):
        work(item, job_for(engine), places.stores, watch=Watch(is_cancelled=lambda: True))
    assert places.results() == {}


def test_a_run_costs_a_head_where_the_versions_are_known(
    s3: S3, engine: LocalEngine, photo_bytes: Bytes
) -> None:
    places, job = Buckets(s3), job_for(engine)
    item = places.put("a.png", photo_bytes("PNG"))
    s3.methods()
    work(item, job, places.stores)
    assert s3.methods() == ["HEAD", "GET", "PUT"]
    work(item, job, places.stores)
    assert s3.methods() == ["HEAD"]
    work(Item("a.png"), job, places.stores)
    assert s3.methods() == ["HEAD", "GET"]


def test_s3_keeps_the_kind_and_what_the_result_was_made_of(
    s3: S3, engine: LocalEngine, photo_bytes: Bytes
) -> None:
    places = Buckets(s3)
    item = places.put("a.jpg", photo_bytes("JPEG"))
    work(item, job_for(engine, scale=4), places.stores)
    stored = s3.objects["results/large/a.jpg"]
    assert stored.media_type == "image/jpeg"
    assert stored.metadata["source"] == item.version
    assert json.loads(stored.metadata["options"]) == {
        "format": "auto",
        "model": "fast",
        "scale": 4,
    }
    spec = engine.registry.find(name="fast", scale=4)
    assert stored.metadata["network"] == spec.sha256


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (500, "InternalError")])
def test_refusals_of_s3_are_not_the_picture_s_fault(
    s3: S3,
    engine: LocalEngine,
    photo_bytes: Bytes,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
) -> None:
    monkeypatch.setattr("backend.bulk.s3_store.ATTEMPTS", 2)
    places, job = Buckets(s3), job_for(engine)
    item = places.put("a.png", photo_bytes("PNG"))
    refused = [(status, code)] * 2
    s3.failures += refused
    with pytest.raises(SuperResolutionError, match=r"whether there is a result \(\w+\)"):
        work(item, job, places.stores)
    s3.failures[:] = [(404, "NoSuchKey"), *refused]
    with pytest.raises(SuperResolutionError) as caught:
        work(item, job, places.stores)
    assert isinstance(caught.value, SourceNotAllowedError) is (status == 403)
    s3.failures.clear()
    assert places.results() == {}


def test_a_listing_of_several_pages_has_every_picture_once(s3: S3) -> None:
    places = Buckets(s3)
    for number in range(2100):
        s3.objects[f"photos/small/{number:04}&ü.jpg"] = StoredObject(data=b"x")
    for other in ("photos/small/", "photos/small/notes.txt", "photos/other/a.jpg"):
        s3.objects[other] = StoredObject(data=b"")
    keys = [each.key for each in places.stores.source.list()]
    assert keys == [f"{number:04}&ü.jpg" for number in range(2100)]


# ---------------------------------------------------------------- keys and formats


@pytest.mark.parametrize(
    ("key", "requested", "expected"),
    [
        ("a.jpg", "auto", "a.jpg"),
        ("A.JPEG", "auto", "A.JPEG"),
        ("a.png", "auto", "a.png"),
        ("a.bmp", "auto", "a.bmp.png"),
        ("a.tiff", "auto", "a.tiff.png"),
        ("a.webp", "auto", "a.webp"),
        ("a.heic", "auto", "a.heic.webp"),
        ("folder.jpg/a", "auto", "folder.jpg/a.png"),
        ("a.jpg", "png", "a.jpg.png"),
        ("a.png", "png", "a.png"),
        ("a.bmp.png", "auto", "a.bmp.png.png"),
    ],
)
def test_a_results_key_follows_from_the_sources(key: str, requested: str, expected: str) -> None:
    assert result_key(key, result_format(key, requested)) == expected


@pytest.mark.parametrize("requested", ["auto", "png", "jpeg", "webp"])
def test_no_two_pictures_have_the_same_result(requested: str) -> None:
    stems = ["a", "b/a"]
    for _ in range(3):
        stems += [stem + suffix for stem in stems for suffix in INPUT_SUFFIXES]
        stems = list(dict.fromkeys(stems))[:4000]
    keys = [stem for stem in stems if stem.endswith(INPUT_SUFFIXES)]
    results = {result_key(key, result_format(key, requested)) for key in keys}
    assert len(results) == len(keys)


def test_transparency_and_loss_stay_as_they_are() -> None:
    for each in FORMATS.values():
        made = result_format("a" + each.suffix, "auto")
        assert made.is_lossless or not each.is_lossless
        assert made.has_alpha or not each.has_alpha


def test_every_key_is_in_one_shard_and_shards_are_alike() -> None:
    keys = [f"photos/{number}.jpg" for number in range(4000)]
    shards = [
        {key for key in keys if in_shard(key, number=number, count=16)} for number in range(1, 17)
    ]
    assert sum(len(each) for each in shards) == len(keys)
    assert set().union(*shards) == set(keys)
    assert all(180 < len(each) < 320 for each in shards)


# ---------------------------------------------------------------- jobs


def test_a_model_that_is_not_there_is_one_error(engine: LocalEngine) -> None:
    with pytest.raises(UnknownModelError):
        job_for(engine, model="none")


def test_auto_is_all_that_it_chooses_from(engine: LocalEngine) -> None:
    registry: Registry = load_registry(SHIPPED)
    networks = {job_for(engine, model=name).network for name in ("auto", "photo", "quality")}
    assert len(networks) == 3
    photo = registry.find(name="photo", scale=2)
    assert job_for(engine, model="photo").network not in (photo.sha256, photo.natural_sha256)


# ---------------------------------------------------------------- many


def test_all_are_worked_on_and_what_one_raises_is_told() -> None:
    def work_one(item: Item) -> Result:
        if item.key == "3":
            raise ModelError("The network is not installed.")
        if item.key == "4":
            raise ZeroDivisionError("secret")
        if item.key == "5":
            raise CancelledError
        return Result(key=item.key, outcome=DONE)

    items = (Item(str(number)) for number in range(50))
    results = {each.key: each for each in work_all(items, work_one, at_once=4)}
    assert set(results) == {str(number) for number in range(50)} - {"5"}
    assert (results["3"].outcome, results["3"].error) == (FAULT, "model_unavailable")
    assert (results["4"].outcome, results["4"].error) == (FAULT, "internal_error")
    assert "secret" not in str(results["4"].message)


def test_only_a_few_are_taken_from_the_list_in_advance() -> None:
    taken = 0

    def items() -> Iterator[Item]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield Item(str(number))

    results = work_all(items(), lambda item: Result(key=item.key, outcome=DONE), at_once=4)
    next(results)
    assert taken <= 8
    results.close()  # type: ignore[attr-defined]
    assert taken <= 8
