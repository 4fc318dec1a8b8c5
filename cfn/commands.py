"""The commands of `python -m cfn`, a public function each, from arguments to the console."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence

import requests

from backend import __version__
from backend.commands.parser import options_from
from backend.errors import SuperResolutionError
from backend.models.manifest import SHIPPED
from backend.models.registry import load_registry
from backend.options import fields_from
from cfn import templates
from cfn.account import Account
from cfn.buckets import ensure_own_bucket, ensure_public_bucket
from cfn.bulk import Runs, find_stack, read_keys
from cfn.bulk_cost import Work, cost_from, explain
from cfn.check import check_stack
from cfn.console import print_line
from cfn.errors import DeploymentError
from cfn.package import Package, build
from cfn.parameters import declared_parameters
from cfn.policy import documents
from cfn.preflight import Plan
from cfn.preflight import preflight as find_problems
from cfn.rehearse import Rehearsal
from cfn.release import read_releases, write_releases
from cfn.stack_states import check_state
from cfn.stacks import Stacks, stack_parameters
from cfn.upload import check_bucket, launch_link, template_url, upload
from cfn.variants import INF, NEURON_ARCHIVE, STACKS, Variant

RUNS = templates.HERE.parent / "docs" / "aws-runs"
"""The folder of reports on rehearsals in real accounts."""


def render(parsed: argparse.Namespace) -> None:
    """Write the templates without a package."""
    for path in templates.render_all(parsed.out):
        print_line(str(path))


def package(parsed: argparse.Namespace) -> None:
    """Make archives and templates; with a bucket, upload them and print launch links."""
    variants = [STACKS[name] for name in parsed.variants]
    if parsed.bucket is None:
        _build(parsed, variants, bucket=None)
        print_line("Nothing was uploaded, since no --bucket was given.")
        return
    account = _account(parsed)
    check_bucket(account.client("s3"), parsed.bucket, region=account.region)
    made = _build_and_upload(parsed, variants, account, bucket=parsed.bucket)
    for variant in variants:
        link = launch_link(
            bucket=parsed.bucket,
            key=f"{made.prefix}/{variant.template}",
            region=account.region,
            stack=f"super-resolution-{variant.name}",
        )
        print_line(f"{variant.name}: {link}")


def preflight(parsed: argparse.Namespace) -> None:
    """Print what would stop a deployment."""
    _look_before(parsed, _account(parsed))


def deploy(parsed: argparse.Namespace) -> None:
    """Create or update a stack, and check it."""
    variant = STACKS[parsed.variant]
    parameters = read_pairs(parsed.parameter, option="--parameter")
    tags = read_pairs(parsed.tag, option="--tag")
    if variant is INF and parsed.neuron is None:
        raise DeploymentError(
            "Inferentia runs compiled networks: make them with cfn/neuron/compile.py and give "
            "their folder with --neuron."
        )
    account = _account(parsed)
    _look_before(parsed, account)
    name = _stack_name(parsed)
    outputs = _put_up(
        parsed,
        account,
        variant,
        name=name,
        parameters=parameters,
        tags=tags,
        keep_failed=parsed.keep_failed,
    )
    for key, value in sorted(outputs.items()):
        print_line(f"{key}: {value}")
    if not parsed.no_check:
        _call(account, name)


def check(parsed: argparse.Namespace) -> None:
    """Call a stack as a caller would."""
    _call(_account(parsed), parsed.stack)


def delete(parsed: argparse.Namespace) -> None:
    """Delete a stack and wait until it is gone."""
    print_line(
        "With modelStorage=efs this takes 20 to 40 minutes: AWS frees network interfaces late."
    )
    Stacks(_account(parsed)).delete(parsed.stack)
    print_line(f"The stack {parsed.stack} is gone.")


def bulk(parsed: argparse.Namespace) -> None:
    """Start, watch or continue a run of the bulk stack, or print its cost."""
    if parsed.bulk == "cost":
        _print_cost(parsed)
        return
    keys = read_keys(parsed.list) if parsed.bulk == "start" and parsed.list else None
    account = _account(parsed)
    runs = Runs(account, find_stack(account, parsed.stack))
    if parsed.bulk == "start":
        job = fields_from(options_from(parsed))
        execution = runs.start(job, prefix=parsed.prefix, keys=keys, inventory=parsed.inventory)
        print_line(f"Started {execution}")
        return
    execution = parsed.execution or runs.newest()
    if parsed.bulk == "redrive":
        runs.redrive(execution)
    for line in runs.status(execution).lines:
        print_line(line)


def release(parsed: argparse.Namespace) -> None:
    """Publish this version in each region, and write the guide's table of links."""
    variants = [STACKS[name] for name in parsed.variants]
    if INF in variants and parsed.neuron is None:
        raise DeploymentError("A release for Inferentia needs compiled networks: --neuron.")
    made = _build(parsed, variants, bucket=None, release=__version__)
    releases = read_releases()
    for region in parsed.regions:
        account, bucket = Account.from_environment(region), f"{parsed.bucket}-{region}"
        if parsed.make_buckets:
            ensure_public_bucket(account, bucket)
        s3 = account.client("s3")
        check_bucket(s3, bucket, region=region)
        made.write_templates(bucket=bucket)
        upload(s3, made, bucket=bucket)
        names = [variant.name for variant in variants]
        releases[region] = {"bucket": bucket, "version": __version__, "variants": names}
        write_releases(releases)
    print_line("docs/deploy.md has the links.")
    if not parsed.make_buckets:
        print_line("Let anybody read the buckets, as --make-buckets does.")


