"""Deploying the triggers: `deploy/lambdas.py` with the zips of a release, at the Lambda of `cargo dev --cognito`.

The infrastructure is played here: two functions with code that does nothing yet, an alias for each, and the demo's user
pool asking the alias of ours before each token. The chain's own functions stay as they are, and get their pool back at
the end. Between the script and the emulator sits a witness, which knows every request that was made.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import platform
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import checks
from chain import (
    LIMIT,
    READY,
    NoToken,
    Reply,
    answers_a_search,
    invocations,
    invoke,
    machine_token,
    pool,
    send,
    variables,
    verified,
)

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PRE_TOKEN, POST_CONFIRMATION = "pre-token-generation", "post-confirmation"
# The folder of the artefacts, and what Lambda calls it.
HOST = {"x86_64": ("x86-64", "x86_64"), "aarch64": ("arm64", "arm64"), "arm64": ("arm64", "arm64")}[platform.machine()]
ARTEFACTS = Path(checks.required("AUTRI_ARTEFACTS")) / "lambda" / HOST[0]
ALIAS = "live"
FUNCTIONS = "/2015-03-31/functions"
DONE, NOT_DONE, LOOK = 0, 1, 3
# Of a function's configuration, what new code changes, and whether Lambda is still at it.
NOT_SETTINGS = {
    "CodeSha256", "CodeSize", "LastModified", "LastUpdateStatus", "RevisionId", "State", "StateReason",
    "StateReasonCode",
}  # fmt: skip
SECRET_KEY = secrets.token_hex(20)
# Set by somebody for another project: `cargo lambda deploy` would take it for the memory of this function.
FOREIGN_SETTING = {"CARGO_LAMBDA_DEPLOY": "{memory=1024}"}


# -- Zips


def elf(machine: int, code: bytes) -> bytes:
    """The smallest Linux program: its header, one segment, and this code."""
    start, base = 64 + 56, 0x400000

    def numbers(*pairs: tuple[int, int]) -> bytes:
        return b"".join(value.to_bytes(size, "little") for value, size in pairs)

    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + numbers(
        (2, 2), (machine, 2), (1, 4), (base + start, 8), (64, 8), (0, 8), (0, 4), (64, 2), (56, 2), (1, 2), (0, 6)
    )
    size = start + len(code)
    segment = numbers((1, 4), (5, 4), (0, 8), (base, 8), (base, 8), (size, 8), (size, 8), (0x10000, 8))
    return header + segment + code


# Programs that end at once, with exit status 1.
ENDS = {
    "x86_64": elf(0x3E, bytes.fromhex("b83c000000 bf01000000 0f05")),
    "arm64": elf(0xB7, bytes.fromhex("200080d2 a80b80d2 010000d4")),
}


def zip_of(folder: Path, content: bytes, name: str = "bootstrap", mode: int = 0o755, stem: str = PRE_TOKEN) -> Path:
    """A zip with one file, called as one of the triggers' is."""
    path = folder / secrets.token_hex(4) / f"{stem}.zip"
    path.parent.mkdir()
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFREG | mode) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, content)
    return path


def released(program: str) -> Path:
    return ARTEFACTS / f"{program}.zip"


