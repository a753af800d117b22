"""The command line that the scripts share: how each is called, and what its exit status says."""

from __future__ import annotations

import argparse
import os
import re

import boto3

# Exit statuses; 2, wrong arguments, is argparse's own.
DONE = 0
# What served before serves.
NOT_DONE = 1
# Somebody has to look.
LOOK = 3

_BY_DIGEST = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")


def parser_of(script: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the script's docstring, as it is laid out there."""
    title, _, rest = (script or "").partition("\n")
    formatter = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(description=title, epilog=rest, formatter_class=formatter)


def image_by_digest(image: str) -> str:
    """An image that cannot become another one, as one named by a tag can."""
    if not _BY_DIGEST.fullmatch(image):
        raise argparse.ArgumentTypeError(f"{image!r} has no digest: it must end in @sha256: and 64 hexadecimal digits")
    return image


def seconds(text: str) -> float:
    if not 0 < float(text) <= 6 * 3600:
        raise ValueError
    return float(text)


def add_aws(command: argparse.ArgumentParser) -> None:
    command.add_argument("--region", help="AWS_REGION, or the profile's, unless told")
    command.add_argument("--endpoint-url", metavar="URL", help="in the place of AWS's own endpoints")


def session(arguments: argparse.Namespace) -> boto3.Session:
    """boto3 by itself reads AWS_DEFAULT_REGION alone, unlike every other SDK (and `autri`).

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html"""
    return boto3.Session(region_name=arguments.region or os.environ.get("AWS_REGION") or None)
