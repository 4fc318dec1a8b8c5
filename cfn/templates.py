"""The finished templates, put together from `cfn/parts` as text: comments and order are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from backend import __version__
from cfn.gateway import DEPLOYMENTS, deployment_name, deployments, digest_of, gateway_responses
from cfn.variants import INF, LAMBDA, VARIANTS, Variant

HERE = Path(__file__).parent
PARTS = HERE / "parts"
SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
)
HEAD = "# Made from cfn/parts by `python -m cfn render`: change those, not this file.\n"
MODELS_SHA256 = """  modelsSha256:
    Type: String
    AllowedPattern: '^[0-9a-f]{64}$'
    {{default:modelsSha256}}
    Description: The sha256 of models.zip, which is checked when it is brought to the file system.
"""
INPUT_BUCKET_NAMES = (
    "!Join ['', !Split ['arn:aws-cn:s3:::', "
    "!Join ['', !Split ['arn:aws:s3:::', !Ref inputBucketArns]]]]"
)
MODEL_STATEMENT = """              - Effect: Allow
                Action: s3:GetObject
                Resource: !Sub arn:${{AWS::Partition}}:s3:::{archive}"""
CUDA = "          SR_PROVIDERS: CUDAExecutionProvider,CPUExecutionProvider\n"
_PLACEHOLDER = re.compile(r"\{\{([A-Za-z0-9:]+)\}\}")


def render(variant: Variant, *, defaults: Mapping[str, str] | None = None) -> str:
    """The template's text; `defaults` fills in what only packaging knows (`artifactBucket`, …)."""
    given = dict(defaults or {})
    parts = [(PARTS / f"{name}.yaml").read_text(encoding="utf-8") for name in variant.parts]
    if variant is LAMBDA:
        parts.append("Parameters:\n" + MODELS_SHA256)
    blocks = _blocks(variant)
    api = _filled((PARTS / "api.yaml").read_text(encoding="utf-8"), _without_deployments(blocks))
    digest = digest_of(api)
    blocks["deployments"] = deployments(digest)
    for state in DEPLOYMENTS:
        blocks[f"deployment{state}"] = deployment_name(state, digest)
    for name in ("artifactBucket", "artifactPrefix", "modelsSha256"):
        blocks[f"default:{name}"] = f"Default: {given[name]}" if name in given else ""
    sections: dict[str, list[str]] = {name: [] for name in SECTIONS}
    for part in parts:
        for name, body in _sections(_filled(part, blocks)).items():
            sections[name].append(body)
    texts = [_section(name, bodies) for name, bodies in sections.items() if bodies]
    return HEAD + "\n".join(texts)


def render_all(folder: Path, *, defaults: Mapping[str, str] | None = None) -> list[Path]:
    """Write every template; the paths."""
    paths = []
    for variant in VARIANTS.values():
        path = folder / variant.template
        path.write_text(render(variant, defaults=defaults), encoding="utf-8")
        paths.append(path)
    return paths


def _blocks(variant: Variant) -> dict[str, str]:
    def part(name: str) -> str:
        return (PARTS / f"{name}.yaml").read_text(encoding="utf-8").rstrip("\n")

    is_inf = variant is INF
    archive = variant.archives[-1]
    return {
        "version": __version__,
        "function": variant.function,
        "gatewayResponses": gateway_responses(),
        "parameterGroups": part("parameter_groups") + "\n",
        "artifactSha256": "modelsSha256" if variant is LAMBDA else "",
        "inputBucketNames": INPUT_BUCKET_NAMES,
        "bucketStatements": part("bucket_statements"),
        "vpcStatements": part("vpc_statements"),
        "modelStatement": MODEL_STATEMENT.format(
            archive="${artifactBucket}/${artifactPrefix}/" + archive
        ),
        "imageStatement": part("image_statement_inf" if is_inf else "image_statement_gpu"),
        "containerEnvironment": part("container_environment") + ("" if is_inf else "\n" + CUDA),
        "amiVersion": (
            "!If [HasAmiVersion, !Ref inferenceAmiVersion, !Ref AWS::NoValue]"
            if is_inf
            else "!Ref inferenceAmiVersion"
        ),
    }


def _without_deployments(blocks: Mapping[str, str]) -> dict[str, str]:
    names = ["deployments", *(f"deployment{state}" for state in DEPLOYMENTS)]
    return {**blocks, **dict.fromkeys(names, "")}


def _filled(text: str, blocks: Mapping[str, str]) -> str:
    """KeyError for a placeholder that nothing fills; a line that becomes empty is left out."""
    while _PLACEHOLDER.search(text):
        lines = []
        for line in text.splitlines():
            filled = _PLACEHOLDER.sub(lambda found: blocks[found[1]], line)
            if filled.strip() or filled == line:
                lines.append(filled.rstrip("\n"))
        text = "\n".join(lines) + "\n"
    return text


def _sections(text: str) -> dict[str, str]:
    sections: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if found := re.match(r"([A-Za-z]+):(.*)", line):
            name = found[1]
            sections[name] = [found[2]]
        elif name:
            sections[name].append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in sections.items()}


def _section(name: str, bodies: list[str]) -> str:
    """A scalar stays in its line; the bodies of a mapping follow each other."""
    if bodies[0].startswith(" ") and not bodies[0].startswith("  "):
        return f"{name}:{bodies[0]}\n"
    return f"{name}:\n" + "\n\n".join(body.strip("\n") for body in bodies) + "\n"
