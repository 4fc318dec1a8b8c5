"""`python -m cfn`: from the parts of a template to a checked stack, and back to nothing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backend import __version__
from backend.commands.parser import AUTO_IN_BULK, add_options, options_from
from backend.errors import SuperResolutionError
from backend.models.manifest import SHIPPED, load_registry
from backend.options import fields_from
from cfn import templates
from cfn.errors import DeploymentError
from cfn.package import BUILD, Package, build
from cfn.variants import BULK, INF, NEURON_ARCHIVE, STACKS, VARIANTS, Variant

if TYPE_CHECKING:
    from cfn.account import Account

FAILED = 1
USAGE_ERROR = 2
INTERRUPTED = 130


def print_line(line: str) -> None:
    """To the console, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def make_parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    parser = argparse.ArgumentParser(prog="python -m cfn", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    render = commands.add_parser("render", help="write the templates, without a package")
    render.add_argument("--out", type=Path, default=templates.RENDERED)

    package = commands.add_parser(
        "package", help="make the archives and templates, and upload them"
    )
    package.add_argument(
        "--bucket", help="S3 bucket in the stack's region; left out, nothing is sent"
    )
    package.add_argument("--variants", nargs="+", choices=STACKS, default=list(VARIANTS))
    _add_build_options(package)

    preflight = commands.add_parser(
        "preflight", help="what would stop a deployment, without making anything"
    )
    _add_plan_options(preflight)

    deploy = commands.add_parser("deploy", help="package, create or update a stack, and check it")
    _add_plan_options(deploy)
    deploy.add_argument(
        "--tag", action="append", default=[], metavar="KEY=VALUE", help="again for each"
    )
    deploy.add_argument("--no-check", action="store_true", help="do not call the finished stack")
    _add_build_options(deploy)

    _add_bulk_commands(commands.add_parser("bulk", help="pictures of a whole prefix of S3"))

    check = commands.add_parser("check", help="call a stack with small pictures, as a caller would")
    check.add_argument("--stack", required=True)

    delete = commands.add_parser("delete", help="delete a stack and wait until it is gone")
    delete.add_argument("--stack", required=True)

    release = commands.add_parser(
        "release", help="publish this version for launch links, one bucket for each region"
    )
    release.add_argument("--bucket", required=True, help="the buckets are BUCKET-REGION")
    release.add_argument("--regions", nargs="+", required=True)
    release.add_argument("--variants", nargs="+", choices=STACKS, default=["lambda", "gpu", "bulk"])
    _add_build_options(release)

    for command in (package, preflight, deploy, check, delete):
        command.add_argument("--region")
    return parser


def _add_bulk_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="bulk", required=True)
    start = commands.add_parser("start", help="start a run; what is done already is skipped")
    which = start.add_mutually_exclusive_group()
    which.add_argument("--prefix", default="", help="a folder below the stack's sourcePrefix")
    which.add_argument("--list", type=Path, help="a file with the key of one picture a line")
    which.add_argument("--inventory", help="key of an S3 Inventory's manifest.json in the target")
    add_options(start, auto=AUTO_IN_BULK)
    status = commands.add_parser("status", help="how far a run is")
    redrive = commands.add_parser("redrive", help="go on with a run that failed")
    for command in (status, redrive):
        command.add_argument("--execution", help="its ARN; left out, the newest")
    for command in (start, status, redrive):
        command.add_argument("--stack", default="super-resolution-bulk")
        command.add_argument("--region")
    cost = commands.add_parser("cost", help="dollars, minutes and requests, before anything runs")
    cost.add_argument("--pictures", type=int, required=True)
    cost.add_argument("--megapixels", type=float, required=True, help="of one input")
    cost.add_argument("--seconds", type=float, help="of one picture, from a trial run")
    cost.add_argument("--scale", type=int, choices=(2, 4), default=2)
    cost.add_argument("--model", default="fast", help="a tier of the networks")
    defaults = templates.default_parameters(BULK)
    for option, name in (
        ("--memory", "functionMemory"),
        ("--concurrency", "maxConcurrency"),
        ("--batch", "batchSize"),
    ):
        cost.add_argument(option, type=int, default=int(defaults[name]), help=f"the stack's {name}")


def _add_plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("variant", choices=STACKS)
    parser.add_argument("--stack", help="name of the stack (super-resolution-VARIANT)")
    parser.add_argument("--bucket", required=True, help="S3 bucket in the stack's region")
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the template; again for each",
    )


