#!/usr/bin/env python3
"""Puts a new image into the AgentCore runtime that serves Autri, and the old one back if the new one does not serve.

    agent_runtime.py show    --runtime-id ID
    agent_runtime.py update  --runtime-id ID --image URI@sha256:… --smoke-url URL --token-endpoint URL --client-id ID
    agent_runtime.py restore --runtime-id ID --version N --smoke-url URL --token-endpoint URL --client-id ID
    agent_runtime.py smoke   --smoke-url URL --token-endpoint URL --client-id ID

The runtime is the infrastructure's, and all of it but the image stays as it is.

Exit status: 0 done; 1 not done, and what served before serves (nothing was sent, or it was put back); 2 wrong
arguments; 3 somebody has to look, and the last lines say at what.
"""

from __future__ import annotations

import argparse
import os
import sys

from agentcore.configuration import (
    headers_of,
    hide_variables,
    image_of,
    part,
    settable,
    version_of,
    with_image,
    wrong_about,
)
from agentcore.control_plane import ControlPlane, Refused
from agentcore.deployment import (
    FAILED,
    Deployment,
    NotServing,
    Superseded,
    explain,
    wait_until_serving,
    what_serves,
)
from agentcore.smoke_test import SmokeFailed, SmokeTest
from agentcore.web import Unreachable, insist_on_tls
from arguments import DONE, NOT_DONE, add_aws, image_by_digest, parser_of, seconds, session
from botocore.exceptions import BotoCoreError, ClientError
from interrupts import Interrupted, Interrupts
from output import complain, say, shown

CLIENT_SECRET = "AUTRI_SMOKE_CLIENT_SECRET"  # noqa: S105 (the variable's name)


def change(arguments: argparse.Namespace, smoke: SmokeTest | None, interrupts: Interrupts) -> int:
    """`update` and `restore`."""
    plane = ControlPlane(session(arguments), arguments.runtime_id, arguments.endpoint_url)
    before = plane.runtime()
    source = plane.runtime(arguments.version) if arguments.command == "restore" else before
    for runtime in (before, source):
        hide_variables(runtime)
    say(f"version {version_of(before)} is {shown(before.get('status'), 40)} with {shown(image_of(before))}")
    if wrong := wrong_about(source):
        complain("FAILED: the runtime is not as Autri needs it. Nothing was sent.")
        for line in wrong:
            complain(f"  - {line}")
        complain("The infrastructure makes the runtime: put it right there, deploy that, and try again.")
        return NOT_DONE
    if before.get("status") not in ("READY", *FAILED):
        status = shown(before.get("status"), 40)
        complain(f"FAILED: the runtime is {status}. Nothing was sent; try again when that is over.")
        return NOT_DONE

    wanted = settable(source) if arguments.command == "restore" else with_image(settable(source), arguments.image)
    if before["status"] == "READY" and wanted == settable(before):
        say("nothing to send: it is so already")
        wait_until_serving(plane, version_of(before), None, arguments.ready_timeout)
        if smoke is not None:
            smoke.run()
        say(f"done: version {version_of(before)} serves {shown(image_of(before))}")
        return DONE
    if smoke is not None:
        smoke.check_client()
    good = what_serves(plane, before)
    return Deployment(plane, interrupts, before, wanted, good, smoke, arguments.ready_timeout).run()


def show(arguments: argparse.Namespace) -> int:
    plane = ControlPlane(session(arguments), arguments.runtime_id, arguments.endpoint_url)
    runtime, endpoint = plane.runtime(), plane.default_endpoint()
    hide_variables(runtime)
    authorizer = part(runtime, "authorizerConfiguration", "customJWTAuthorizer") or {}
    lines = {
        "runtime": f"{plane.runtime_id} in {plane.region}",
        "version": f"{shown(version_of(runtime), 10)}, {shown(runtime.get('status'), 40)}",
        "failure": shown(runtime.get("failureReason") or ""),
        "image": shown(image_of(runtime)),
        "DEFAULT": f"serves version {shown(endpoint.get('liveVersion'), 10)}, {shown(endpoint.get('status'), 40)}",
        "protocol": shown(part(runtime, "protocolConfiguration", "serverProtocol"), 40),
        "headers": shown(", ".join(headers_of(runtime))),
        "issuer": shown(authorizer.get("discoveryUrl") or ""),
        "gated by": shown(", ".join(sorted(authorizer.keys() - {"discoveryUrl"}))),
        # By name alone: the values hold secrets.
        "variables": shown(", ".join(sorted(runtime.get("environmentVariables") or {}))),
    }
    for name, value in lines.items():
        if value:
            say(f"{name:<10} {value}")
    wrong = wrong_about(runtime)
    for line in wrong:
        complain(f"wrong: {line}")
    return NOT_DONE if wrong else DONE


