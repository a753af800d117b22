"""Between a client and MiniStack: what AgentCore and ECS do otherwise than the emulator, and what goes wrong with them
and with Lambda.

Requests go on to MiniStack, and its answers come back, changed where AWS's contract is another:

- UpdateAgentRuntime replaces: what is left out is gone. Members that neither client nor emulator know are kept.
  https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_UpdateAgentRuntime.html
- A new version is UPDATING, then READY or UPDATE_FAILED. Until then DEFAULT stays behind, and an update is a conflict.
- A request that was sent twice with one client token is carried out once.
- Requests are signed, for `bedrock-agentcore`.
  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
- A task of ECS ends: MiniStack has no Docker here, and leaves it RUNNING.
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html

It is the front door too, with the project's own server behind it, unless an image that is broken is being served.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]

ACCESS_KEY_ID = "AKIAE2EE2EE2EE2EE2EE"
SECRET_ACCESS_KEY = "e2e-secret-access-key-of-nobody"
LIMIT = 60
STATE = {
    "agentRuntimeArn", "agentRuntimeId", "agentRuntimeName", "agentRuntimeVersion", "createdAt", "failureReason",
    "lastUpdatedAt", "status", "workloadIdentityDetails",
}  # fmt: skip


# The headers of an answer that are passed on.
KEPT = {
    "content-type", "location", "www-authenticate", "x-amz-executed-version", "x-amz-function-error",
    "x-amzn-errortype",
}  # fmt: skip
# Lambda's operations on a function, by method and by what follows the function's name.
# https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
LAMBDA = {
    ("GET", ""): "GetFunction",
    ("GET", "aliases"): "GetAlias",
    ("GET", "configuration"): "GetFunctionConfiguration",
    ("GET", "versions"): "ListVersionsByFunction",
    ("POST", "invocations"): "Invoke",
    ("PUT", "aliases"): "UpdateAlias",
    ("PUT", "code"): "UpdateFunctionCode",
}


@dataclass(frozen=True)
class Request:
    """A request, and the operation of AWS that it is; `front door` for one to the server.

    What Lambda invokes is part of the name: `Invoke live`."""

    operation: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def has_token(self) -> bool:
        return "authorization" in self.headers

    def json(self) -> Json:
        return json.loads(self.body)


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Json, status: int = 200) -> Reply:
        return cls(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    @classmethod
    def error(cls, status: int, code: str, message: str = "as the test wants it", **more: Any) -> Reply:
        reply = cls.of({"message": message, **more}, status)
        reply.headers["x-amzn-ErrorType"] = f"{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"
        return reply

    def json(self) -> Json:
        return json.loads(self.body)


@dataclass
class Fault:
    """What an operation is answered instead; `times` it, and after it was carried out if `carried_out`."""

    operation: str
    reply: Reply
    times: int = 1
    carried_out: bool = False


@dataclass
class Image:
    """What becomes of an image that is not simply good."""

    # Reads during which the version is still UPDATING.
    reads_until_settled: int = 1
    # Updates that have to be refused because of it before it is anything else.
    refusals_until_settled: int = 0
    failure_reason: str | None = None
    # Reads of DEFAULT during which it is still at the version before, although this one is READY.
    reads_until_reached: int = 0
    # Members that are not kept as they are sent; `None`: not at all.
    otherwise: Json = field(default_factory=dict)
    # What it answers behind the front door; where it answers nothing, our own server does.
    answers: Callable[[Request], Reply | None] = lambda _: None


class InBetween:
    """A server on this machine."""

    def __init__(self, emulator: str, front_door: str) -> None:
        self._emulator, self._front_door = emulator, front_door
        self._lock = threading.RLock()
        self.images: dict[str, Image] = {}
        self.faults: list[Fault] = []
        # Called once, when the operation has been answered; with its request and its answer.
        self.afterwards: list[tuple[str, Callable[[Request, Reply], object]]] = []
        self.requests: list[Request] = []
        self.unsigned: list[str] = []
        # What was made behind it, and is to be deleted.
        self.leftovers: list[Callable[[], object]] = []
        # How a task of ECS ends.
        self.task_end: Json = {}
        self._configurations: dict[tuple[str, str], Json] = {}
        # By version: reads and refusals that it stays UPDATING for.
        self._reads: dict[tuple[str, str], int] = {}
        self._refusals: dict[tuple[str, str], int] = {}
        self._live: dict[str, str] = {}
        # By runtime: the version that DEFAULT is coming to, and for how many reads yet.
        self._coming: dict[str, tuple[str, int]] = {}
        self._tokens: dict[str, Reply] = {}
        self._described: dict[str, int] = {}
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._refusing = socket.socket()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """From now on connections are refused; what is being answered is still answered."""
        self._server.shutdown()
        self._server.server_close()
        # So that nobody else gets the port: one that is bound, and not listened at, refuses as well.
        self._refusing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._refusing.bind(self._server.server_address)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._refusing.close()
        for delete in self.leftovers:
            delete()

    def forget(self) -> None:
        """What an earlier test wanted and saw."""
        with self._lock:
            self.images, self.faults, self.afterwards, self.requests, self.unsigned = {}, [], [], [], []

    def asked_for(self, operation: str) -> list[Request]:
        return [request for request in self.requests if request.operation == operation]

    def add_members(self, runtime_id: str, version: str, members: Json) -> None:
        """Gives a version members that the emulator does not know."""
        found = self._forward(self._emulator, Request("", "GET", f"/runtimes/{runtime_id}/", _signed_for(), b"")).json()
        self._configurations[runtime_id, version] = _configuration(found) | members
        self._live[runtime_id] = version

    # -- One request

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                operation = _operation(self.command, self.path, headers)
                request = Request(operation, self.command, self.path, headers, body)
                if "AgentRuntime" in operation and not _is_signed(request):
                    outer.unsigned.append(operation)
                reply = outer.answer(request)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            fault = next((fault for fault in self.faults if fault.operation == request.operation and fault.times), None)
            if fault is None:
                reply = self._carry_out(request)
            else:
                fault.times -= 1
                if fault.carried_out:
                    self._carry_out(request)
                reply = fault.reply
            due = next((entry for entry in self.afterwards if entry[0] == request.operation), None)
            if due is not None:
                self.afterwards.remove(due)
        if due is not None:
            due[1](request, reply)
        return reply

    def _carry_out(self, request: Request) -> Reply:
        runtime_id = request.path.split("/")[2] if request.path.startswith("/runtimes/") else ""
        match request.operation:
            case "front door":
                return self._serve(request)
            case "GetAgentRuntime":
                return self._get(runtime_id, request)
            case "UpdateAgentRuntime":
                return self._update(runtime_id, request)
            case "GetAgentRuntimeEndpoint":
                return self._endpoint(runtime_id, request)
            case "DescribeTasks":
                return self._tasks(request)
        return self._forward(self._emulator, request)

    def _forward(self, to: str, request: Request) -> Reply:
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        asked = urllib.request.Request(to + request.path, request.body or None, headers, method=request.method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(asked, timeout=LIMIT) as response:
                return Reply(response.status, response.read(), _kept(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read(), _kept(error.headers))

    # -- AgentCore

    def _latest(self, runtime_id: str) -> Json | None:
        reply = self._forward(self._emulator, Request("", "GET", f"/runtimes/{runtime_id}/", _signed_for(), b""))
        return reply.json() if reply.status == 200 else None

    def _get(self, runtime_id: str, request: Request) -> Reply:
        reply = self._forward(self._emulator, request)
        if reply.status != 200:
            return reply
        found = reply.json()
        version = found["agentRuntimeVersion"]
        configuration = self._configurations.get((runtime_id, version), _configuration(found))
        state = {name: value for name, value in found.items() if name in STATE}
        return Reply.of(configuration | state | self._status(runtime_id, version, configuration))

    def _status(self, runtime_id: str, version: str, configuration: Json) -> Json:
        """The version's status; one read nearer to its end."""
        at = (runtime_id, version)
        if at not in self._reads:
            return {"status": "READY"}
        self._reads[at] -= 1
        if self._reads[at] >= 0 or self._refusals[at] > 0:
            return {"status": "UPDATING"}
        image = self.images.get(image_of(configuration), Image())
        if image.failure_reason is not None:
            return {"status": "UPDATE_FAILED", "failureReason": image.failure_reason}
        if self._live.get(runtime_id) != version and self._coming.get(runtime_id, ("",))[0] != version:
            self._coming[runtime_id] = (version, image.reads_until_reached)
            self._come(runtime_id)
        return {"status": "READY"}

    def _come(self, runtime_id: str) -> None:
        version, reads = self._coming.get(runtime_id, ("", 1))
        if reads <= 0:
            self._live[runtime_id] = version
        self._coming[runtime_id] = (version, reads - 1)

    def _update(self, runtime_id: str, request: Request) -> Reply:
        body = request.json()
        token = body.pop("clientToken", "")
        if token in self._tokens:
            return self._tokens[token]
        unknown = sorted(body.keys() & STATE)
        if unknown or len(token) < 33:
            return Reply.error(400, "ValidationException", f"not taken: {unknown or 'clientToken'}")
        latest = self._latest(runtime_id)
        if latest is not None:
            at = (runtime_id, latest["agentRuntimeVersion"])
            if self._reads.get(at, 0) > 0 or self._refusals.get(at, 0) > 0:
                self._refusals[at] -= 1
                return Reply.error(409, "ConflictException", "the runtime is UPDATING")
        reply = self._forward(self._emulator, request)
        if reply.status == 200:
            version = reply.json()["agentRuntimeVersion"]
            image = self.images.get(image_of(body), Image())
            kept = {name: value for name, value in (body | image.otherwise).items() if value is not None}
            self._configurations[runtime_id, version] = kept
            self._reads[runtime_id, version] = image.reads_until_settled
            self._refusals[runtime_id, version] = image.refusals_until_settled
            self._tokens[token] = reply
        return reply

    def _endpoint(self, runtime_id: str, request: Request) -> Reply:
        found = self._forward(self._emulator, request).json()
        live = self._live.get(runtime_id, found.get("liveVersion"))
        self._come(runtime_id)
        return Reply.of(found | {"liveVersion": live})

    def _serve(self, request: Request) -> Reply:
        """The server behind the front door, run by the image that is live."""
        _, _, runtime_id, rest = request.path.split("/", 3)
        configuration = self._configurations.get((runtime_id, self._live.get(runtime_id, "")), {})
        image = self.images.get(image_of(configuration), Image())
        reply = image.answers(request)
        if reply is not None:
            return reply
        behind = Request("", request.method, f"/{rest}", request.headers, request.body)
        return self._forward(self._front_door, behind)

    # -- ECS

    def _tasks(self, request: Request) -> Reply:
        """Tasks that are PROVISIONING when they are looked for first, and then STOPPED as the test wants it."""
        found = self._forward(self._emulator, request).json()
        for task in found["tasks"]:
            seen = self._described[task["taskArn"]] = self._described.get(task["taskArn"], 0) + 1
            if not self.task_end:
                continue
            if seen == 1:
                task["lastStatus"] = "PROVISIONING"
                continue
            end = dict(self.task_end)
            for container in task["containers"]:
                container.pop("exitCode", None)
                container.update(end.get("container", {}))
            task.update({name: value for name, value in end.items() if name != "container"}, lastStatus="STOPPED")
        return Reply.of(found)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Who asks may hang up: when it is interrupted, or is told too much.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def image_of(configuration: Json) -> str:
    return configuration.get("agentRuntimeArtifact", {}).get("containerConfiguration", {}).get("containerUri", "")