def _add_build_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=BUILD / "package", help="where the files go")
    parser.add_argument("--models", type=Path, default=SHIPPED, help="folder with the networks")
    parser.add_argument("--neuron", type=Path, help="folder with networks compiled for Inferentia")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 it failed, 2 wrong arguments."""
    parsed = make_parser().parse_args(arguments)
    try:
        _run(parsed)
    except DeploymentError as exc:
        sys.stderr.write(f"{exc}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("Stopped watching; what AWS has begun goes on.\n")
        return INTERRUPTED
    return 0


def _run(parsed: argparse.Namespace) -> None:
    commands: dict[str, Callable[[argparse.Namespace], None]] = {
        "render": _render,
        "package": _package,
        "preflight": _preflight,
        "deploy": _deploy,
        "bulk": _bulk,
        "check": _check,
        "delete": _delete,
        "release": _release,
    }
    commands[parsed.command](parsed)


# What speaks to AWS is imported where it is used: rendering and packaging need no boto3.


def _render(parsed: argparse.Namespace) -> None:
    for path in templates.render_all(parsed.out):
        print_line(str(path))


def _package(parsed: argparse.Namespace) -> None:
    variants = [STACKS[name] for name in parsed.variants]
    if parsed.bucket is None:
        _build(parsed, variants)
        print_line("Nothing was uploaded, since no --bucket was given.")
        return
    from cfn.account import Account  # noqa: PLC0415
    from cfn.upload import check_bucket, launch_link  # noqa: PLC0415

    account = Account.from_environment(parsed.region)
    check_bucket(account.client("s3"), parsed.bucket, region=account.region)
    package = _build_and_upload(parsed, variants, account)
    for variant in variants:
        link = launch_link(
            bucket=parsed.bucket,
            key=f"{package.prefix(variant)}/{variant.template}",
            region=account.region,
            stack=f"super-resolution-{variant.name}",
        )
        print_line(f"{variant.name}: {link}")


def _build(
    parsed: argparse.Namespace, variants: Sequence[Variant], *, release: str | None = None
) -> Package:
    print_line(f"Making the package in {parsed.out}")
    package = build(
        parsed.out,
        bucket=None if release else parsed.bucket,
        variants=variants,
        neuron=parsed.neuron,
        models=parsed.models,
        release=release,
    )
    for name, digest in sorted(package.digests.items()):
        size = (parsed.out / name).stat().st_size / 2**20
        print_line(f"{digest}  {size:7.1f} MB  {name}")
    if INF in variants and NEURON_ARCHIVE not in package.digests:
        print_line(
            "For Inferentia the networks must be compiled first (cfn/neuron/compile.py) and "
            "given with --neuron; the other stacks do not need that."
        )
    return package


def _build_and_upload(
    parsed: argparse.Namespace, variants: Sequence[Variant], account: Account
) -> Package:
    from cfn.upload import upload  # noqa: PLC0415

    package = _build(parsed, variants)
    upload(account.client("s3"), package, bucket=parsed.bucket, print_line=print_line)
    return package


def _stack_name(parsed: argparse.Namespace) -> str:
    return parsed.stack or f"super-resolution-{parsed.variant}"


def _preflight(parsed: argparse.Namespace) -> None:
    from cfn.account import Account  # noqa: PLC0415

    _look_before(parsed, Account.from_environment(parsed.region))


def _look_before(parsed: argparse.Namespace, account: Account) -> None:
    """What the stack has already counts where nothing else was said."""
    from cfn.preflight import Plan, preflight  # noqa: PLC0415
    from cfn.stacks import Stacks, stack_parameters  # noqa: PLC0415

    variant = STACKS[parsed.variant]
    there = Stacks(account.client("cloudformation"), print_line=print_line).describe(
        _stack_name(parsed)
    )
    plan = Plan(
        variant=variant,
        bucket=parsed.bucket,
        parameters={
            **stack_parameters(there or {}),
            **read_pairs(parsed.parameter, option="--parameter"),
        },
        defaults=templates.default_parameters(variant),
    )
    preflight(account, plan, print_line=print_line)


def _deploy(parsed: argparse.Namespace) -> None:
    from cfn.account import Account  # noqa: PLC0415
    from cfn.stacks import Stacks  # noqa: PLC0415
    from cfn.upload import template_url  # noqa: PLC0415

    variant = STACKS[parsed.variant]
    parameters = read_pairs(parsed.parameter, option="--parameter")
    tags = read_pairs(parsed.tag, option="--tag")
    if variant is INF and parsed.neuron is None:
        raise DeploymentError(
            "Inferentia runs compiled networks: make them with cfn/neuron/compile.py and give "
            "their folder with --neuron."
        )
    account = Account.from_environment(parsed.region)
    _look_before(parsed, account)
    package = _build_and_upload(parsed, [variant], account)
    name = _stack_name(parsed)
    outputs = Stacks(account.client("cloudformation"), print_line=print_line).deploy(
        name,
        template=package.folder / variant.template,
        template_url=template_url(
            bucket=parsed.bucket,
            key=f"{package.prefix(variant)}/{variant.template}",
            region=account.region,
        ),
        parameters=parameters,
        tags=tags,
    )
    url = outputs.pop("aikitsInvokeURL", None)
    for key, value in sorted(outputs.items()):
        print_line(f"{key}: {value}")
    if url is not None:
        print_line(f"Invoke URL: {url}")
        if not parsed.no_check:
            _call(account, name)


def _check(parsed: argparse.Namespace) -> None:
    from cfn.account import Account  # noqa: PLC0415

    _call(Account.from_environment(parsed.region), parsed.stack)


def _call(account: Account, name: str) -> None:
    import requests  # noqa: PLC0415

    from cfn.check import check_stack  # noqa: PLC0415

    with requests.Session() as http:
        check_stack(account, name, print_line=print_line, http=http)


def _bulk(parsed: argparse.Namespace) -> None:
    if parsed.bulk == "cost":
        _print_cost(parsed)
        return
    from cfn.account import Account  # noqa: PLC0415
    from cfn.bulk import Order, Runs, find_stack  # noqa: PLC0415

    account = Account.from_environment(parsed.region)
    runs = Runs(account, find_stack(account, parsed.stack))
    if parsed.bulk == "start":
        job = fields_from(options_from(parsed))
        order = Order(prefix=parsed.prefix, keys=parsed.list, inventory=parsed.inventory, job=job)
        print_line(f"Started {runs.start(order)}")
        return
    execution = parsed.execution or runs.newest()
    if parsed.bulk == "redrive":
        runs.redrive(execution)
    for line in runs.status(execution).lines:
        print_line(line)


def _print_cost(parsed: argparse.Namespace) -> None:
    from cfn.bulk_cost import Work, cost_from, explain  # noqa: PLC0415

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


def _delete(parsed: argparse.Namespace) -> None:
    from cfn.account import Account  # noqa: PLC0415
    from cfn.stacks import Stacks  # noqa: PLC0415

    print_line(
        "With modelStorage=efs this takes 20 to 40 minutes: AWS frees network interfaces late."
    )
    account = Account.from_environment(parsed.region)
    Stacks(account.client("cloudformation"), print_line=print_line).delete(parsed.stack)
    print_line(f"The stack {parsed.stack} is gone.")


def _release(parsed: argparse.Namespace) -> None:
    from cfn.account import Account  # noqa: PLC0415
    from cfn.release import Publication, read_releases, write_releases  # noqa: PLC0415

    variants = [STACKS[name] for name in parsed.variants]
    if INF in variants and parsed.neuron is None:
        raise DeploymentError("A release for Inferentia needs compiled networks: --neuron.")
    package = _build(parsed, variants, release=__version__)
    releases = read_releases()
    for region in parsed.regions:
        bucket = f"{parsed.bucket}-{region}"
        package.write_templates(bucket=bucket)
        publication = Publication(package=package, bucket=bucket, region=region)
        publication.publish(Account.from_environment(region).client("s3"), print_line=print_line)
        releases[region] = publication.record
        write_releases(releases)
    print_line("docs/deploy.md has the links. The buckets must let anybody read what is in them.")


def read_pairs(given: Sequence[str], *, option: str) -> dict[str, str]:
    """`NAME=VALUE`, each name once."""
    pairs: dict[str, str] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name or name in pairs:
            raise DeploymentError(f"{option} takes NAME=VALUE, each name once; not '{each}'.")
        pairs[name] = value
    return pairs


if __name__ == "__main__":
    sys.exit(main())
