"""What deploys the image, run as a workflow runs it: `deploy/agent_runtime.py`, and `operator_task.py` after it.

The smoke test asks the server of `cargo dev --cognito`. Runtimes and tasks are made anew in each run, and deleted.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import checks
import operator_tasks
from aws_in_between import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    Fault,
    Image,
    InBetween,
    Json,
    Reply,
    Request,
    image_of,
)  # fmt: skip
from chain import READY, send
from deploy_scripts import (
    DATABASE_SECRET,
    DONE,
    EMULATOR,
    LIMIT,
    LOOK,
    NOT_DONE,
    PYTHON,
    REGION,
    REPOSITORY,
    SOURCE,
    USAGE,
    Check,
    Ended,
    Script,
    all_at_once,
    end_of,
    new_image,
    run_at_once,
)  # fmt: skip

CONFIGURATION: Json = {
    "agentRuntimeArtifact": {"containerConfiguration": {"containerUri": f"{REPOSITORY}@sha256:{'0' * 64}"}},
    "roleArn": "arn:aws:iam::111122223333:role/autri-mcp",
    "networkConfiguration": {
        "networkMode": "VPC",
        "networkModeConfig": {
            "subnets": ["subnet-1"],
            "securityGroups": ["sg-1"],
            # No model names it: inside a member that it knows, the emulator too keeps what it does not.
            "egressOfNextYear": {"mode": "STRICT"},
        },
    },
    "description": "Autri's MCP server",
    "protocolConfiguration": {"serverProtocol": "MCP"},
    "environmentVariables": {"DATABASE_URL": DATABASE_SECRET, "COGNITO_ISSUER": "https://issuer.example"},
    "authorizerConfiguration": {
        "customJWTAuthorizer": {
            "discoveryUrl": "https://issuer.example/.well-known/openid-configuration",
            "allowedScopes": ["mcp.autri.ai/mcp.invoke"],
        }
    },
    "requestHeaderConfiguration": {"requestHeaderAllowlist": ["Authorization", "X-Autri-Connector-Id"]},
    "lifecycleConfiguration": {"idleRuntimeSessionTimeout": 900, "maxLifetime": 28800},
    "metadataConfiguration": {"requireMMDSV2": True},
    "filesystemConfigurations": [{"sessionStorage": {"mountPath": "/mnt/session"}}],
}  # fmt: skip
# Members of a configuration that neither the script nor boto3 nor the emulator has ever heard of.
OF_NEXT_YEAR: Json = {
    "guardrailConfiguration": {"guardrails": [{"id": "g-1", "strength": 0.5}], "onFailure": "DENY"},
    "warmPoolSize": 3,
    "isFrugal": False,
}


@dataclass(frozen=True)
class Runtime:
    """A runtime of this run's, and the AWS that it is at."""

    aws: InBetween
    id: str

    @classmethod
    def make(cls, between: InBetween, **changes: Any) -> Runtime:
        configuration = {name: value for name, value in (CONFIGURATION | changes).items() if value is not None}
        body = configuration | {"agentRuntimeName": f"e2e_{uuid.uuid4().hex}"}
        reply = send(
            f"{EMULATOR}/runtimes/", body=json.dumps(body), method="PUT", content_type="application/json", **_scope()
        )
        assert reply.status == 200, f"no runtime was made: HTTP {reply.status} {reply.text}"
        runtime = cls(between, reply.json()["agentRuntimeId"])
        address = f"{EMULATOR}/runtimes/{runtime.id}/"
        between.leftovers.append(lambda: send(address, method="DELETE", **_scope()))
        between.forget()
        between.add_members(runtime.id, "1", OF_NEXT_YEAR)
        return runtime

    @property
    def smoke_url(self) -> str:
        return f"{self.aws.url}/front-door/{self.id}/{READY['url'].split('/', 3)[3]}"

    def smoke(self) -> list[str]:
        return [
            "--smoke-url", self.smoke_url, "--token-endpoint", READY["token_endpoint"],
            "--client-id", READY["client_id"], "--smoke-timeout", "2",
        ]  # fmt: skip

    def command(self, name: str, *arguments: str) -> list[str]:
        return ["agent_runtime.py", name, "--runtime-id", self.id, *arguments]

    def update(self, image: str, *arguments: str, script: Script | None = None) -> Ended:
        arguments = arguments or ("--no-smoke-test",)
        return (script or Script(self.aws.url)).run(*self.command("update", "--image", image, *arguments))

    def read(self) -> Json:
        """The runtime as AWS tells it, with its state."""
        return self.aws.answer(Request("GetAgentRuntime", "GET", f"/runtimes/{self.id}/", _scope(), b"")).json()

    def sent(self) -> list[Json]:
        return [request.json() for request in self.aws.asked_for("UpdateAgentRuntime")]

    def serves(self, version: str, image: str) -> None:
        found = self.read()
        seen = (found["agentRuntimeVersion"], found["status"], image_of(found))
        assert seen == (version, "READY", image), f"{seen}"

    def is_untouched(self) -> None:
        assert self.sent() == [], f"{self.sent()}"
        self.serves("1", image_of(CONFIGURATION))


