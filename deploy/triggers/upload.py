"""`cargo lambda deploy`, held to what it is used for: a function that is there gets new code, published as a version.

By itself it does more (read in its source, and seen in its requests, for 1.9.2). It makes a function that is missing,
and a role for it. It changes memory, timeout, environment, layers, VPC or tags if an option says so, or the
`[package.metadata.lambda]` of a Cargo.toml, a CargoLambda.toml, or a variable such as CARGO_LAMBDA_DEPLOY. It has an
alias point to the new version at once, whatever it pointed to.

So it gets no such option, and runs in an empty folder without those variables. Whoever calls looks whether the function
is there, and whether its settings are the same afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import boto3
from output import LOOK_AT_RIGHTS, WITHOUT_RIGHTS, hide, shown

from .function import LambdaFunction
from .package import LambdaZip

PROGRAM = Path(__file__).parents[1] / "cargo-lambda"
TOOLCHAIN = Path(__file__).parents[2] / "rust-toolchain.toml"
# It uploads a few megabytes, and waits for the function in between.
LIMIT_SECONDS = 600


class UploadFailed(Exception):
    """No version was published, or none that is known of; the text has what cargo lambda says."""


def publish(session: boto3.Session, function: LambdaFunction, package: LambdaZip) -> str:
    """Uploads a zip as the function's code, and publishes it. Returns the version's number."""
    with tempfile.TemporaryDirectory(prefix="cargo-lambda-") as name:
        folder = Path(name)
        # It wants a workspace, and ours would have cargo fetch every dependency.
        (folder / "Cargo.toml").write_text("[workspace]\n", encoding="utf-8")
        # With the cargo of this project: rustup may have none to offer elsewhere.
        shutil.copyfile(TOOLCHAIN, folder / TOOLCHAIN.name)
        # A zip is taken as it is only from where `cargo lambda build` would leave it; `--binary-path` takes programs.
        zip_path = folder / "lambda" / function.name / "bootstrap.zip"
        zip_path.parent.mkdir(parents=True)
        shutil.copyfile(package.path, zip_path)
        command = [
            str(PROGRAM), "deploy", "--lambda-dir", str(folder / "lambda"), "--output-format", "json",
            # Where boto3 would ask: all that follows is about the same function.
            "--region", function.region, "--endpoint-url", function.endpoint_url, function.name,
        ]  # fmt: skip
        try:
            ended = subprocess.run(  # noqa: S603 (our own script; no shell)
                command,
                cwd=folder,
                env=_environment(session),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LIMIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UploadFailed(f"cargo lambda deploy has not ended after {LIMIT_SECONDS} s") from error
    if ended.returncode != 0:
        raise UploadFailed(_explained(ended))
    return _version_in(ended.stdout)


def _explained(ended: subprocess.CompletedProcess[str]) -> str:
    text = f"cargo lambda deploy ended with {ended.returncode}: {shown(ended.stderr.strip(), 2000)}"
    # It names AWS's error somewhere in what it says.
    return f"{text} – {LOOK_AT_RIGHTS}" if any(code in ended.stderr for code in WITHOUT_RIGHTS) else text


def _environment(session: boto3.Session) -> dict[str, str]:
    """This process's, with the credentials that boto3 has found, and nothing that cargo lambda takes for an option."""
    credentials = session.get_credentials()
    if credentials is None:
        raise UploadFailed("there are no AWS credentials; set AWS_PROFILE, or what else boto3 reads")
    frozen = credentials.get_frozen_credentials()
    keys = {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
    if frozen.token:
        keys["AWS_SESSION_TOKEN"] = frozen.token
    hide(frozen.secret_key, frozen.token or "")
    own = {"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in own and not name.startswith(("CARGO_LAMBDA_", "AWS_ENDPOINT_URL"))
    }
    return inherited | keys


def _version_in(output: str) -> str:
    """Its progress may stand before the answer."""
    try:
        version = json.loads(output[output.index("{") :])["version"]
    except (ValueError, KeyError) as error:
        raise UploadFailed(f"cargo lambda deploy does not tell the version: {shown(output.strip(), 2000)}") from error
    if not (isinstance(version, str) and version.isdecimal()):
        raise UploadFailed(f"cargo lambda deploy published no version, but {shown(version, 60)}")
    return version