# -- The command line


def url_of_service(url: str) -> str:
    try:
        return insist_on_tls(url)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_smoke_test(command: argparse.ArgumentParser, *, may_be_left_out: bool) -> None:
    choice = command.add_mutually_exclusive_group(required=True)
    choice.add_argument("--smoke-url", type=url_of_service, metavar="URL", help="a connector's, https://…/c/ID/mcp")
    if may_be_left_out:
        choice.add_argument("--no-smoke-test", action="store_true", help="be content with READY")
    command.add_argument("--token-endpoint", type=url_of_service, metavar="URL", help="the user pool's, …/oauth2/token")
    command.add_argument("--client-id", metavar="ID", help=f"the connector's client; its secret is in {CLIENT_SECRET}")
    command.add_argument("--scope", default="mcp.autri.ai/mcp.invoke", help="the token's (%(default)s)")
    command.add_argument("--smoke-query", metavar="TEXT", help="search for this too, and find something, unless empty")
    command.add_argument(
        "--smoke-timeout", type=seconds, default=90, metavar="SECONDS", help="for all of it (%(default)s)"
    )


def parser() -> argparse.ArgumentParser:
    top = parser_of(__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    show_ = commands.add_parser("show", help="what serves; exit status 1 if it is not as Autri needs it")
    update = commands.add_parser("update", help="a new image, and everything else as it is")
    restore = commands.add_parser("restore", help="everything as it was in an earlier version")
    for command in (show_, update, restore):
        command.add_argument("--runtime-id", required=True, metavar="ID", help="such as autri_mcp-a1B2c3D4e5")
        add_aws(command)
    update.add_argument("--image", type=image_by_digest, required=True, metavar="URI", help="…@sha256:…")
    restore.add_argument("--version", required=True, metavar="N", help="as 'show' and 'update' print it")
    for command in (update, restore):
        command.add_argument(
            "--ready-timeout",
            type=seconds,
            default=600,
            metavar="SECONDS",
            help="until it serves (%(default)s); going back may take ten minutes in any case",
        )
        add_smoke_test(command, may_be_left_out=True)
    add_smoke_test(commands.add_parser("smoke", help="the smoke test alone"), may_be_left_out=False)
    return top


def smoke_test(arguments: argparse.Namespace, top: argparse.ArgumentParser) -> SmokeTest | None:
    if getattr(arguments, "smoke_url", None) is None:
        return None
    secret = os.environ.get(CLIENT_SECRET, "")
    given = {"--token-endpoint": arguments.token_endpoint, "--client-id": arguments.client_id, CLIENT_SECRET: secret}
    if missing := [name for name, value in given.items() if not value]:
        top.error(f"the smoke test needs {' and '.join(missing)}")
    return SmokeTest(
        url=arguments.smoke_url,
        token_endpoint=arguments.token_endpoint,
        client_id=arguments.client_id,
        client_secret=secret,
        scope=arguments.scope,
        # A workflow passes a variable that is not set as an empty text.
        query=arguments.smoke_query or None,
        limit_seconds=arguments.smoke_timeout,
    )


def main() -> int:
    top = parser()
    arguments = top.parse_args()
    smoke = smoke_test(arguments, top)
    interrupts = Interrupts()
    try:
        if arguments.command == "show":
            return show(arguments)
        if arguments.command == "smoke" and smoke is not None:
            smoke.run()
            return DONE
        return change(arguments, smoke, interrupts)
    except (Refused, Unreachable, NotServing, Superseded, SmokeFailed, Interrupted) as error:
        complain(f"FAILED: {explain(error).rstrip('.')}. Nothing was changed.")
    except (BotoCoreError, ClientError, ValueError) as error:
        complain(f"FAILED: {shown(error).rstrip('.')}. Nothing was sent.")
    return NOT_DONE


if __name__ == "__main__":
    sys.exit(main())
