"""The custom resource that brings the networks: every ending gets one answer."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from backend import Settings, create_engine
from backend.custom_resources import cloudformation, custom_resource, model_files
from backend.deadline import THREAD_NAME, Deadline
from backend.models.manifest import SHIPPED, entry_from, read_manifest
from testbed.aws.runtime_api import LambdaProcess
from testbed.aws.s3 import S3, StoredObject
from testbed.aws.signature import ENVIRONMENT
from testbed.loopback import Loopback, Received, Sent
from tests.aws.cloudformation_answers import Answers, context
from tests.aws.conftest import MODELS


@dataclass
class Stack:
    """One resource's life, as CloudFormation leads it."""

    s3: S3
    answers: Answers
    mount: Path

    def upload(self, name: str, data: bytes) -> dict[str, str]:
        """Return the properties that bring the archive."""
        self.s3.objects[f"{MODELS}/{name}"] = StoredObject(data=data)
        sha256 = hashlib.sha256(data).hexdigest()
        return {"Bucket": MODELS, "Key": name, "Sha256": sha256, "Directory": str(self.mount)}

    def request(self, kind: str, properties: object, **more: object) -> dict[str, Any]:
        """Return the single answer to an event."""
        return self.answers.request(model_files.handler, kind, properties, **more)

    @property
    def folders(self) -> set[str]:
        return {each.name for each in self.mount.iterdir()}


@cache
def smallest() -> dict[str, bytes]:
    """Return the smallest shipped network and a manifest that names it alone."""
    spec = min(read_manifest(SHIPPED), key=lambda each: each.path.stat().st_size)
    manifest = json.dumps({"models": [entry_from(spec, SHIPPED)]}).encode()
    return {"manifest.json": manifest, spec.path.name: spec.path.read_bytes()}


def make_zip(**texts: str) -> bytes:
    """Return an archive of one network; `texts` are added, to make another version."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in smallest().items():
            archive.writestr(name, data)
        for name, text in texts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def make_whole_zip() -> bytes:
    """Return an archive of the shipped networks."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in SHIPPED.iterdir():
            archive.write(file, file.name)
    return buffer.getvalue()


def make_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for file in SHIPPED.iterdir():
            archive.add(file, file.name)
    return buffer.getvalue()


@pytest.fixture
def stack(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    for name, value in {**ENVIRONMENT, **s3.environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(model_files, "PAUSES", (0.01,) * 9)
    monkeypatch.setattr(cloudformation, "PAUSES", (0.01,) * 3)
    mount = tmp_path / "mount"
    mount.mkdir()
    with Answers() as answers:
        yield Stack(s3=s3, answers=answers, mount=mount)


@pytest.mark.parametrize(("name", "make"), [("a.zip", make_whole_zip), ("a.tar.gz", make_tar)])
def test_the_networks_arrive_and_work(
    stack: Stack, name: str, make: Callable[[], bytes], photo_bytes: Callable[..., bytes]
) -> None:
    properties = stack.upload(name, make())
    answer = stack.request("Create", properties)
    assert answer["Status"] == "SUCCESS", answer
    folder = Path(answer["Data"]["Directory"])
    assert stack.folders == {folder.name} == {properties["Sha256"][:16]}
    engine = create_engine(Settings(models_dir=folder))
    paths = [path for spec in engine.registry.specs for path in spec.paths]
    assert paths
    assert all(path.parent == folder for path in paths)
    engine.session(model=None, scale=2)


def test_create_again_changes_nothing_and_needs_no_download(stack: Stack) -> None:
    properties = stack.upload("a.zip", make_zip())
    first = stack.request("Create", properties)
    requests = len(stack.s3.received)
    assert stack.request("Create", properties) == first
    assert len(stack.s3.received) == requests


def test_a_damaged_folder_is_replaced(stack: Stack) -> None:
    properties = stack.upload("a.zip", make_zip())
    folder = Path(stack.request("Create", properties)["Data"]["Directory"])
    network = read_manifest(folder)[0].path
    whole = network.read_bytes()
    network.write_bytes(b"half")
    assert stack.request("Create", properties)["Status"] == "SUCCESS"
    assert network.read_bytes() == whole
    assert stack.folders == {folder.name}


def test_an_update_keeps_the_version_in_use_and_the_next_one_removes_it(stack: Stack) -> None:
    versions = [stack.upload(f"{n}.zip", make_zip(note=str(n))) for n in range(3)]
    names = [each["Sha256"][:16] for each in versions]
    stack.request("Create", versions[0])
    for old, new in ((0, 1), (1, 2)):
        answer = stack.request("Update", versions[new], OldResourceProperties=versions[old])
        assert answer["Data"]["Directory"] == str(stack.mount / names[new])
        assert stack.folders == {names[old], names[new]}
    rollback = stack.request("Update", versions[1], OldResourceProperties=versions[2])
    assert rollback["Status"] == "SUCCESS"


def test_a_deletion_removes_what_was_brought_and_nothing_else(stack: Stack) -> None:
    properties = stack.upload("a.zip", make_zip())
    stack.request("Create", properties)
    (stack.mount / "own-networks").mkdir()
    assert stack.request("Delete", properties)["Status"] == "SUCCESS"
    assert stack.folders == {"own-networks"}


@pytest.mark.parametrize("properties", [{}, None, {"Directory": "/nowhere"}], ids=str)
def test_a_deletion_never_blocks_the_stack(stack: Stack, properties: object) -> None:
    assert stack.request("Delete", properties)["Status"] == "SUCCESS"
    shutil.rmtree(stack.mount)
    whole = stack.upload("a.zip", b"") | {"Directory": str(stack.mount)}
    assert stack.request("Delete", whole)["Status"] == "SUCCESS"


def wrong_sha256(stack: Stack) -> object:
    return stack.upload("a.zip", make_zip()) | {"Sha256": "0" * 64}


def no_sha256(stack: Stack) -> object:
    return stack.upload("a.zip", make_zip()) | {"Sha256": "abc"}


def missing_object(stack: Stack) -> object:
    return stack.upload("a.zip", make_zip()) | {"Key": "b.zip"}


def no_archive(stack: Stack) -> object:
    return stack.upload("a.zip", b"this is no zip file")


def changed_network(stack: Stack) -> object:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in smallest().items():
            archive.writestr(name, data[: None if "json" in name else -1])
    return stack.upload("a.zip", buffer.getvalue())


def no_manifest(stack: Stack) -> object:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "empty")
    return stack.upload("a.zip", buffer.getvalue())


def no_properties(stack: Stack) -> object:
    return None


def no_mount(stack: Stack) -> object:
    return stack.upload("a.zip", make_zip()) | {"Directory": str(stack.mount / "missing")}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (wrong_sha256, "sha256"),
        (no_sha256, "64 hexadecimal"),
        (missing_object, "NoSuchKey"),
        (no_archive, "neither a zip nor a tar"),
        (changed_network, "changed or is incomplete"),
        (no_manifest, "manifest"),
        (no_properties, "unexpected"),
        (no_mount, "not mounted"),
    ],
)
def test_a_wrong_package_fails_with_a_reason_and_leaves_nothing(
    stack: Stack, make: Callable[[Stack], object], reason: str
) -> None:
    properties = make(stack)
    for kind in ("Create", "Update"):
        answer = stack.request(kind, properties, OldResourceProperties=properties)
        assert answer["Status"] == "FAILED"
        assert reason in answer["Reason"]
        assert str(stack.mount) not in answer["Reason"]
        assert not stack.folders