def rehearse(parsed: argparse.Namespace) -> None:
    """Rehearse the life of both Lambda stacks, and write the report."""
    account = _account(parsed)

    def put_up(variant: Variant, name: str, parameters: Mapping[str, str]) -> None:
        _put_up(parsed, account, variant, name=name, parameters=parameters)

    with requests.Session() as http:
        report = Rehearsal(account, put_up, http=http).run()
    path = parsed.report or RUNS / f"{report.began:%Y-%m-%d}-{account.region}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report.markdown(), encoding="utf-8", newline="\n")
    print_line(f"{path} has the report. Please read it before you give it to anybody.")
    if report.failures:
        raise DeploymentError(f"{report.failures} of the steps failed.")


def policy(parsed: argparse.Namespace) -> None:
    """Print the IAM permissions that deploying the variant needs."""
    for document in documents(STACKS[parsed.variant]):
        print_line(json.dumps(document))


def read_pairs(given: Sequence[str], *, option: str) -> dict[str, str]:
    """Read `NAME=VALUE`, each name once."""
    pairs: dict[str, str] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name or name in pairs:
            raise DeploymentError(f"{option} takes NAME=VALUE, each name once; not '{each}'.")
        pairs[name] = value
    return pairs


def _account(parsed: argparse.Namespace) -> Account:
    return Account.from_environment(parsed.region)


def _stack_name(parsed: argparse.Namespace) -> str:
    return parsed.stack or f"super-resolution-{parsed.variant}"


def _build(
    parsed: argparse.Namespace,
    variants: Sequence[Variant],
    *,
    bucket: str | None,
    release: str | None = None,
) -> Package:
    print_line(f"Making the package in {parsed.out}")
    made = build(
        parsed.out,
        bucket=bucket,
        variants=variants,
        neuron=parsed.neuron,
        models=parsed.models,
        release=release,
    )
    for name, digest in sorted(made.digests.items()):
        size = (parsed.out / name).stat().st_size / 2**20
        print_line(f"{digest}  {size:7.1f} MB  {name}")
    if INF in variants and NEURON_ARCHIVE not in made.digests:
        print_line(
            "For Inferentia the networks must be compiled first (cfn/neuron/compile.py) and "
            "given with --neuron; the other stacks do not need that."
        )
    return made


def _put_up(
    parsed: argparse.Namespace,
    account: Account,
    variant: Variant,
    *,
    name: str,
    parameters: Mapping[str, str],
    tags: Mapping[str, str] | None = None,
    keep_failed: bool = False,
) -> dict[str, str]:
    """Package the variant, create or update its stack, and return the outputs."""
    bucket = parsed.bucket or ensure_own_bucket(account)
    made = _build_and_upload(parsed, [variant], account, bucket=bucket)
    return Stacks(account).deploy(
        name,
        template_url=template_url(
            bucket=bucket,
            key=f"{made.prefix}/{variant.template}",
            region=account.region,
        ),
        parameters=parameters,
        tags=tags,
        keep_failed=keep_failed,
    )


def _build_and_upload(
    parsed: argparse.Namespace, variants: Sequence[Variant], account: Account, *, bucket: str
) -> Package:
    made = _build(parsed, variants, bucket=bucket)
    upload(account.client("s3"), made, bucket=bucket)
    return made


def _look_before(parsed: argparse.Namespace, account: Account) -> None:
    """Run preflight with the parameters that the stack has and that are given now."""
    variant, name = STACKS[parsed.variant], _stack_name(parsed)
    there = Stacks(account).describe(name)
    if there is not None:
        check_state(there, keep_failed=parsed.keep_failed)
    declared = declared_parameters(variant)
    before = {key: value for key, value in stack_parameters(there or {}).items() if key in declared}
    plan = Plan(
        variant=variant,
        bucket=parsed.bucket,
        parameters={**before, **read_pairs(parsed.parameter, option="--parameter")},
        declared=declared,
    )
    find_problems(account, plan)


def _call(account: Account, name: str) -> None:
    with requests.Session() as http:
        for line in check_stack(account, name, http=http):
            print_line(line)


def _print_cost(parsed: argparse.Namespace) -> None:
    try:
        spec = load_registry(SHIPPED).find(name=parsed.model, scale=parsed.scale)
    except SuperResolutionError as exc:
        raise DeploymentError(exc.message) from exc
    if min(parsed.pictures, parsed.memory, parsed.concurrency, parsed.batch) < 1:
        raise DeploymentError("Numbers of pictures, MB, functions and batches are at least 1.")
    work = Work(
        pictures=parsed.pictures,
        megapixels=parsed.megapixels,
        spec=spec,
        memory=parsed.memory,
        concurrency=parsed.concurrency,
        batch=parsed.batch,
        seconds=parsed.seconds,
    )
    for line in explain(work, cost_from(work)):
        print_line(line)