def _scope() -> dict[str, str]:
    scope = f"{ACCESS_KEY_ID}/20260101/{REGION}/bedrock-agentcore/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}"}


def with_image(image: str, configuration: Json = CONFIGURATION | OF_NEXT_YEAR, **more: Any) -> Json:  # noqa: B008
    """The whole configuration of a runtime, with this image."""
    return configuration | {"agentRuntimeArtifact": {"containerConfiguration": {"containerUri": image}}} | more


def configuration_of(body: Json) -> Json:
    return {name: value for name, value in body.items() if name != "clientToken"}


async def an_update_changes_the_image_and_nothing_else(between: InBetween) -> None:
    runtime, image = Runtime.make(between), new_image()
    ended = runtime.update(image, *runtime.smoke(), "--smoke-query", "gauge")
    ended.check(DONE, "version 1 is READY", f"sent: version 2 with {image}", "search found")
    ended.check(DONE, f"done: version 2 serves {image}")
    runtime.serves("2", image)
    (body,) = runtime.sent()
    assert configuration_of(body) == with_image(image), f"{body}"
    assert between.unsigned == [], f"not signed as AWS wants it: {between.unsigned}"
    # As a workflow passes a variable that is not set.
    ended = runtime.update(new_image(), *runtime.smoke(), "--smoke-query", "")
    ended.check(DONE, "list_knowledge_bases answered", "done: version 3 serves")


async def a_member_that_nobody_knows_survives(between: InBetween) -> None:
    runtime, image = Runtime.make(between), new_image()
    runtime.update(image).check(DONE, "no smoke test, as you asked")
    found = runtime.read()
    for name, value in OF_NEXT_YEAR.items():
        assert found.get(name) == value, f"{name} is {found.get(name)}"
    # Nor is anything lost with nothing in between, where MiniStack alone says what is kept.
    image = new_image()
    Script(EMULATOR).run(*runtime.command("update", "--image", image, "--no-smoke-test")).check(DONE)
    found = send(f"{EMULATOR}/runtimes/{runtime.id}/", **_scope()).json()
    kept = {name: found.get(name) for name in CONFIGURATION}
    assert kept == with_image(image, CONFIGURATION), f"{found}"


async def what_aws_does_not_keep_is_noticed(_: InBetween) -> None:
    def check(between: InBetween, otherwise: Json, status: int, says: str) -> None:
        runtime, image = Runtime.make(between), new_image()
        between.images[image] = Image(otherwise=otherwise)
        runtime.update(image).check(status, says, f"version {'2' if status == DONE else '3'} serves")

    another = {"containerConfiguration": {"containerUri": new_image()}}
    cases = (
        (
            {"warmPoolSize": None, "isFrugal": True},
            DONE,
            "not as it was sent; compare with version 1: isFrugal, warmPoolSize\n",
        ),
        # Without these no call would be answered, or not by what was sent.
        ({"requestHeaderConfiguration": None}, NOT_DONE, "Authorization is not among the headers"),
        ({"agentRuntimeArtifact": another}, NOT_DONE, f"it runs {another['containerConfiguration']['containerUri']}"),
    )
    all_at_once(cases, check)


async def what_is_not_sent_back_is_what_aws_does_not_take(_: InBetween) -> None:
    program = (
        "import boto3, json\n"
        "model = boto3.Session(region_name='eu-central-1').client('bedrock-agentcore-control').meta.service_model\n"
        "got = set(model.operation_model('GetAgentRuntime').output_shape.members)\n"
        "taken = model.operation_model('UpdateAgentRuntime').input_shape\n"
        "from agentcore.configuration import NEVER_EMPTY, READ_ONLY\n"
        "shortest = {name: shape.metadata.get('min') for name, shape in taken.members.items()}\n"
        "never_empty = {name for name in got & set(shortest) - set(taken.required_members) if shortest[name]}\n"
        "print(json.dumps([READ_ONLY == got - set(taken.members) | {'agentRuntimeId'}, NEVER_EMPTY == never_empty]))"
    )
    assert json.loads(run_beside_the_scripts(program)) == [True, True]


