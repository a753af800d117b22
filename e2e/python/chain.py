"""The chain that `cargo dev --cognito` starts: what its ready file tells, and how its parts are asked.

Protocols are spoken plainly (OAuth 2.0, AWS's JSON 1.1, Lambda's REST), because the tests are about what really goes
over them. The emulators check no signature of a request, so none is made.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import checks
import jwt
from client_sdk import SdkClient, connection

READY: dict[str, str] = json.loads(Path(checks.required("AUTRI_READY_FILE")).read_text(encoding="utf-8"))
SCOPE = READY["scope"]
# What cognito-local takes for the code that Cognito would have sent.
CONFIRMATION_CODE = "123456"
# Seconds; nothing here takes as many unless it hangs.
LIMIT = 60


# -- HTTP


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


# Everything is on this machine, whatever proxy the environment names.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def send(url: str, *, body: str | None = None, method: str | None = None, **headers: str) -> Reply:
    """One request. Any status is an answer; redirects are not followed. `content_type=…` is the header Content-Type."""
    request = urllib.request.Request(
        url,
        data=None if body is None else body.encode(),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        method=method,
    )
    try:
        with _OPENER.open(request, timeout=LIMIT) as response:
            return Reply(response.status, response.headers, response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers, error.read().decode())


def send_form(url: str, form: Mapping[str, str], **headers: str) -> Reply:
    encoded = urllib.parse.urlencode(form)
    return send(url, body=encoded, content_type="application/x-www-form-urlencoded", **headers)


# -- AWS


class AwsError(Exception):
    """An operation was refused; the text holds the error's name and message."""


def aws(endpoint: str, target: str, **arguments: Any) -> dict[str, Any]:
    """An operation in the protocol JSON 1.1; `target` is its service's prefix and its name."""
    reply = send(endpoint, body=json.dumps(arguments), content_type="application/x-amz-json-1.1", x_amz_target=target)
    if reply.status != 200:
        raise AwsError(f"{target}: HTTP {reply.status} {reply.text}")
    return reply.json() if reply.text else {}


def cognito(endpoint: str, operation: str, **arguments: Any) -> dict[str, Any]:
    """An operation of Cognito's user pools, by the emulator at `endpoint`."""
    return aws(endpoint, f"AWSCognitoIdentityProviderService.{operation}", **arguments)


def pool(operation: str, **arguments: Any) -> dict[str, Any]:
    """An operation on the pool that signs tokens."""
    return cognito(READY["cognito_endpoint"], operation, UserPoolId=READY["user_pool_id"], **arguments)


class FunctionError(Exception):
    """The function ended with an error; the text is its message, which AWS shows to whoever signs in or up."""


def _function(name: str, part: str) -> str:
    return f"{READY['cognito_endpoint']}/2015-03-31/functions/{name}/{part}"


def invoke(name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Has a function handle an event, as Cognito does."""
    reply = send(_function(name, "invocations"), body=json.dumps(event), content_type="application/json")
    assert reply.status == 200, f"{name} was not invoked: HTTP {reply.status} {reply.text}"
    if reply.headers.get("X-Amz-Function-Error"):
        raise FunctionError(reply.json()["errorMessage"])
    return reply.json()


def configure(name: str, variables: Mapping[str, str]) -> None:
    """Gives a function this environment. Its processes end, and with them what they have cached."""
    reply = send(
        _function(name, "configuration"),
        body=json.dumps({"Environment": {"Variables": dict(variables)}}),
        method="PUT",
        content_type="application/json",
    )
    assert reply.status == 200, f"{name} was not configured: HTTP {reply.status} {reply.text}"


def variables(name: str) -> dict[str, str]:
    """The environment that a function was given."""
    return send(_function(name, "configuration")).json()["Environment"]["Variables"]


def restart(name: str) -> None:
    """Ends a function's processes: the next invocation reads everything anew, as it otherwise does after a minute."""
    configure(name, variables(name))


@contextmanager
def configured(name: str, **changes: str) -> Iterator[None]:
    """A function with other settings, for a while."""
    before = variables(name)
    assert all(before.get(key) != value for key, value in changes.items()), f"{name} has {list(changes)} already"
    configure(name, before | changes)
    try:
        yield
    finally:
        configure(name, before)


def log(name: str) -> list[str]:
    """What a function has written, oldest first, with Lambda's own lines among it."""
    messages: list[str] = []
    more: dict[str, str] = {}
    while True:
        group = f"/aws/lambda/{name}"
        page = aws(READY["cognito_endpoint"], "Logs_20140328.FilterLogEvents", logGroupName=group, **more)
        messages += [event["message"] for event in page["events"]]
        if "nextToken" not in page:
            return messages
        more = {"nextToken": page["nextToken"]}


def invocations(name: str) -> list[dict[str, Any]]:
    """A function's invocation log, oldest first: what came of each event."""
    return [line for line in _json_lines(name) if "outcome" in line]


def failures(name: str) -> list[tuple[str, str]]:
    """The failures that a function has counted as metrics, oldest first: where, and why."""
    return [(line["stage"], line["reason"]) for line in _json_lines(name) if "_aws" in line]


def _json_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(message) for message in log(name) if message.startswith("{")]


# -- Tokens


class NoToken(Exception):
    """The answer holds no token; the text is what it says."""