def _configuration(runtime: Json) -> Json:
    return {name: value for name, value in runtime.items() if name not in STATE}


def _kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() in KEPT}


def _operation(method: str, path: str, headers: dict[str, str]) -> str:
    if target := headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    if path.startswith("/front-door/"):
        return "front door"
    if path.startswith("/2015-03-31/functions/"):
        return _lambda_operation(method, path)
    if "/runtime-endpoints/" in path:
        return "GetAgentRuntimeEndpoint"
    return {"GET": "GetAgentRuntime", "PUT": "UpdateAgentRuntime"}.get(method, "?") if "/runtimes/" in path else "?"


def _lambda_operation(method: str, path: str) -> str:
    """One that is not known is called by its request, so that nobody takes it for nothing."""
    url = urllib.parse.urlsplit(path)
    _, _, _, _function, part, *_ = [*url.path.split("/"), ""]
    operation = LAMBDA.get((method, part), f"{method} {path}")
    qualifier = urllib.parse.parse_qs(url.query).get("Qualifier", ["$LATEST"])[0]
    return f"{operation} {qualifier}" if operation == "Invoke" else operation


def _signed_for(region: str = "eu-central-1") -> dict[str, str]:
    """By the scope of its credentials MiniStack tells which service and which region is asked."""
    scope = f"{ACCESS_KEY_ID}/20260101/{region}/bedrock-agentcore/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"}


def _is_signed(request: Request) -> bool:
    """Whether the signature is the one of our own key over this request, and for this service."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    parts = dict(part.split("=", 1) for part in rest.replace(" ", "").split(",") if "=" in part)
    key_id, _, scope = parts.get("Credential", "").partition("/")
    day, region, service, _ = (scope.split("/") + ["", "", "", ""])[:4]
    if (scheme, key_id, service) != ("AWS4-HMAC-SHA256", ACCESS_KEY_ID, "bedrock-agentcore"):
        return False
    path, _, query = request.path.partition("?")
    names = parts.get("SignedHeaders", "").split(";")
    canonical = "\n".join(
        [
            request.method, urllib.parse.quote(path), query,
            *(f"{name}:{request.headers.get(name, '').strip()}" for name in names), "", ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )  # fmt: skip
    text = "\n".join([scheme, request.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET_ACCESS_KEY}".encode()
    for part in (day, region, service, "aws4_request", text):
        key = hmac.digest(key, part.encode(), "sha256")
    return "host" in names and hmac.compare_digest(key.hex(), parts.get("Signature", ""))