def run_beside_the_scripts(program: str) -> str:
    """What a program prints that imports the scripts' modules."""
    settings = {
        "PYTHONPATH": str(SOURCE / "deploy"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_PROXY": "127.0.0.1",
        "PATH": os.environ["PATH"],
    }
    ended = subprocess.run(  # noqa: S603 (a program of ours)
        [PYTHON, "-c", program], env=settings, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"
    return ended.stdout


async def a_version_that_fails_is_taken_back(between: InBetween) -> None:
    runtime, image = Runtime.make(between), new_image()
    between.images[image] = Image(failure_reason=f"exec format error\n::warning::##[error] {DATABASE_SECRET}")
    ended = runtime.update(image, *runtime.smoke())
    ended.check(NOT_DONE, "UPDATE_FAILED: exec format error", "going back to version 1", "rolled back: version 3")
    runtime.serves("3", image_of(CONFIGURATION))
    assert configuration_of(runtime.sent()[-1]) == CONFIGURATION | OF_NEXT_YEAR


async def a_version_that_is_not_ready_in_time_is_taken_back(between: InBetween) -> None:
    runtime, image = Runtime.make(between), new_image()
    # Never READY before it is given up, and what is gone back to takes more reads than there is time for within the
    # new version's own limit.
    between.images |= {image: Image(refusals_until_settled=1), image_of(CONFIGURATION): Image(reads_until_settled=3)}
    ended = runtime.update(image, "--no-smoke-test", "--ready-timeout", "0.1")
    ended.check(NOT_DONE, "version 2 is not READY after 0.1 s, but UPDATING", "rolled back: version 3 serves")
    assert len(runtime.sent()) > 2, "no update was refused meanwhile"
    runtime.serves("3", image_of(CONFIGURATION))


def says_what_to_do_by_hand(ended: Ended) -> list[str]:
    """Checks that somebody has to look, and is told how to go back; returns that command, from the script's name on."""
    ended.check(LOOK, "sent: version 2", "ROLLBACK FAILED", "what serves now is not known")
    (by_hand,) = set(re.findall(r"(?:By hand|its end): (python .*)$", ended.text, re.MULTILINE))
    _, script, *arguments = shlex.split(by_hand)
    return [Path(script).name, *arguments]


async def a_rollback_that_fails_says_what_to_do_by_hand(between: InBetween) -> None:
    runtime, image = Runtime.make(between), new_image()
    between.images[image] = Image(failure_reason="no space left")
    denied = Reply.error(403, "AccessDeniedException", "not any more")
    between.afterwards.append(
        ("UpdateAgentRuntime", lambda *_: between.faults.append(Fault("UpdateAgentRuntime", denied)))
    )
    ended = runtime.update(image).check(LOOK, "AccessDeniedException")
    Script(between.url).run(*says_what_to_do_by_hand(ended)).check(DONE, "done: version 3 serves")
    runtime.serves("3", image_of(CONFIGURATION))
    assert configuration_of(runtime.sent()[-1]) == CONFIGURATION | OF_NEXT_YEAR


async def a_control_plane_that_is_gone_after_the_update_has_somebody_look(between: InBetween) -> None:
    runtime = Runtime.make(between)
    between.afterwards.append(("UpdateAgentRuntime", lambda *_: between.stop()))
    ended = runtime.update(new_image()).check(LOOK, "FAILED: AgentCore's control plane cannot be reached")
    assert "restore" in says_what_to_do_by_hand(ended)


async def credentials_that_end_after_the_update_have_somebody_look(between: InBetween) -> None:
    runtime = Runtime.make(between)
    with tempfile.TemporaryDirectory() as folder:
        credentials, profile = Path(folder, "credentials"), Path(folder, "config")
        # So close to their end that they are fetched anew for each request.
        # https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
        expiration = datetime.now(timezone.utc) + timedelta(minutes=5)
        key = {"AccessKeyId": ACCESS_KEY_ID, "SecretAccessKey": SECRET_ACCESS_KEY, "Expiration": expiration.isoformat()}
        credentials.write_text(json.dumps({"Version": 1} | key), encoding="utf-8")
        profile.write_text(f"[default]\ncredential_process = cat {credentials}\n", encoding="utf-8")
        no_key = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONFIG_FILE": str(profile)}
        between.afterwards.append(("UpdateAgentRuntime", lambda *_: credentials.unlink()))
        ended = runtime.update(new_image(), script=Script(between.url, environment=no_key))
    ended.check(LOOK, "FAILED: Error when retrieving credentials from custom-process")
    assert "restore" in says_what_to_do_by_hand(ended)
    assert between.unsigned == [], f"not signed as AWS wants it: {between.unsigned}"


async def a_control_plane_that_comes_back_is_asked_again(_: InBetween) -> None:
    # In the script's place, because only between two of its attempts is it certain that one was refused.
    program = """
import socket, threading, time
import boto3
from agentcore import control_plane

server = socket.socket()
server.bind(("127.0.0.1", 0))
pauses = []

def answer():
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 19\\r\\n\\r\\n{"status": "READY"}')
    connection.close()

def pause(seconds):
    pauses.append(seconds)
    if len(pauses) == 2:
        server.listen()
        threading.Thread(target=answer, daemon=True).start()

control_plane.time.sleep = pause
session = boto3.Session("AKIANOBODY", "x", region_name="eu-central-1")
url = f"http://127.0.0.1:{server.getsockname()[1]}"
print(control_plane.ControlPlane(session, "autri_mcp-abcdefghij", url).runtime(), len(pauses))
"""
    assert run_beside_the_scripts(program) == "{'status': 'READY'} 2\n"


def result(request: Request, method: str, content: Json) -> Reply | None:
    """A result, if this method is asked for with a token."""
    message = {"jsonrpc": "2.0", "id": 1, "result": content}
    return Reply.of(message) if request.has_token and request.json()["method"] == method else None


async def a_version_that_does_not_do_its_work_is_taken_back(_: InBetween) -> None:
    def check(between: InBetween, says: str, answers: Callable[[Request], Reply | None]) -> None:
        runtime, image = Runtime.make(between), new_image()
        between.images[image] = Image(answers=answers)
        ended = runtime.update(image, *runtime.smoke(), "--smoke-query", "gauge")
        ended.check(NOT_DONE, "FAILED: smoke test", says, "rolled back: version 3 serves", "so look at the image")
        runtime.serves("3", image_of(CONFIGURATION))
        assert not [request for request in between.requests if "stolen" in request.path], "a redirect was followed"

    error = {"isError": True, "content": [{"type": "text", "text": "no database"}], "structuredContent": {}}
    nothing: Json = {"content": [], "structuredContent": {"results": []}}
    cases = (
        ("ping with a token was answered with HTTP 404", lambda _: Reply.error(404, "none")),
        ("HTTP 307", lambda _: Reply(307, b"", {"Location": "/stolen"})),
        ("cannot be reached", lambda _: Reply(200, b"x" * 5_000_000)),
        ("without a token was answered with HTTP 200", lambda it: None if it.has_token else Reply.of({"result": {}})),
        ("carries no challenge", lambda it: None if it.has_token else Reply(401, b"")),
        ("no database", lambda it: result(it, "tools/call", error)),
        ("found nothing for the query", lambda it: result(it, "tools/call", nothing)),
    )
    all_at_once(cases, check)


async def a_version_is_tried_when_calls_reach_it(between: InBetween) -> None:
    runtime, image = Runtime.make(between), new_image()
    # Tried any sooner, the smoke test would be answered by the version before.
    between.images[image] = Image(reads_until_reached=2, answers=lambda _: Reply.error(404, "none"))
    runtime.update(image, *runtime.smoke()).check(NOT_DONE, "ping with a token was answered with HTTP 404")
    assert len(between.asked_for("GetAgentRuntimeEndpoint")) > 3


async def an_answer_may_be_a_stream_of_events(between: InBetween) -> None:
    def answers(request: Request) -> Reply | None:
        content: Json = {"ping": {}, "tools/call": {"structuredContent": {"knowledge_bases": []}}}[
            request.json()["method"]
        ]
        message = json.dumps({"jsonrpc": "2.0", "id": 1, "result": content})
        events = f': one moment\n\ndata: {{"jsonrpc": "2.0", "method": "x"}}\n\nevent: message\ndata: {message}\n\n'
        stream = Reply(200, events.encode(), {"Content-Type": "text/event-stream"})
        return stream if request.has_token else None

    runtime, image = Runtime.make(between), new_image()
    between.images[image] = Image(answers=answers)
    runtime.update(image, *runtime.smoke()).check(DONE, "list_knowledge_bases answered a token")


async def a_smoke_test_that_fails_for_another_reason_says_so(between: InBetween) -> None:
    runtime = Runtime.make(between)
    # Nobody listens there.
    ended = runtime.update(new_image(), *runtime.smoke(), "--smoke-url", "http://127.0.0.1:9/mcp")
    ended.check(NOT_DONE, "127.0.0.1:9/mcp cannot be reached", "rolled back: version 3", "so look beyond the image")
    runtime.serves("3", image_of(CONFIGURATION))


async def without_a_token_for_the_smoke_test_nothing_is_sent(between: InBetween) -> None:
    runtime = Runtime.make(between)
    ended = runtime.update(new_image(), *runtime.smoke(), script=Script(between.url, client_secret="w" * 40))
    ended.check(NOT_DONE, "no token: HTTP 400 invalid_client", "Nothing was changed")
    nowhere = ("--token-endpoint", "http://127.0.0.1:9/oauth2/token")
    ended = runtime.update(new_image(), *runtime.smoke(), *nowhere)
    ended.check(NOT_DONE, "oauth2/token cannot be reached", "Nothing was changed")
    runtime.serves("1", image_of(CONFIGURATION))
    assert between.asked_for("UpdateAgentRuntime") == []


async def a_deployment_that_is_cancelled_is_taken_back(_: InBetween) -> None:
    def check(between: InBetween, operation: str) -> None:
        runtime, image = Runtime.make(between), new_image()
        between.images[image] = Image(reads_until_settled=3)
        process = Script(between.url).start(*runtime.command("update", "--image", image, "--no-smoke-test"))
        # The second one comes in the middle of the rollback, as GitHub sends it.
        for number in (signal.SIGINT, signal.SIGTERM):
            between.afterwards.append((operation, lambda *_, number=number: process.send_signal(number)))
        end_of(process).check(NOT_DONE, "sent: version 2", "interrupted by SIGINT", "rolled back: version 3 serves")
        assert not between.afterwards, "no second signal was sent"
        runtime.serves("3", image_of(CONFIGURATION))

    all_at_once((("UpdateAgentRuntime",), ("GetAgentRuntimeEndpoint",)), check)


async def an_update_by_somebody_else_is_left_alone(_: InBetween) -> None:
    def check(between: InBetween, operation: str, image: Image, says: str, serves: str) -> None:
        runtime, ours, theirs = Runtime.make(between), new_image(), new_image()
        between.images |= {ours: image, theirs: Image(reads_until_settled=0)}
        body = json.dumps(with_image(theirs, clientToken=str(uuid.uuid4()))).encode()
        update = Request("UpdateAgentRuntime", "PUT", f"/runtimes/{runtime.id}/", _scope(), body)
        between.afterwards.append((operation, lambda *_: between.answer(update)))
        runtime.update(ours, *runtime.smoke()).check(LOOK, says, "agent_runtime.py show")
        runtime.serves("3", {"ours": ours, "theirs": theirs}[serves])
        assert sorted(image_of(body) for body in runtime.sent()) == sorted([ours, theirs])

    settled, useless = Image(reads_until_settled=0), Image(answers=lambda _: Reply.error(404, "none"))
    left_alone = "version 3 was made by somebody else since, and is left alone"
    cases = (
        ("UpdateAgentRuntime", settled, f"FAILED: {left_alone}", "theirs"),
        ("front door", useless, f"not rolled back: {left_alone}", "theirs"),
        # Between reading and writing: the service has no update on condition, so that it can only be told.
        ("GetAgentRuntime", settled, "somebody else's update came after version 1 and is replaced by 3", "ours"),
    )
    all_at_once(cases, check)


async def a_runtime_that_autri_cannot_live_with_is_left_alone(_: InBetween) -> None:
    def check(between: InBetween, says: str, changes: Json) -> None:
        runtime = Runtime.make(between, **changes)
        ended = runtime.update(new_image())
        ended.check(NOT_DONE, says, "Nothing was sent", "The infrastructure makes the runtime")
        assert runtime.sent() == []

    cases = (
        ("its protocol is HTTP, not MCP", {"protocolConfiguration": {"serverProtocol": "HTTP"}}),
        (
            "Authorization is not among the headers",
            {"requestHeaderConfiguration": {"requestHeaderAllowlist": ["X-Autri-Connector-Id"]}},
        ),
        ("Authorization is not among the headers", {"requestHeaderConfiguration": None}),
        ("it verifies no token itself", {"authorizerConfiguration": None}),
        ("it runs no container image", {"agentRuntimeArtifact": {"codeConfiguration": {"entryPoint": ["main.py"]}}}),
    )
    all_at_once(cases, check)


async def what_the_control_plane_refuses_changes_nothing(_: InBetween) -> None:
    def check(between: InBetween, operation: str, reply: Reply, says: str) -> None:
        runtime = Runtime.make(between)
        # As often as the script tries.
        between.faults.append(Fault(operation, reply, times=5))
        ended = runtime.update(new_image()).check(NOT_DONE, says)
        assert re.search("nothing was changed", ended.text, re.IGNORECASE), ended.text
        between.forget()
        runtime.is_untouched()

    fields = [{"name": "warmPoolSize", "message": f"not * {DATABASE_SECRET}"}]
    cases = (
        ("GetAgentRuntime", Reply.error(401, "UnrecognizedClientException"), "what the role may do"),
        ("GetAgentRuntime", Reply.error(500, "InternalServerException"), "HTTP 500 InternalServerException"),
        ("GetAgentRuntime", Reply(200, b"<html>"), "the answer is no JSON"),
        ("UpdateAgentRuntime", Reply.error(403, "AccessDeniedException"), "what the role may do"),
        ("UpdateAgentRuntime", Reply.error(409, "ConflictException"), "another update is going on"),
        ("UpdateAgentRuntime", Reply.error(400, "ValidationException", fieldList=fields), "warmPoolSize: not * ***"),
        ("UpdateAgentRuntime", Reply.error(429, "ThrottlingException"), "HTTP 429 ThrottlingException"),
        ("UpdateAgentRuntime", Reply.error(500, "InternalServerException"), "HTTP 500 InternalServerException"),
    )
    all_at_once(cases, check)


async def a_throttled_update_goes_through_and_is_carried_out_once(between: InBetween) -> None:
    runtime, image = Runtime.make(between), new_image()
    throttled, lost = Reply.error(429, "ThrottlingException"), Reply.error(503, "ServiceUnavailableException")
    between.faults += [
        Fault("GetAgentRuntime", throttled),
        Fault("UpdateAgentRuntime", throttled),
        Fault("UpdateAgentRuntime", lost, carried_out=True),
    ]
    runtime.update(image).check(DONE, "done: version 2")
    assert len({body["clientToken"] for body in runtime.sent()}) == 1 and len(runtime.sent()) == 3
    runtime.serves("2", image)


async def an_update_whose_answer_was_lost_is_taken_back(between: InBetween) -> None:
    runtime, image = Runtime.make(between), new_image()
    between.faults.append(
        Fault("UpdateAgentRuntime", Reply.error(500, "InternalServerException"), times=5, carried_out=True)
    )
    runtime.update(image).check(NOT_DONE, "HTTP 500", "rolled back: version 3 serves")
    runtime.serves("3", image_of(CONFIGURATION))


async def an_image_that_serves_already_is_not_sent_again(between: InBetween) -> None:
    runtime = Runtime.make(between)
    ended = runtime.update(image_of(CONFIGURATION), *runtime.smoke())
    ended.check(DONE, "nothing to send", "list_knowledge_bases answered", "done: version 1 serves")
    runtime.is_untouched()


async def after_a_failed_update_the_version_that_serves_is_gone_back_to(between: InBetween) -> None:
    runtime, first, second = Runtime.make(between), new_image(), new_image()
    between.images |= {first: Image(failure_reason="no such file"), second: Image(failure_reason="the same again")}
    # Somebody's update, which nobody took back.
    body = json.dumps(with_image(first, warmPoolSize=9, clientToken=str(uuid.uuid4()))).encode()
    between.answer(Request("UpdateAgentRuntime", "PUT", f"/runtimes/{runtime.id}/", _scope(), body))
    assert [runtime.read()["status"] for _ in range(2)] == ["UPDATING", "UPDATE_FAILED"]
    ended = runtime.update(second).check(NOT_DONE, "the last update failed: no such file", "going back to version 1")
    ended.check(NOT_DONE, "the same again", "rolled back: version 4 serves")
    runtime.serves("4", image_of(CONFIGURATION))
    assert [body["warmPoolSize"] for body in runtime.sent()] == [9, 9, 3]


async def wrong_arguments_send_nothing(_: InBetween) -> None:
    def check(between: InBetween, status: int, says: str, script: Script, *arguments: str) -> None:
        runtime = Runtime.make(between)
        script.aws_url = script.aws_url or between.url
        script.run(*runtime.command(*arguments)).check(status, says)
        runtime.is_untouched()

    update = ("update", "--image", new_image())
    smoke = ("--smoke-url", "https://mcp.example.com/c/1/mcp", "--token-endpoint", READY["token_endpoint"])
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    cases = (
        (USAGE, "has no digest", Script(), "update", "--image", f"{REPOSITORY}:latest", "--no-smoke-test"),
        (USAGE, "has no digest", Script(), "update", "--image", f"{REPOSITORY}@sha256:12", "--no-smoke-test"),
        (USAGE, "--smoke-url --no-smoke-test is required", Script(), *update),
        (USAGE, "it has to begin with https://", Script(), *update, "--smoke-url", "http://mcp.example.com/mcp"),
        (USAGE, "needs --token-endpoint and --client-id", Script(), *update, *smoke[:2]),
        (USAGE, "needs AUTRI_SMOKE_CLIENT_SECRET", Script(client_secret=""), *update, *smoke, "--client-id", "x"),
        (NOT_DONE, "is not a runtime's id", Script(), "show", "--runtime-id", "../../x"),
        (NOT_DONE, "is it the runtime's id", Script(), "show", "--runtime-id", "nobody-abcdefghij"),
        (NOT_DONE, "no AWS credentials", Script(environment=nobody), "show"),
        (NOT_DONE, "must specify a region", Script(environment={"AWS_REGION": ""}), "show"),
        (NOT_DONE, "would carry secrets in the clear", Script("http://control-plane.example.com"), "show"),
    )
    all_at_once(cases, check)


async def show_tells_all_but_the_variables_values(between: InBetween) -> None:
    runtime = Runtime.make(between)
    ended = Script("http://127.0.0.1:9").run(*runtime.command("show", "--endpoint-url", between.url))
    ended.check(DONE, image_of(CONFIGURATION), "serves version 1, READY", "MCP", "Authorization")
    ended.check(DONE, "COGNITO_ISSUER, DATABASE_URL", "https://issuer.example/.well-known")
    runtime = Runtime.make(between, authorizerConfiguration=None)
    Script(between.url).run(*runtime.command("show")).check(NOT_DONE, "wrong: it verifies no token itself")


CHECKS: tuple[Check, ...] = (
    an_update_changes_the_image_and_nothing_else,
    a_member_that_nobody_knows_survives,
    what_aws_does_not_keep_is_noticed,
    what_is_not_sent_back_is_what_aws_does_not_take,
    a_version_that_fails_is_taken_back,
    a_version_that_is_not_ready_in_time_is_taken_back,
    a_rollback_that_fails_says_what_to_do_by_hand,
    a_control_plane_that_is_gone_after_the_update_has_somebody_look,
    credentials_that_end_after_the_update_have_somebody_look,
    a_control_plane_that_comes_back_is_asked_again,
    a_version_that_does_not_do_its_work_is_taken_back,
    a_version_is_tried_when_calls_reach_it,
    an_answer_may_be_a_stream_of_events,
    a_smoke_test_that_fails_for_another_reason_says_so,
    without_a_token_for_the_smoke_test_nothing_is_sent,
    a_deployment_that_is_cancelled_is_taken_back,
    an_update_by_somebody_else_is_left_alone,
    a_runtime_that_autri_cannot_live_with_is_left_alone,
    what_the_control_plane_refuses_changes_nothing,
    a_throttled_update_goes_through_and_is_carried_out_once,
    an_update_whose_answer_was_lost_is_taken_back,
    an_image_that_serves_already_is_not_sent_again,
    after_a_failed_update_the_version_that_serves_is_gone_back_to,
    wrong_arguments_send_nothing,
    show_tells_all_but_the_variables_values,
)


if __name__ == "__main__":
    checks.main(run_at_once(CHECKS + operator_tasks.CHECKS))