def other_bytes(folder: Path, program: str) -> Path:
    """The same program in another zip, which is other code to Lambda."""
    path = folder / secrets.token_hex(4) / f"{program}.zip"
    path.parent.mkdir()
    shutil.copyfile(released(program), path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = secrets.token_hex(4).encode()
    return path


def code_sha256(path: Path) -> str:
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


# -- The emulated Lambda, asked directly


def ask(path: str, method: str = "GET", expected: int = 200, **body: Any) -> Any:
    content = json.dumps(body) if body else None
    url = f"{READY['cognito_endpoint']}{FUNCTIONS}{path}"
    reply = send(url, body=content, method=method, content_type="application/json")
    assert reply.status == expected, f"{method} {path}: HTTP {reply.status} {reply.text}"
    return json.loads(reply.text) if reply.text else {}


def function_names() -> list[str]:
    return sorted(found["FunctionName"] for found in ask("/")["Functions"])


@dataclass(frozen=True)
class Function:
    """A function of the infrastructure's."""

    name: str
    program: str

    @classmethod
    @contextmanager
    def made(cls, folder: Path, program: str, settings: dict[str, str]) -> Iterator[Function]:
        """With code that does nothing, which its alias points to. For a while."""
        function = cls(f"lambda-deploy-{secrets.token_hex(4)}-{program}", program)
        placeholder = zip_of(folder, ENDS[HOST[1]]).read_bytes()
        ask(
            "",
            "POST",
            201,
            FunctionName=function.name,
            Runtime="provided.al2023",
            Handler="bootstrap",
            Architectures=[HOST[1]],
            Role=f"arn:aws:iam::000000000000:role/{function.name}",
            Description="made by the infrastructure",
            Timeout=5,
            MemorySize=256,
            TracingConfig={"Mode": "Active"},
            Environment={"Variables": settings},
            Code={"ZipFile": base64.b64encode(placeholder).decode()},
            Publish=True,
        )
        try:
            ask(f"/{function.name}/aliases", "POST", 201, Name=ALIAS, FunctionVersion="1", Description="for Cognito")
            yield function
        finally:
            ask(f"/{function.name}", "DELETE", 204)

    @property
    def alias_arn(self) -> str:
        return ask(f"/{self.name}/aliases/{ALIAS}")["AliasArn"]

    def alias(self) -> tuple[str, str]:
        """The version that it points to, and its description."""
        found = ask(f"/{self.name}/aliases/{ALIAS}")
        return found["FunctionVersion"], found["Description"]

    def serves(self) -> str:
        return self.alias()[0]

    def point_alias(self, **changes: Any) -> None:
        ask(f"/{self.name}/aliases/{ALIAS}", "PUT", **changes)

    @contextmanager
    def configured(self, **changes: Any) -> Iterator[None]:
        """With other settings, for a while."""
        before = self.configuration()
        ask(f"/{self.name}/configuration", "PUT", **changes)
        try:
            yield
        finally:
            ask(f"/{self.name}/configuration", "PUT", **{name: before[name] for name in changes})

    @contextmanager
    def pointed_back(self) -> Iterator[None]:
        """However the alias is left, it points afterwards to where it does now."""
        before = self.alias()
        try:
            yield
        finally:
            self.point_alias(FunctionVersion=before[0], Description=before[1])

    def configuration(self, version: str = "$LATEST") -> dict[str, Any]:
        return ask(f"/{self.name}/configuration?Qualifier={version}")

    def settings(self) -> dict[str, Any]:
        return {name: value for name, value in self.configuration().items() if name not in NOT_SETTINGS}

    def versions(self) -> list[str]:
        return [
            found["Version"] for found in ask(f"/{self.name}/versions")["Versions"] if found["Version"] != "$LATEST"
        ]


# -- The witness


@dataclass
class Witness:
    """Passes everything on to the emulator, and knows what was asked; a test may step in."""

    requests: list[tuple[str, str]] = field(default_factory=list)
    # Called with each request, which it may answer in the emulator's place.
    steps_in: Callable[[str, str], Reply | None] = lambda _method, _path: None
    url: str = ""

    def changes(self) -> list[tuple[str, str]]:
        """The requests that change something, without the function's name."""
        return [
            (method, path.removeprefix(FUNCTIONS).partition("?")[0].partition("/")[2].partition("/")[2])
            for method, path in self.requests
            if method != "GET" and "/invocations" not in path
        ]

    @contextmanager
    def listening(self) -> Iterator[Witness]:
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                witness.requests.append((self.command, self.path))
                reply = witness.steps_in(self.command, self.path) or self._ask(body)
                content = reply.text.encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                # Whoever asked may have been interrupted.
                with suppress(ConnectionError):
                    self.end_headers()
                    self.wfile.write(content)

            def _ask(self, body: bytes) -> Reply:
                headers = {name: value for name, value in self.headers.items() if name.lower() in ("content-type",)}
                url = f"{READY['cognito_endpoint']}{self.path}"
                return send(url, body=body.decode() if body else None, method=self.command, **headers)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = pass_on

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def is_shift(method: str, path: str) -> bool:
    return method == "PUT" and path.endswith(f"/aliases/{ALIAS}")


def is_upload(method: str, path: str) -> bool:
    return method == "PUT" and path.endswith("/code")


def is_through_alias(method: str, path: str) -> bool:
    return method == "POST" and path.endswith(f"/invocations?Qualifier={ALIAS}")


# -- The script


@dataclass
class Stage:
    """What the infrastructure has made, and what the script has said so far."""

    folder: Path
    pre_token: Function
    post_confirmation: Function
    said: str = ""

    def run(self, *arguments: str, steps_in: Callable[..., Reply | None] | None = None) -> tuple[int, str, Witness]:
        """A run of the script: exit status, what it says, what it asked for. `steps_in` gets the process too."""
        running: list[subprocess.Popen[str]] = []
        witness = Witness()
        if steps_in:
            witness.steps_in = lambda method, path: steps_in(method, path, running[0])
        settings = {
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": READY["region"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            # A folder of its own for what one is configured with at home.
            "AWS_CONFIG_FILE": str(self.folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AUTRI_"))}
        with witness.listening():
            command = [checks.required("AUTRI_DEPLOY_PYTHON"), str(DEPLOY / "lambdas.py"), *arguments]
            process = subprocess.Popen(
                [*command, "--endpoint-url", witness.url],
                env=inherited | settings | FOREIGN_SETTING,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            running.append(process)
            try:
                said, _ = process.communicate(timeout=2 * LIMIT)
            finally:
                process.kill()
        self.said += said
        return process.returncode, said, witness

    def deploy(self, zip_path: Path, function: Function | None = None, **more: Any) -> tuple[int, str, Witness]:
        name = (function or self.pre_token).name
        return self.run("deploy", "--function", name, "--alias", ALIAS, "--zip", str(zip_path), **more)

    def rollback(self, *more: str) -> tuple[int, str, Witness]:
        return self.run("rollback", "--function", self.pre_token.name, "--alias", ALIAS, *more)


async def assert_tokens_are_made(stage: Stage) -> None:
    """By our function, and good ones."""
    before = len(invocations(stage.pre_token.name))
    token = machine_token(READY["client_id"], READY["client_secret"])
    assert verified(token)["connector_id"] == READY["connector_id"]
    lines = invocations(stage.pre_token.name)[before:]
    assert lines and all(line["outcome"] == "granted" for line in lines), f"{lines}"
    await answers_a_search(READY["url"], token)


@contextmanager
def nothing_moves(function: Function, settings: bool = True) -> Iterator[None]:
    """The alias, its description and the settings are as before."""
    before = (function.alias(), settings and function.settings())
    yield
    assert (now := (function.alias(), settings and function.settings())) == before, f"{before} became {now}"


# -- The checks, in this order: each finds what the one before has left


async def before_the_first_deployment_there_is_no_token(_: Stage) -> None:
    try:
        token = machine_token(READY["client_id"], READY["client_secret"])
    except NoToken:
        return
    raise AssertionError(f"the pool does not ask our function: {verified(token)}")


async def a_deployment_serves_and_changes_the_code_alone(stage: Stage) -> None:
    for function in (stage.pre_token, stage.post_confirmation):
        before = function.settings()
        status, said, witness = stage.deploy(released(function.program), function)
        assert status == DONE, said
        assert function.settings() == before, f"{before} became {function.settings()}"
        assert function.alias() == ("2", "for Cognito [previous version: 1]"), f"{function.alias()}"
        assert function.configuration("2")["CodeSha256"] == code_sha256(released(function.program))
        assert witness.changes() == [("PUT", "code"), ("PUT", f"aliases/{ALIAS}")], f"{witness.changes()}"
        assert all(path.startswith(f"{FUNCTIONS}/{function.name}") for _, path in witness.requests), f"{witness}"
    await assert_tokens_are_made(stage)
    event = {"triggerSource": "PostConfirmation_ConfirmForgotPassword"}
    assert invoke(f"{stage.post_confirmation.name}:{ALIAS}", event) == event


async def the_same_code_again_moves_nothing(stage: Stage) -> None:
    for function in (stage.pre_token, stage.post_confirmation):
        with nothing_moves(function):
            status, said, witness = stage.deploy(released(function.program), function)
        assert status == DONE and "has this code already" in said, said
        assert witness.changes() == [], f"{witness.changes()}"


async def a_program_that_ends_at_once_is_not_served(stage: Stage) -> None:
    with nothing_moves(stage.pre_token):
        status, said, witness = stage.deploy(zip_of(stage.folder, ENDS[HOST[1]]))
    assert status == NOT_DONE and "smoke test" in said and "was not moved" in said, said
    assert witness.changes() == [("PUT", "code")], f"{witness.changes()}"
    await assert_tokens_are_made(stage)


async def a_program_that_answers_wrongly_is_not_served(stage: Stage) -> None:
    # The other trigger's, by mistake: it starts, and passes on whatever is not its business.
    mistaken = stage.folder / f"{PRE_TOKEN}.zip"
    shutil.copyfile(released(POST_CONFIRMATION), mistaken)
    with nothing_moves(stage.pre_token):
        status, said, _ = stage.deploy(mistaken)
    assert status == NOT_DONE and "answered something else" in said, said
    await assert_tokens_are_made(stage)


async def a_trigger_without_its_database_is_not_served(stage: Stage) -> None:
    # As a change of the infrastructure's may leave it: it comes into force with the next version.
    function = stage.pre_token
    wrong = variables(function.name) | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    with function.configured(Environment={"Variables": wrong}), nothing_moves(function):
        status, said, _ = stage.deploy(other_bytes(stage.folder, PRE_TOKEN))
    assert status == NOT_DONE and "ended with the error Unavailable" in said, said
    await assert_tokens_are_made(stage)


async def what_fails_once_people_meet_it_is_put_back(stage: Stage) -> None:
    def fails(method: str, path: str, _: Any) -> Reply | None:
        if not is_through_alias(method, path):
            return None
        headers = {"X-Amz-Function-Error": "Unhandled", "X-Amz-Executed-Version": stage.pre_token.serves()}
        return Reply(200, headers, '{"errorType": "Runtime.OutOfMemory", "errorMessage": "hunter2"}')

    with nothing_moves(stage.pre_token):
        status, said, witness = stage.deploy(other_bytes(stage.folder, PRE_TOKEN), steps_in=fails)
    assert status == NOT_DONE and "put back" in said and "Runtime.OutOfMemory" in said, said
    assert "hunter2" not in said, "what a function says is in the log"
    shift = ("PUT", f"aliases/{ALIAS}")
    assert witness.changes() == [("PUT", "code"), shift, shift], f"{witness.changes()}"
    await assert_tokens_are_made(stage)


async def a_deployment_that_is_cancelled_is_put_back(stage: Stage) -> None:
    moved_to: list[str] = []

    def cancels(method: str, path: str, process: subprocess.Popen[str]) -> None:
        if is_through_alias(method, path):
            moved_to.append(stage.pre_token.serves())
            process.send_signal(signal.SIGTERM)

    serving = stage.pre_token.serves()
    with nothing_moves(stage.pre_token):
        status, said, _ = stage.deploy(other_bytes(stage.folder, PRE_TOKEN), steps_in=cancels)
    assert moved_to and serving not in moved_to, f"it was cancelled at {moved_to}"
    assert status == NOT_DONE and "interrupted by SIGTERM" in said and "put back" in said, said
    await assert_tokens_are_made(stage)


async def an_alias_that_cannot_be_put_back_is_told(stage: Stage) -> None:
    function, serving = stage.pre_token, stage.pre_token.serves()
    shifts: list[str] = []

    def fails(method: str, path: str, _: Any) -> Reply | None:
        if is_shift(method, path):
            shifts.append(path)
            return Reply(403, {"X-Amzn-ErrorType": "AccessDeniedException"}, "{}") if len(shifts) > 1 else None
        error = {"X-Amz-Function-Error": "Unhandled", "X-Amz-Executed-Version": function.serves()}
        return Reply(200, error, "{}") if is_through_alias(method, path) else None

    with function.pointed_back():
        status, said, _ = stage.deploy(other_bytes(stage.folder, PRE_TOKEN), steps_in=fails)
        assert function.serves() != serving
    assert status == LOOK and "NOT PUT BACK" in said, said
    assert f"--function-name {function.name} --name {ALIAS} --function-version {serving}" in said, said


async def of_two_deployments_at_once_the_second_leaves_the_first_alone(stage: Stage) -> None:
    function, shifts = stage.pre_token, []

    def deploys_first(method: str, path: str, _: Any) -> None:
        if is_shift(method, path):
            shifts.append(path)
            if len(shifts) == 1:
                function.point_alias(FunctionVersion="1", Description="somebody else's")

    with function.pointed_back():
        status, said, _ = stage.deploy(other_bytes(stage.folder, PRE_TOKEN), steps_in=deploys_first)
        assert function.alias() == ("1", "somebody else's"), f"{function.alias()}"
    assert status == LOOK and "it was left alone" in said and len(shifts) == 1, said


async def a_setting_that_changes_meanwhile_stops_the_deployment(stage: Stage) -> None:
    function = stage.pre_token
    with ExitStack() as changes, nothing_moves(function, settings=False):

        def reconfigures(method: str, path: str, _: Any) -> None:
            if is_upload(method, path):
                changes.enter_context(function.configured(MemorySize=512))

        status, said, _ = stage.deploy(other_bytes(stage.folder, PRE_TOKEN), steps_in=reconfigures)
    assert status == NOT_DONE and "settings have changed meanwhile: MemorySize." in said, said
    await assert_tokens_are_made(stage)


async def a_rollback_serves_the_version_before(stage: Stage) -> None:
    function, before = stage.pre_token, stage.pre_token.serves()
    status, said, _ = stage.deploy(other_bytes(stage.folder, PRE_TOKEN))
    latest = function.serves()
    assert status == DONE and latest != before, said
    # Of the versions in between, some were tried and never served.
    assert int(latest) - int(before) > 1, f"{function.versions()}"
    status, said, witness = stage.run("show", "--function", function.name)
    assert status == DONE and f"previous         {before}\n" in said and witness.changes() == [], said

    status, said, witness = stage.rollback()
    assert status == DONE, said
    assert function.alias() == (before, "for Cognito"), f"{function.alias()}"
    assert witness.changes() == [("PUT", f"aliases/{ALIAS}")], f"{witness.changes()}"
    await assert_tokens_are_made(stage)


async def a_rollback_goes_no_further_unless_told_where(stage: Stage) -> None:
    function, latest = stage.pre_token, stage.pre_token.versions()[-1]
    with nothing_moves(function):
        status, said, _ = stage.rollback()
        assert status == NOT_DONE and "name one of" in said and latest in said, said
        # The placeholder.
        status, said, _ = stage.rollback("--to", "1")
        assert status == NOT_DONE and "smoke test" in said, said
        status, said, _ = stage.rollback("--to", "4711")
        assert status == NOT_DONE and "no version 4711" in said, said
    before = function.serves()
    status, said, _ = stage.rollback("--to", latest)
    assert status == DONE and function.serves() == latest, said
    await assert_tokens_are_made(stage)
    status, said, _ = stage.rollback("--to", "1", "--untested")
    assert status == DONE and function.serves() == "1", said
    status, said, _ = stage.rollback("--to", before)
    assert status == DONE and function.serves() == before, said
    await assert_tokens_are_made(stage)


async def a_function_that_is_not_there_is_not_made(stage: Stage) -> None:
    before = function_names()
    missing = Function(f"lambda-deploy-{secrets.token_hex(4)}-{PRE_TOKEN}", PRE_TOKEN)
    status, said, witness = stage.deploy(released(PRE_TOKEN), missing)
    assert status == NOT_DONE and f"there is no function {missing.name}" in said and "infrastructure" in said, said
    assert function_names() == before, f"{function_names()}"
    assert {method for method, _ in witness.requests} == {"GET"}, f"{witness.requests}"


async def an_alias_that_does_not_point_to_one_version_is_refused(stage: Stage) -> None:
    function = stage.pre_token
    nowhere_else = {"RoutingConfig": {"AdditionalVersionWeights": {}}}
    weights = {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}}
    for changes, says in (
        (weights, "a part of its traffic to 1"),
        (nowhere_else | {"FunctionVersion": "$LATEST"}, "points to $LATEST"),
    ):
        with function.pointed_back():
            function.point_alias(**changes)
            status, said, witness = stage.deploy(other_bytes(stage.folder, PRE_TOKEN))
        assert status == NOT_DONE and says in said and witness.changes() == [], said
    command = ["deploy", "--function", function.name, "--alias", "other", "--zip", str(released(PRE_TOKEN))]
    status, said, witness = stage.run(*command)
    assert status == NOT_DONE and "with an alias other" in said and witness.changes() == [], said


async def a_zip_that_lambda_could_not_run_is_refused(stage: Stage) -> None:
    program, other = ENDS[HOST[1]], next(content for name, content in ENDS.items() if name != HOST[1])
    no_zip = stage.folder / f"not-{PRE_TOKEN}.zip"
    no_zip.write_text("PK", encoding="utf-8")
    too_big = program + secrets.token_bytes(6_000_000)
    for path, says in (
        (zip_of(stage.folder, other), "Architectures is"),
        (zip_of(stage.folder, program, name="main"), "should hold one file"),
        (zip_of(stage.folder, program, mode=0o644), "is not executable"),
        (zip_of(stage.folder, b"#!/bin/sh\nexit 0\n"), "is no Linux program"),
        (zip_of(stage.folder, program + b"\0GLIBC_2.35\0"), "needs glibc 2.35"),
        (zip_of(stage.folder, too_big), "are the limit"),
        (zip_of(stage.folder, program, stem="function"), "say it with --program"),
        (no_zip, "is no zip"),
        (stage.folder / f"missing-{PRE_TOKEN}.zip", "cannot be read"),
    ):
        with nothing_moves(stage.pre_token):
            status, said, witness = stage.deploy(path)
        assert status == NOT_DONE and says in said and witness.changes() == [], f"{says}: {said}"


async def nothing_that_is_said_tells_a_secret(stage: Stage) -> None:
    assert "points to version" in stage.said, "this is something else"
    values = [
        value for function in (stage.pre_token, stage.post_confirmation) for value in variables(function.name).values()
    ]
    hidden = [value for value in values if "://" in value or len(value) >= 32]
    assert hidden, "the functions have no secrets"
    for secret in (*hidden, SECRET_KEY, READY["client_secret"], "deployment.invalid"):
        assert secret not in stage.said, f"{secret} was said"


CHECKS = (
    before_the_first_deployment_there_is_no_token,
    a_deployment_serves_and_changes_the_code_alone,
    the_same_code_again_moves_nothing,
    a_program_that_ends_at_once_is_not_served,
    a_program_that_answers_wrongly_is_not_served,
    a_trigger_without_its_database_is_not_served,
    what_fails_once_people_meet_it_is_put_back,
    a_deployment_that_is_cancelled_is_put_back,
    an_alias_that_cannot_be_put_back_is_told,
    of_two_deployments_at_once_the_second_leaves_the_first_alone,
    a_setting_that_changes_meanwhile_stops_the_deployment,
    a_rollback_serves_the_version_before,
    a_rollback_goes_no_further_unless_told_where,
    a_function_that_is_not_there_is_not_made,
    an_alias_that_does_not_point_to_one_version_is_refused,
    a_zip_that_lambda_could_not_run_is_refused,
    nothing_that_is_said_tells_a_secret,
)


@contextmanager
def asked_by_the_pool(function: Function) -> Iterator[None]:
    """The pool asks this function's alias before each token, as in a deployment. For a while."""
    before = pool("DescribeUserPool")["UserPool"]["LambdaConfig"]
    trigger = {"LambdaArn": function.alias_arn, "LambdaVersion": "V3_0"}
    assert "PreTokenGenerationConfig" in before, f"{before}"
    pool(
        "UpdateUserPool",
        LambdaConfig=before | {"PreTokenGenerationConfig": trigger, "PreTokenGeneration": function.alias_arn},
    )
    try:
        yield
    finally:
        pool("UpdateUserPool", LambdaConfig=before)


def the_chains_own() -> dict[str, Any]:
    """What this suite must leave as it is."""
    names = (READY["pre_token_function"], READY["post_confirmation_function"])
    own: dict[str, Any] = {name: ask(f"/{name}/configuration") for name in names}
    return own | {"triggers": pool("DescribeUserPool")["UserPool"]["LambdaConfig"], "functions": function_names()}


async def the_chain_is_as_it_was(before: dict[str, Any]) -> None:
    assert (now := the_chains_own()) == before, f"{before} became {now}"
    assert verified(machine_token(READY["client_id"], READY["client_secret"]))["connector_id"] == READY["connector_id"]


async def session() -> checks.Report:
    report, before = checks.Report(), the_chains_own()
    with tempfile.TemporaryDirectory(prefix="lambda-deploy-") as name:
        folder = Path(name)
        with (
            Function.made(folder, PRE_TOKEN, variables(READY["pre_token_function"])) as pre_token,
            Function.made(
                folder, POST_CONFIRMATION, variables(READY["post_confirmation_function"])
            ) as post_confirmation,
            asked_by_the_pool(pre_token),
        ):
            stage = Stage(folder, pre_token, post_confirmation)
            for check in CHECKS:
                await report.check(stage, check)
    await report.check(before, the_chain_is_as_it_was)
    return report


if __name__ == "__main__":
    checks.main(session())