def test_a_role_that_works_only_later_is_waited_for(stack: Stack) -> None:
    properties = stack.upload("a.zip", make_zip())
    stack.s3.failures += [(403, "AccessDenied")] * 3
    assert stack.request("Create", properties)["Status"] == "SUCCESS"


def test_a_mount_that_comes_only_later_is_waited_for(stack: Stack) -> None:
    properties = stack.upload("a.zip", make_zip()) | {"Directory": str(stack.mount / "late")}
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            (stack.mount / "late").mkdir()

    data = model_files.work(stack.answers.event("Create", properties), Deadline(60), pause=pause)
    assert Path(data["Directory"]).parent == stack.mount / "late"
    assert len(waited) == 3


def test_the_pauses_outlast_a_mount_that_is_being_made() -> None:
    assert sum(model_files.PAUSES) > 90


def test_no_time_left_is_answered_once_and_the_work_stops(stack: Stack) -> None:
    properties = stack.upload("a.zip", make_zip())
    go_on = threading.Event()
    late = context(seconds=custom_resource.SECONDS_TO_ANSWER + 0.3)
    serve = stack.s3._answer  # what hangs is S3

    def slow(request: Received) -> Sent:
        go_on.wait(30)
        return serve(request)

    with Loopback(slow) as hanging:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL_S3", hanging.url)
            model_files.handler(stack.answers.event("Create", properties), late)
        [answer] = stack.answers.taken
        assert answer["Status"] == "FAILED"
        assert "time" in answer["Reason"]
        go_on.set()
        for thread in threading.enumerate():
            if thread.name == THREAD_NAME:
                thread.join(10)
    assert len(stack.answers.taken) == 1
    assert not stack.folders


def test_an_answer_that_is_not_taken_is_given_again(stack: Stack) -> None:
    stack.answers.failures += [500, 503]
    assert stack.request("Delete", {})["Status"] == "SUCCESS"
    assert len(stack.answers.received) == 3


@pytest.mark.parametrize(("statuses", "attempts"), [([403], 1), ([500] * 4, 4)])
def test_an_answer_that_is_never_taken_is_left_to_lambdas_retry(
    stack: Stack, statuses: list[int], attempts: int
) -> None:
    stack.answers.failures += statuses
    with pytest.raises(HTTPError) as caught:
        model_files.handler(stack.answers.event("Delete", {}), context())
    caught.value.close()
    assert len(stack.answers.received) == attempts
    assert not stack.answers.taken


def test_the_loader_works_in_a_process_like_lambdas(stack: Stack) -> None:
    properties = stack.upload("a.zip", make_zip())
    environment = {**ENVIRONMENT, **stack.s3.environment}
    with LambdaProcess(
        "backend.custom_resources.model_files.handler", environment=environment, timeout_seconds=300
    ) as process:
        for kind, status in (("Create", "SUCCESS"), ("Update", "FAILED"), ("Delete", "SUCCESS")):
            changed = properties if kind != "Update" else properties | {"Sha256": "0" * 64}
            event = stack.answers.event(kind, changed, OldResourceProperties=properties)
            assert process.call(event).kind == "response"
            assert stack.answers.taken[-1]["Status"] == status
        log = process.log
    assert len(stack.answers.taken) == 3
    assert "secret" not in log
    assert not stack.folders
