"""A runtime as the control plane tells it: what of it is configuration, and what Autri needs of it."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from output import hide, shown

Json = dict[str, Any]

# What GetAgentRuntime answers and UpdateAgentRuntime does not take. Everything else is sent back, known here or not.
READ_ONLY = frozenset(
    {
        "agentRuntimeArn",
        "agentRuntimeId",
        "agentRuntimeName",
        "agentRuntimeVersion",
        "createdAt",
        "failureReason",
        "lastUpdatedAt",
        "status",
        "workloadIdentityDetails",
    }
)
# Of the server's settings (docs/configuration.md) all but its database's URL and its keys. Unknown ones may be secret.
NO_SECRET = re.compile(r"AGENTCORE_AUTH|COGNITO_\w+|AUTRI_(?!\w*(KEY|SECRET))\w+|DATABASE_(SECRET_ARN|MAX_CONNECTIONS)")
# Of these the service takes no empty value, so an empty one that it reports means that there is none.
NEVER_EMPTY = frozenset({"allowedPorts", "description", "platformVersion"})


def settable(runtime: Json) -> Json:
    """The configuration, as UpdateAgentRuntime wants all of it."""
    return {
        name: copy.deepcopy(value)
        for name, value in runtime.items()
        if name not in READ_ONLY and value is not None and not (name in NEVER_EMPTY and not value)
    }


def with_image(configuration: Json, image: str) -> Json:
    changed = copy.deepcopy(configuration)
    changed["agentRuntimeArtifact"]["containerConfiguration"]["containerUri"] = image
    return changed


def part(runtime: Json, *names: str) -> Any:
    """A member's member; `None` where there is none."""
    value: Any = runtime
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def image_of(runtime: Json) -> str | None:
    uri = part(runtime, "agentRuntimeArtifact", "containerConfiguration", "containerUri")
    return None if uri is None else str(uri)


def headers_of(runtime: Json) -> list[str]:
    """The headers that reach the container."""
    return [str(name) for name in part(runtime, "requestHeaderConfiguration", "requestHeaderAllowlist") or []]


def version_of(runtime: Json) -> str:
    return str(runtime.get("agentRuntimeVersion", "?"))


def is_later(version: str, than: str) -> bool:
    return version.isdecimal() and than.isdecimal() and int(version) > int(than)


def hide_variables(runtime: Json) -> None:
    """Its environment holds secrets, and an error of the service may repeat one. A setting that is none stays readable:
    an issuer is a part of other lines."""
    variables = runtime.get("environmentVariables") or {}
    hide(*(str(value) for name, value in variables.items() if not NO_SECRET.fullmatch(name)))


def wrong_about(runtime: Json) -> list[str]:
    """What Autri needs of its runtime and does not find."""
    wrong = []
    if not image_of(runtime):
        wrong.append("it runs no container image (agentRuntimeArtifact.containerConfiguration.containerUri)")
    protocol = part(runtime, "protocolConfiguration", "serverProtocol")
    if protocol != "MCP":
        wrong.append(f"its protocol is {shown(protocol, 40)}, not MCP (protocolConfiguration.serverProtocol)")
    if "authorization" not in [name.lower() for name in headers_of(runtime)]:
        wrong.append(
            "Authorization is not among the headers that it passes on, so that the server would see no token and "
            "refuse every call (requestHeaderConfiguration.requestHeaderAllowlist)"
        )
    if not part(runtime, "authorizerConfiguration", "customJWTAuthorizer", "discoveryUrl"):
        wrong.append("it verifies no token itself (authorizerConfiguration.customJWTAuthorizer)")
    return wrong


def unlike(sent: Json, found: Json) -> list[str]:
    """The members that are not there as they were sent, by name. The order of a list is the service's to choose."""
    return [name for name, value in sent.items() if _in_order(value) != _in_order(found.get(name))]


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_order(member) for name, member in value.items()} or None
    if isinstance(value, list):
        return (
            sorted((_in_order(member) for member in value), key=lambda member: json.dumps(member, sort_keys=True))
            or None
        )
    return value
