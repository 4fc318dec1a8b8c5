"""The commands of `python -m cfn` and their options."""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.commands.parser import AUTO_IN_BULK, add_options
from backend.models.manifest import SHIPPED
from backend.options import SCALES
from cfn import templates
from cfn.package import BUILD
from cfn.parameters import default_parameters
from cfn.variants import BULK, STACKS, VARIANTS

STACK_HELP = "functions, a GPU, Inferentia, or pictures from S3 to S3"


COMMANDS = {
    "policy": "print the IAM policies that a deployer needs, one document a line",
    "preflight": "say what would stop a deployment, without making anything",
    "deploy": "package, create or update a stack, and check it",
    "check": "call a stack with small pictures, as a caller would",
    "delete": "delete a stack and wait until it is gone",
    "bulk": "start runs of the bulk stack, and tell what one costs",
    "rehearse": "deploy, check, load, update and delete two stacks, and write a report",
    "render": "write the templates, without a package",
    "package": "make the archives and templates, and upload them",
    "release": "publish this version for launch links, one bucket for each region",
}


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of every command."""
    parser = argparse.ArgumentParser(
        prog="python -m cfn", description="Deploy to AWS, from a template to a checked stack."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    parsers = {name: commands.add_parser(name, help=text) for name, text in COMMANDS.items()}
    _add_bulk_commands(parsers["bulk"])
    parsers["policy"].add_argument("variant", choices=STACKS, help=STACK_HELP)
    for name in ("preflight", "deploy"):
        _add_plan_options(parsers[name])
    parsers["deploy"].add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a tag of the stack; again for each",
    )
    parsers["deploy"].add_argument(
        "--no-check", action="store_true", help="do not call the finished stack"
    )
    for name in ("check", "delete"):
        parsers[name].add_argument("--stack", required=True, help="name of the stack")
    parsers["rehearse"].add_argument(
        "--bucket", help="S3 bucket in the region; left out, one is made"
    )
    parsers["rehearse"].add_argument(
        "--report", type=Path, help="a file (docs/aws-runs/DATE-REGION.md)"
    )
    parsers["render"].add_argument(
        "--out", type=Path, default=templates.RENDERED, help="folder for them"
    )
    parsers["package"].add_argument(
        "--bucket", help="S3 bucket in the region; left out, nothing is sent"
    )
    parsers["package"].add_argument("--variants", nargs="+", choices=STACKS, default=list(VARIANTS))
    parsers["release"].add_argument("--bucket", required=True, help="the buckets are BUCKET-REGION")
    parsers["release"].add_argument("--regions", nargs="+", required=True)
    parsers["release"].add_argument(
        "--variants", nargs="+", choices=STACKS, default=["lambda", "gpu", "bulk"]
    )
    parsers["release"].add_argument(
        "--make-buckets", action="store_true", help="make the buckets, readable by anybody"
    )
    for name in ("deploy", "package", "rehearse", "release"):
        _add_build_options(parsers[name])
    for name in ("preflight", "deploy", "check", "delete", "rehearse", "package"):
        _add_region(parsers[name])
    return parser


def _add_region(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--region", help="as us-east-1; left out, the one that AWS's tools use")


def _add_bulk_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="bulk", required=True)
    start = commands.add_parser("start", help="start a run; what is done already is skipped")
    which = start.add_mutually_exclusive_group()
    which.add_argument("--prefix", default="", help="a folder below the stack's sourcePrefix")
    which.add_argument("--list", type=Path, help="a file with the key of one picture a line")
    which.add_argument("--inventory", help="key of an S3 Inventory's manifest.json in the target")
    add_options(start, auto=AUTO_IN_BULK)
    status = commands.add_parser("status", help="say how far a run is")
    redrive = commands.add_parser("redrive", help="go on with a run that failed")
    for command in (status, redrive):
        command.add_argument("--execution", help="its ARN; left out, the newest")
    for command in (start, status, redrive):
        command.add_argument("--stack", default="super-resolution-bulk", help="(%(default)s)")
        _add_region(command)
    cost = commands.add_parser("cost", help="dollars, minutes and requests, before anything runs")
    cost.add_argument("--pictures", type=int, required=True)
    cost.add_argument("--megapixels", type=float, required=True, help="of one input")
    cost.add_argument("--seconds", type=float, help="of one picture, from a trial run")
    cost.add_argument("--scale", type=int, choices=SCALES, default=2)
    cost.add_argument("--model", default="fast", help="a model, or auto")
    defaults = default_parameters(BULK)
    for option, name in (
        ("--memory", "functionMemory"),
        ("--concurrency", "maxConcurrency"),
        ("--batch", "batchSize"),
    ):
        cost.add_argument(
            option, type=int, default=int(defaults[name] or 0), help=f"the stack's {name}"
        )


def _add_plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("variant", choices=STACKS, help=STACK_HELP)
    parser.add_argument("--stack", help="name of the stack (super-resolution-VARIANT)")
    parser.add_argument("--bucket", help="S3 bucket in the stack's region; left out, one is made")
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the template; again for each",
    )
    parser.add_argument(
        "--keep-failed", action="store_true", help="leave a failed stack as it is, to be looked at"
    )


def _add_build_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=BUILD / "package", help="folder for the package"
    )
    parser.add_argument("--models", type=Path, default=SHIPPED, help="folder with other networks")
    parser.add_argument("--neuron", type=Path, help="folder with networks compiled for Inferentia")
