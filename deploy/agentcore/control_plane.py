"""AgentCore's control plane, as JSON goes over the wire.

Not boto3's client for it: that drops every member of an answer that its model does not name, and `UpdateAgentRuntime`
replaces the whole configuration, so that what the client does not know yet would be switched off by an update.
https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_UpdateAgentRuntime.html
"""

from __future__ import annotations

import json
import random
import re
import time
import urllib.parse
import uuid
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from output import LOOK_AT_RIGHTS

from .web import Answer, Unreachable, insist_on_tls, send

Json = dict[str, Any]

_SERVICE = "bedrock-agentcore-control"
# https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_GetAgentRuntime.html
_RUNTIME_ID = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,99}-[a-zA-Z0-9]{10}")
TOO_MANY_REQUESTS = 429
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.3


class Refused(Exception):
    """The service answered with an error; `code` is its name for it."""

    def __init__(self, operation: str, status: int, code: str, message: str) -> None:
        super().__init__(f"{operation}: HTTP {status} {code}: {message}")
        self.status = status
        self.code = code
        # Whether an attempt before this answer may have been carried out after all.
        self.after_doubt = False

    @property
    def passes(self) -> bool:
        """Whether the same request may go through a moment later."""
        return self.status == TOO_MANY_REQUESTS or self.status >= 500

    @property
    def changed_nothing(self) -> bool:
        """Whether it is certain that the request was not carried out."""
        return self.status < 500 and not self.after_doubt

    @property
    def advice(self) -> str:
        """What to do about it; empty if that is in the message."""
        if self.code == "ConflictException":
            return "another update is going on; wait for it to end, then look with 'show'"
        if self.code == "ResourceNotFoundException":
            return "is it the runtime's id (not its name or ARN), in this region and account?"
        if self.status in (401, 403):
            return LOOK_AT_RIGHTS
        if self.code == "ValidationException":
            return (
                "if the member that it names is one that the service reports and does not take back, "
                "add it to READ_ONLY in deploy/agentcore/configuration.py"
            )
        return ""


class ControlPlane:
    """The operations on one runtime."""

    def __init__(self, session: boto3.Session, runtime_id: str, endpoint_url: str | None) -> None:
        """`ValueError` or `botocore.exceptions.BotoCoreError` for what cannot work."""
        if not _RUNTIME_ID.fullmatch(runtime_id):
            raise ValueError(f"{runtime_id!r} is not a runtime's id, which looks like autri_mcp-a1B2c3D4e5")
        # boto3's client is made for what it knows: the region's endpoint, or the one of the environment or the profile.
        client = session.client(_SERVICE, endpoint_url=endpoint_url)
        credentials = session.get_credentials()
        if credentials is None:
            raise ValueError("no AWS credentials: set AWS_PROFILE, or log in, and try again")
        self.runtime_id = runtime_id
        self.region: str = client.meta.region_name
        self._root = insist_on_tls(client.meta.endpoint_url).rstrip("/")
        self._signing_name: str = client.meta.service_model.signing_name
        self._credentials = credentials

    def runtime(self, version: str | None = None) -> Json:
        """The runtime's configuration and state, or those of one of its versions."""
        query = f"?{urllib.parse.urlencode({'version': version})}" if version else ""
        return self._ask("GetAgentRuntime", "GET", f"/runtimes/{self.runtime_id}/{query}")

    def default_endpoint(self) -> Json:
        """What calls reach that name no other endpoint; it follows the latest version by itself.

        https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/agent-runtime-versioning.html
        """
        path = f"/runtimes/{self.runtime_id}/runtime-endpoints/DEFAULT/"
        return self._ask("GetAgentRuntimeEndpoint", "GET", path)

    def update(self, configuration: Json) -> Json:
        """Replaces the configuration. Asked again with the same token, the service does it once."""
        body = configuration | {"clientToken": str(uuid.uuid4())}
        return self._ask("UpdateAgentRuntime", "PUT", f"/runtimes/{self.runtime_id}/", body)

    def _ask(self, operation: str, method: str, path: str, body: Json | None = None) -> Json:
        """An answer, after some attempts if need be. `Refused`, or `Unreachable`; or what credentials fail with."""
        in_doubt = False
        for attempt in range(_ATTEMPTS):
            try:
                return self._ask_once(operation, method, path, body)
            except Refused as refused:
                refused.after_doubt = in_doubt
                if not refused.passes or attempt == _ATTEMPTS - 1:
                    raise
                in_doubt = in_doubt or refused.status != TOO_MANY_REQUESTS
            except Unreachable:
                if attempt == _ATTEMPTS - 1:
                    raise
                in_doubt = True
            # Spread, so that many who were throttled do not come back together.
            time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1))  # noqa: S311
        raise AssertionError("the last attempt returns or raises")

    def _ask_once(self, operation: str, method: str, path: str, body: Json | None) -> Json:
        data = None if body is None else json.dumps(body).encode()
        request = AWSRequest(
            method, self._root + path, {"Accept": "application/json", "Content-Type": "application/json"}, data
        )
        SigV4Auth(self._credentials.get_frozen_credentials(), self._signing_name, self.region).add_auth(request)
        answer = send(request)
        if answer.status not in (200, 202):
            raise _refusal(operation, answer)
        try:
            content = answer.json()
        except ValueError as error:
            raise Unreachable(f"{operation}: the answer is no JSON") from error
        if not isinstance(content, dict):
            raise Unreachable(f"{operation}: the answer is no JSON object")
        return content


def _refusal(operation: str, answer: Answer) -> Refused:
    """https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization"""
    try:
        content = answer.json()
    except ValueError:
        content = {}
    if not isinstance(content, dict):
        content = {}
    code = str(answer.headers.get("x-amzn-errortype") or content.get("__type") or content.get("code") or "error")
    message = str(content.get("message") or content.get("Message") or "no message")
    fields = content.get("fieldList")
    for field in fields if isinstance(fields, list) else []:
        if isinstance(field, dict):
            message += f"; {field.get('name')}: {field.get('message')}"
    return Refused(operation, answer.status, code.split(":")[0].rpartition("#")[2], message)