def ask_for_token(form: Mapping[str, str], basic: tuple[str, str] | None = None) -> dict[str, Any]:
    """What the token endpoint grants; the client names itself in the form, or by HTTP Basic authentication."""
    headers = {}
    if basic:
        headers["authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
    reply = send_form(READY["token_endpoint"], form, **headers)
    if reply.status != 200:
        assert "access_token" not in reply.text, f"a token with HTTP {reply.status}"
        raise NoToken(f"HTTP {reply.status} {reply.text}")
    return reply.json()


def machine_token(client_id: str, client_secret: str, **more: str) -> str:
    """A program's token, by `client_credentials`."""
    form = {"grant_type": "client_credentials", "scope": SCOPE} | more
    return ask_for_token(form, (client_id, client_secret))["access_token"]


def password_tokens(client_id: str, username: str, password: str, **more: Any) -> dict[str, Any]:
    """A person's tokens, by `InitiateAuth` with a password."""
    return initiate_auth(client_id, "USER_PASSWORD_AUTH", {"USERNAME": username, "PASSWORD": password}, **more)


def initiate_auth(client_id: str, flow: str, parameters: dict[str, str], **more: Any) -> dict[str, Any]:
    arguments = {"ClientId": client_id, "AuthFlow": flow, "AuthParameters": parameters} | more
    try:
        answer = cognito(READY["cognito_endpoint"], "InitiateAuth", **arguments)
    except AwsError as error:
        raise NoToken(str(error)) from error
    return answer["AuthenticationResult"]


class _Form(HTMLParser):
    """The form of a page: where it goes, and what its fields hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = values["action"]
        elif tag == "input":
            self.fields[values["name"]] = values.get("value", "")


@dataclass(frozen=True)
class Code:
    """An authorization code, and what it takes to make tokens of it (RFC 7636)."""

    client_id: str
    redirect_uri: str
    code: str
    verifier: str

    def tokens(self, **changes: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code": self.code,
            "code_verifier": self.verifier,
        }
        return ask_for_token(form | changes)


def sign_in(client_id: str, redirect_uri: str, username: str, password: str, scope: str = SCOPE) -> Code:
    """A person signs in at the hosted page, as a browser would take them through it."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    state = secrets.token_urlsafe(16)
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    page = send(f"{READY['authorize_endpoint']}?{urllib.parse.urlencode(query)}")
    assert page.status == 200, f"no page to sign in at: HTTP {page.status} {page.text}"
    form = _Form(page.text)
    action = urllib.parse.urljoin(READY["authorize_endpoint"], form.action)
    sent = send_form(action, form.fields | {"username": username, "password": password})
    location = sent.headers.get("Location", "")
    assert sent.status == 302 and location.startswith(f"{redirect_uri}?"), f"HTTP {sent.status} to {location!r}"
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
    assert answer["state"] == state, "the state is another one"
    return Code(client_id, redirect_uri, answer["code"], verifier)


def verified(token: str, use: str = "access") -> dict[str, Any]:
    """A token's claims, its signature verified with the pool's published keys. The algorithm is fixed: RS256."""
    keys = jwt.PyJWKSet.from_dict(send(READY["jwks_url"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        issuer=READY["issuer"],
        options={"verify_aud": False, "require": ["exp", "iat"]},
    )
    assert claims["token_use"] == use, f"the token is for {claims['token_use']!r}"
    return claims


# -- The MCP server


def refusal(url: str, token: str) -> tuple[int, str]:
    """The status with which the server answers a request for its tools, and the error that it names."""
    reply = send(
        url,
        body=json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}),
        authorization=f"Bearer {token}",
        content_type="application/json",
        accept="application/json, text/event-stream",
    )
    return reply.status, reply.json().get("error", "")


async def answers_a_search(url: str, token: str) -> None:
    """The reference client finds the right passages with this token."""
    http, client = connection(token, "auto", url=url)
    async with http, client:
        await checks.search_finds_the_passage_and_fetch_reads_it(SdkClient(client, "auto"))


# -- The command line


class AutriFailed(Exception):
    """The command ended badly; the text is what it said."""


def autri(*arguments: str, **environment: str) -> Any:
    """What an operator's command answers, as JSON. The exit status has to be 0."""
    status, answer = autri_status(*arguments, **environment)
    if status != 0:
        raise AutriFailed(f"`autri {' '.join(arguments)}` ended with {status}: {answer}")
    return answer


def autri_environment(**changes: str) -> dict[str, str]:
    """What an operator's command finds in its environment."""
    settings = {
        "DATABASE_URL": READY["database_url"],
        "AWS_ENDPOINT_URL": READY["cognito_endpoint"],
        "AWS_REGION": READY["region"],
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "COGNITO_USER_POOL_ID": READY["user_pool_id"],
        "ALLOWED_EMAILS_PARAMETER": READY["allowed_emails_parameter"],
    }
    return {name: os.environ[name] for name in ("PATH", "HOME")} | settings | changes


def autri_status(*arguments: str, **environment: str) -> tuple[int, Any]:
    """An operator's command: its exit status and its answer; what it said on stderr if it did not answer."""
    ended = subprocess.run(
        [checks.required("AUTRI_PROGRAM"), "--json", *arguments],
        env=autri_environment(**environment),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    return ended.returncode, json.loads(ended.stdout) if ended.stdout.strip() else ended.stderr
