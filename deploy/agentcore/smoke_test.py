"""What must hold for whoever calls the server, asked of its public URL: by a token, and without one."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSRequest
from output import hide, say, shown

from .web import Answer, Unreachable, send

_PAUSE_SECONDS = 2.0
# AgentCore's answer when the container failed: RuntimeClientError.
# https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_InvokeAgentRuntime.html
_CONTAINER_FAILED = 424


class SmokeFailed(Exception):
    """The server does not do what it must; the text says what."""


@dataclass(frozen=True)
class SmokeTest:
    """A connector's URL, and the client that may use it."""

    url: str
    token_endpoint: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str
    query: str | None
    # For all of it together, with what has to be asked again while one version takes over from another.
    limit_seconds: float

    def check_client(self) -> None:
        """That the client gets a token. Before an update: without one nothing could be said about the image."""
        hide(self.client_secret)
        self._token(time.monotonic() + self.limit_seconds)

    def run(self) -> None:
        hide(self.client_secret)
        deadline = time.monotonic() + self.limit_seconds
        token = self._token(deadline)
        self._ping(token, deadline)
        say("smoke test: ping answered")
        self._is_closed_to_strangers(deadline)
        say("smoke test: a call without a token is refused (401, with a challenge)")
        self._call(token, "list_knowledge_bases", {}, deadline)
        say("smoke test: list_knowledge_bases answered a token")
        if self.query is not None:
            found = self._call(token, "search", {"query": self.query}, deadline)
            if not found.get("results"):
                raise SmokeFailed("search answered, but found nothing for the query of the smoke test")
            say(f"smoke test: search found {len(found['results'])} passages")

    def _token(self, deadline: float) -> str:
        # In the form, not by HTTP Basic: whether a secret's `+` is to be escaped there, servers do not agree on.
        # https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.scope,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        answer = _post(self.token_endpoint, urllib.parse.urlencode(form), headers, deadline)
        content = _object(answer)
        token = content.get("access_token")
        if answer.status != 200 or not isinstance(token, str):
            raise SmokeFailed(
                f"the token endpoint gave client {shown(self.client_id, 80)} no token: HTTP {answer.status} "
                f"{shown(content.get('error', ''), 80)} (is AUTRI_SMOKE_CLIENT_SECRET the secret of this client, "
                "and its connector not revoked?)"
            )
        hide(token)
        return token

    def _ping(self, token: str, deadline: float) -> None:
        result = self._ask(token, "ping", {}, deadline)
        if result != {}:
            raise SmokeFailed(f"ping was answered with {shown(result, 200)}")

    def _is_closed_to_strangers(self, deadline: float) -> None:
        parameters = {"name": "list_knowledge_bases", "arguments": {}}
        answer = self._post_message(None, "tools/call", parameters, deadline)
        if answer.status != 401:
            raise SmokeFailed(f"a call without a token was answered with HTTP {answer.status} instead of 401")
        # Without it no client finds out where to sign in (RFC 9728 §5.1).
        if not answer.headers.get("WWW-Authenticate", "").lower().startswith("bearer"):
            raise SmokeFailed("the 401 of a call without a token carries no challenge (WWW-Authenticate: Bearer …)")

    def _call(self, token: str, tool: str, arguments: dict[str, Any], deadline: float) -> dict[str, Any]:
        result = self._ask(token, "tools/call", {"name": tool, "arguments": arguments}, deadline)
        if result.get("isError"):
            raise SmokeFailed(f"{tool} answered with an error: {shown(result.get('content'), 300)}")
        structured = result.get("structuredContent")
        if not isinstance(structured, dict):
            raise SmokeFailed(f"{tool} answered without structuredContent")
        return structured

    def _ask(self, token: str, method: str, parameters: dict[str, Any], deadline: float) -> dict[str, Any]:
        answer = self._post_message(token, method, parameters, deadline)
        if answer.status != 200:
            body = shown(answer.body.decode(errors="replace"), 300)
            raise SmokeFailed(f"{method} with a token was answered with HTTP {answer.status}: {body}")
        message = _message(answer)
        result = message.get("result")
        if not isinstance(result, dict):
            raise SmokeFailed(f"{method} was answered with {shown(message.get('error', 'no result'), 300)}")
        return result

    def _post_message(self, token: str | None, method: str, parameters: dict[str, Any], deadline: float) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        return _post(self.url, json.dumps(message), headers, deadline)


def _post(url: str, body: str, headers: Mapping[str, str], deadline: float) -> Answer:
    """Asks again, until the deadline, what got no answer or a server's error: versions are being swapped."""
    while True:
        late = time.monotonic() + _PAUSE_SECONDS > deadline
        try:
            answer = send(AWSRequest("POST", url, {"User-Agent": "autri-smoke-test", **headers}, body.encode()))
        except Unreachable as error:
            if late:
                raise SmokeFailed(f"{shown(url, 200)} cannot be reached: {shown(error, 300)}") from error
        else:
            passes = answer.status in (429, _CONTAINER_FAILED) or answer.status >= 500
            if late or not passes:
                return answer
        time.sleep(_PAUSE_SECONDS)


def _object(answer: Answer) -> dict[str, Any]:
    """The body if it is a JSON object, else an empty one."""
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _message(answer: Answer) -> dict[str, Any]:
    """The JSON-RPC response with our id, sent as JSON or as a stream of events.

    https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server
    """
    if not answer.headers.get("Content-Type", "").lower().startswith("text/event-stream"):
        return _object(answer)
    for event in answer.body.decode(errors="replace").replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:"))
        try:
            message = json.loads(data)
        except ValueError:
            continue
        if isinstance(message, dict) and message.get("id") == 1:
            return message
    return {}
