"""`python -m cfn`: render, package, deploy and delete."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfn import templates
from cfn.errors import DeploymentError
from cfn.package import BUILD, Package, build
from cfn.variants import INF, NEURON_ARCHIVE, VARIANTS, Variant

FAILED = 1
USAGE_ERROR = 2
INTERRUPTED = 130


def tell(line: str) -> None:
    """To the console, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def make_parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    parser = argparse.ArgumentParser(prog="python -m cfn", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    render = commands.add_parser("render", help="write cfn/*.yaml anew from cfn/parts")
    render.add_argument("--out", type=Path, default=templates.HERE)

    package = commands.add_parser(
        "package", help="make the archives and templates, and upload them"
    )
    package.add_argument(
        "--bucket", help="S3 bucket in the stack's region; left out, nothing is sent"
    )
    package.add_argument("--region")
    package.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    _add_build_options(package)

    deploy = commands.add_parser("deploy", help="package, then create or update a stack")
    deploy.add_argument("variant", choices=VARIANTS)
    deploy.add_argument("--stack", help="name of the stack (super-resolution-VARIANT)")
    deploy.add_argument("--bucket", required=True, help="S3 bucket in the stack's region")
    deploy.add_argument("--region")
    deploy.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the template; again for each",
    )
    _add_build_options(deploy)

    delete = commands.add_parser("delete", help="delete a stack and wait until it is gone")
    delete.add_argument("--stack", required=True)
    delete.add_argument("--region")
    return parser


def _add_build_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=BUILD / "package", help="where the files go")
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
    if parsed.command == "render":
        for path in templates.render_all(parsed.out):
            tell(str(path))
    elif parsed.command == "package":
        _package(parsed, [VARIANTS[name] for name in parsed.variants])
    elif parsed.command == "deploy":
        _deploy(parsed)
    else:
        _delete(parsed)


def _package(parsed: argparse.Namespace, variants: list[Variant]) -> Package:
    # boto3 is imported only by those who speak to AWS: a dry run needs none.
    uploading = parsed.bucket is not None
    clients = _clients(parsed.region) if uploading else None
    if clients is not None:
        from cfn.upload import check_bucket  # noqa: PLC0415

        check_bucket(clients["s3"], parsed.bucket, region=clients["region"])
    tell(f"Making the package in {parsed.out}")
    package = build(parsed.out, bucket=parsed.bucket, variants=variants, neuron=parsed.neuron)
    for name, digest in sorted(package.digests.items()):
        size = (parsed.out / name).stat().st_size / 2**20
        tell(f"{digest}  {size:7.1f} MB  {name}")
    if INF in variants and NEURON_ARCHIVE not in package.digests:
        tell(
            "For Inferentia the networks must be compiled first (cfn/neuron/compile.py) and "
            "given with --neuron; the other stacks do not need that."
        )
    if clients is None:
        tell("Nothing was uploaded, since no --bucket was given.")
        return package
    from cfn.upload import launch_link, upload  # noqa: PLC0415

    upload(clients["s3"], package, bucket=parsed.bucket, tell=tell)
    for variant in variants:
        key = f"{package.prefix}/{variant.template}"
        link = launch_link(
            bucket=parsed.bucket,
            key=key,
            region=clients["region"],
            stack=f"super-resolution-{variant.name}",
        )
        tell(f"{variant.name}: {link}")
    return package


def _deploy(parsed: argparse.Namespace) -> None:
    from cfn.stacks import Stacks  # noqa: PLC0415
    from cfn.upload import template_url  # noqa: PLC0415

    variant = VARIANTS[parsed.variant]
    parameters = read_parameters(parsed.parameter)
    if variant is INF and parsed.neuron is None:
        raise DeploymentError(
            "Inferentia runs compiled networks: make them with cfn/neuron/compile.py and give "
            "their folder with --neuron."
        )
    package = _package(parsed, [variant])
    clients = _clients(parsed.region)
    name = parsed.stack or f"super-resolution-{variant.name}"
    outputs = Stacks(clients["cloudformation"], tell=tell).deploy(
        name,
        template=package.folder / variant.template,
        template_url=template_url(
            bucket=parsed.bucket,
            key=f"{package.prefix}/{variant.template}",
            region=clients["region"],
        ),
        parameters=parameters,
    )
    for key, value in sorted(outputs.items()):
        if key != "aikitsInvokeURL":
            tell(f"{key}: {value}")
    tell(f"Invoke URL: {outputs.get('aikitsInvokeURL', 'the stack has no such output')}")


def _delete(parsed: argparse.Namespace) -> None:
    from cfn.stacks import Stacks  # noqa: PLC0415

    tell("A stack in a network takes 20 to 40 minutes: AWS frees Lambda's network interfaces late.")
    Stacks(_clients(parsed.region)["cloudformation"], tell=tell).delete(parsed.stack)
    tell(f"The stack {parsed.stack} is gone.")


def read_parameters(given: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE`, each name once."""
    parameters: dict[str, str] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name or name in parameters:
            raise DeploymentError(f"--parameter takes NAME=VALUE, each name once; not '{each}'.")
        parameters[name] = value
    return parameters


def _clients(region: str | None) -> dict[str, Any]:
    """boto3's clients and the region; DeploymentError without a region or credentials."""
    import boto3  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415

    session = boto3.session.Session(region_name=region)
    if session.region_name is None:
        raise DeploymentError("Name the region with --region, as in --region us-east-1.")
    if session.get_credentials() is None:
        raise DeploymentError("There are no AWS credentials; `aws configure` sets them up.")
    return {
        "region": session.region_name,
        "s3": session.client("s3"),
        "cloudformation": session.client("cloudformation"),
    }


if __name__ == "__main__":
    sys.exit(main())
