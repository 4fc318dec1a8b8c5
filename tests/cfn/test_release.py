"""Published versions never change, and the guide's table has their links."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfn import release
from cfn.errors import DeploymentError
from cfn.package import Package
from cfn.release import BEGIN, END, GUIDE, read_releases, table, write_releases
from cfn.upload import upload
from cfn.variants import GPU, LAMBDA
from tests.cfn.test_stacks import Bucket, files


@pytest.fixture
def package(tmp_path: Path) -> Package:
    made = files(tmp_path, LAMBDA, GPU)
    return Package(folder=tmp_path, digests=made.digests, variants=made.variants, release="1.2.3")


def publish(package: Package, s3: Bucket) -> None:
    upload(s3, package, bucket="artifacts")


def test_a_version_has_one_folder_with_every_file_once(package: Package) -> None:
    s3 = Bucket()
    publish(package, s3)
    names = {*LAMBDA.archives, *GPU.archives, LAMBDA.template, GPU.template}
    assert sorted(s3.sent) == sorted(f"super-resolution/1.2.3/{name}" for name in names)
    publish(package, s3)
    assert len(s3.sent) == len(names), "again changes nothing"


def test_a_published_version_is_never_changed(package: Package) -> None:
    s3 = Bucket()
    publish(package, s3)
    (package.folder / LAMBDA.template).write_text("another")
    before = list(s3.sent)
    with pytest.raises(DeploymentError, match=r"lambda\.yaml was published with other contents"):
        publish(package, s3)
    assert s3.sent == before


RELEASES = {
    "us-east-1": {"bucket": "b-us-east-1", "version": "1.2.3", "variants": ["lambda", "gpu"]},
    "cn-north-1": {"bucket": "b-cn-north-1", "version": "1.2.3", "variants": ["lambda"]},
}


def test_the_table_has_the_links_of_each_part_of_the_world() -> None:
    head, _, function, gpu, inferentia, bulk = table(RELEASES).splitlines()
    assert head == "| | global regions | Beijing | Ningxia |"
    assert function.startswith("| Lambda | [us-east-1](https://us-east-1.console.aws.amazon.com/")
    template = "super-resolution/1.2.3/lambda.yaml"
    assert f"https://b-us-east-1.s3.us-east-1.amazonaws.com/{template}" in function
    assert f"https://b-cn-north-1.s3.cn-north-1.amazonaws.com.cn/{template}" in function
    assert function.endswith("| not published |"), "in Ningxia"
    assert gpu.endswith("| not published | not published |")
    assert inferentia.endswith("| not published | AWS has none there | AWS has none there |")
    assert bulk == "| bulk | not published | not published | not published |"


def test_the_guide_is_written_between_its_marks_only(tmp_path: Path) -> None:
    guide, record = tmp_path / "deploy.md", tmp_path / "releases.json"
    guide.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_releases(RELEASES, path=record, guide=guide)
    assert guide.read_text() == f"before\n{BEGIN}\n{table(RELEASES)}\n{END}\nafter\n"
    assert read_releases(record) == RELEASES


def test_the_guide_has_what_was_published() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == table(read_releases(release.RELEASES))
