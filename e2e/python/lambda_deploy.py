"""Deploying the triggers: `deploy/lambdas.py` with the zips of a release, at the Lambda of `cargo dev --cognito`.

The infrastructure is played here: two functions with code that does nothing yet, an alias for each, and the demo's user
pool asking the alias of ours before each token. The chain's own functions stay as they are, and get their pool back at
the end.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import checks
from aws_in_between import Fault, InBetween, Reply
from chain import READY, NoToken, answers_a_search, invocations, invoke, machine_token, pool, variables, verified
from deploy_scripts import DONE, LOOK, NOT_DONE, SOURCE, Ended, Script, end_of, in_between
from trigger_functions import ALIAS, FUNCTIONS, Function, ask, function_names
from trigger_zips import (
    ARCHITECTURE,
    ENDS,
    POST_CONFIRMATION,
    PRE_TOKEN,
    code_sha256,
    other_bytes,
    released,
    zip_of,
)  # fmt: skip

# Set by somebody for another project: `cargo lambda deploy` would take it for the memory of this function.
FOREIGN_SETTING = {"CARGO_LAMBDA_DEPLOY": "{memory=1024}"}
THROUGH_ALIAS = f"Invoke {ALIAS}"
RIGHTS = "what the role may do (docs/deploy.md has the list)"


@dataclass
class Stage:
    """What the infrastructure has made, and what the script has said so far."""

    aws: InBetween
    folder: Path
    pre_token: Function
    post_confirmation: Function
    said: str = ""

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        self.aws.requests.clear()
        # Where deploy/cargo-lambda is installed, and the cargo that it asks: this suite's home is another one.
        names = ("CARGO_HOME", "CARGO_TARGET_DIR", "RUSTUP_HOME")
        cargo = {name: os.environ[name] for name in names if name in os.environ}
        return Script(self.aws.url, environment=FOREIGN_SETTING | cargo).start("lambdas.py", *arguments)

    def end_of(self, process: subprocess.Popen[str]) -> Ended:
        ended = end_of(process)
        self.said += ended.text
        return ended

    def run(self, *arguments: str) -> Ended:
        return self.end_of(self.start(*arguments))

    def deploying(self, zip_path: Path, function: Function | None = None) -> list[str]:
        name = (function or self.pre_token).name
        return ["deploy", "--function", name, "--alias", ALIAS, "--zip", str(zip_path)]

    def deploy(self, zip_path: Path, function: Function | None = None) -> Ended:
        return self.run(*self.deploying(zip_path, function))

    def rollback(self, *more: str) -> Ended:
        return self.run("rollback", "--function", self.pre_token.name, "--alias", ALIAS, *more)

    def changes(self) -> list[str]:
        """The operations of the last run that change something."""
        asked = (request for request in self.aws.requests if request.method != "GET")
        return [request.operation for request in asked if not request.operation.startswith("Invoke ")]

    def fails_through_the_alias(self) -> None:
        """Once the alias has moved, the function ends with an error whenever it is asked through it."""

        def break_it(*_: Any) -> None:
            error = {"errorType": "Runtime.OutOfMemory\n::error::##[error] ", "errorMessage": "hunter2"}
            reply = Reply.of(error)
            reply.headers |= {"X-Amz-Function-Error": "Unhandled", "X-Amz-Executed-Version": self.pre_token.serves()}
            self.aws.faults.append(Fault(THROUGH_ALIAS, reply, times=9))

        self.aws.afterwards.append(("UpdateAlias", break_it))


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
        stage.deploy(released(function.program), function).check(DONE, "serves version 2, and answers as it should")
        assert function.settings() == before, f"{before} became {function.settings()}"
        assert function.alias() == ("2", "for Cognito [previous version: 1]"), f"{function.alias()}"
        assert function.configuration("2")["CodeSha256"] == code_sha256(released(function.program))
        assert stage.changes() == ["UpdateFunctionCode", "UpdateAlias"], f"{stage.changes()}"
        others = [asked.path for asked in stage.aws.requests if f"{FUNCTIONS}/{function.name}" not in asked.path]
        assert others == [], f"{others}"
    await assert_tokens_are_made(stage)
    event = {"triggerSource": "PostConfirmation_ConfirmForgotPassword"}
    assert invoke(f"{stage.post_confirmation.name}:{ALIAS}", event) == event


async def the_same_code_again_moves_nothing(stage: Stage) -> None:
    for function in (stage.pre_token, stage.post_confirmation):
        with nothing_moves(function):
            stage.deploy(released(function.program), function).check(DONE, "has this code already")
        assert stage.changes() == [], f"{stage.changes()}"


async def a_program_that_ends_at_once_is_not_served(stage: Stage) -> None:
    with nothing_moves(stage.pre_token):
        ended = stage.deploy(zip_of(stage.folder, ENDS[ARCHITECTURE]))
    ended.check(NOT_DONE, "smoke test", "was not moved")
    assert stage.changes() == ["UpdateFunctionCode"], f"{stage.changes()}"
    await assert_tokens_are_made(stage)


async def a_program_that_answers_wrongly_is_not_served(stage: Stage) -> None:
    # The other trigger's, by mistake: it starts, and passes on whatever is not its business.
    mistaken = stage.folder / f"{PRE_TOKEN}.zip"
    shutil.copyfile(released(POST_CONFIRMATION), mistaken)
    with nothing_moves(stage.pre_token):
        stage.deploy(mistaken).check(NOT_DONE, "answered something else")
    await assert_tokens_are_made(stage)


async def a_trigger_without_its_database_is_not_served(stage: Stage) -> None:
    # As a change of the infrastructure's may leave it: it comes into force with the next version.
    function = stage.pre_token
    wrong = variables(function.name) | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    with function.configured(Environment={"Variables": wrong}), nothing_moves(function):
        ended = stage.deploy(other_bytes(stage.folder, PRE_TOKEN))
    ended.check(NOT_DONE, "ended with the error Unavailable")
    await assert_tokens_are_made(stage)


async def what_fails_once_people_meet_it_is_put_back(stage: Stage) -> None:
    stage.fails_through_the_alias()
    with nothing_moves(stage.pre_token):
        ended = stage.deploy(other_bytes(stage.folder, PRE_TOKEN))
    ended.check(NOT_DONE, "put back", "Runtime.OutOfMemory")
    assert "hunter2" not in ended.text, "what a function says is in the log"
    assert stage.changes() == ["UpdateFunctionCode", "UpdateAlias", "UpdateAlias"], f"{stage.changes()}"
    stage.aws.forget()
    await assert_tokens_are_made(stage)


async def a_deployment_that_is_cancelled_is_put_back(stage: Stage) -> None:
    moved_to: list[str] = []

    def cancel(*_: Any) -> None:
        moved_to.append(stage.pre_token.serves())
        process.send_signal(signal.SIGTERM)

    serving = stage.pre_token.serves()
    stage.aws.afterwards.append((THROUGH_ALIAS, cancel))
    with nothing_moves(stage.pre_token):
        process = stage.start(*stage.deploying(other_bytes(stage.folder, PRE_TOKEN)))
        ended = stage.end_of(process)
    assert moved_to and serving not in moved_to, f"it was cancelled at {moved_to}"
    ended.check(NOT_DONE, "interrupted by SIGTERM", "put back")
    await assert_tokens_are_made(stage)


async def an_alias_that_cannot_be_put_back_is_told(stage: Stage) -> None:
    function, serving = stage.pre_token, stage.pre_token.serves()
    stage.fails_through_the_alias()
    denied = Fault("UpdateAlias", Reply.error(403, "AccessDeniedException", "not any more"), times=9)
    stage.aws.afterwards.append((THROUGH_ALIAS, lambda *_: stage.aws.faults.append(denied)))
    with function.pointed_back():
        ended = stage.deploy(other_bytes(stage.folder, PRE_TOKEN))
        assert function.serves() != serving
    ended.check(LOOK, "NOT PUT BACK", "not any more", RIGHTS)
    ended.check(LOOK, f"--function-name {function.name} --name {ALIAS} --function-version {serving}")


async def of_two_deployments_at_once_the_second_leaves_the_first_alone(stage: Stage) -> None:
    function = stage.pre_token

    def deploy_first(*_: Any) -> None:
        function.point_alias(FunctionVersion="1", Description="somebody else's")

    stage.aws.afterwards.append(("UpdateFunctionCode", deploy_first))
    with function.pointed_back():
        ended = stage.deploy(other_bytes(stage.folder, PRE_TOKEN))
        assert function.alias() == ("1", "somebody else's"), f"{function.alias()}"
    ended.check(LOOK, "it was left alone")
    assert stage.changes() == ["UpdateFunctionCode", "UpdateAlias"], f"{stage.changes()}"


async def a_setting_that_changes_meanwhile_stops_the_deployment(stage: Stage) -> None:
    function = stage.pre_token
    # First what the new version alone has, because it is gone after the upload; then what only the next one would have.
    for starts, ends in (("GetFunctionConfiguration", "UpdateFunctionCode"), ("UpdateFunctionCode", "never")):
        stage.aws.forget()
        with ExitStack() as changes, nothing_moves(function, settings=False):

            def reconfigure(*_: Any, changes: ExitStack = changes) -> None:
                changes.enter_context(function.configured(MemorySize=512))

            def restore(*_: Any, changes: ExitStack = changes) -> None:
                changes.close()

            stage.aws.afterwards += [(starts, reconfigure), (ends, restore)]
            ended = stage.deploy(other_bytes(stage.folder, PRE_TOKEN))
        ended.check(NOT_DONE, "settings have changed meanwhile: MemorySize.")
    await assert_tokens_are_made(stage)


async def a_right_that_is_missing_is_told(stage: Stage) -> None:
    for operation, changes in (("GetAlias", []), ("UpdateFunctionCode", ["UpdateFunctionCode"])):
        stage.aws.forget()
        stage.aws.faults.append(Fault(operation, Reply.error(403, "AccessDeniedException", "not yours"), times=9))
        with nothing_moves(stage.pre_token):
            ended = stage.deploy(other_bytes(stage.folder, PRE_TOKEN))
        ended.check(NOT_DONE, "AccessDeniedException", "not yours", RIGHTS, "was not moved")
        assert stage.changes() == changes, f"{stage.changes()}"


async def a_rollback_serves_the_version_before(stage: Stage) -> None:
    function, before = stage.pre_token, stage.pre_token.serves()
    stage.deploy(other_bytes(stage.folder, PRE_TOKEN)).check(DONE)
    latest = function.serves()
    assert latest != before
    # Of the versions in between, some were tried and never served.
    assert int(latest) - int(before) > 1, f"{function.versions()}"
    stage.run("show", "--function", function.name).check(DONE, f"previous         {before}\n")
    assert stage.changes() == [], f"{stage.changes()}"

    stage.rollback().check(DONE, f"serves version {before}, and answers as it should")
    assert function.alias() == (before, "for Cognito"), f"{function.alias()}"
    assert stage.changes() == ["UpdateAlias"], f"{stage.changes()}"
    await assert_tokens_are_made(stage)


async def a_rollback_goes_no_further_unless_told_where(stage: Stage) -> None:
    function, latest = stage.pre_token, stage.pre_token.versions()[-1]
    with nothing_moves(function):
        stage.rollback().check(NOT_DONE, "name one of", latest)
        # The placeholder.
        stage.rollback("--to", "1").check(NOT_DONE, "smoke test")
        stage.rollback("--to", "4711").check(NOT_DONE, "no version 4711")
    before = function.serves()
    for arguments in (["--to", latest], ["--to", "1", "--untested"], ["--to", before]):
        stage.rollback(*arguments).check(DONE)
        assert function.serves() == arguments[1], f"{function.serves()} after {arguments}"
        if "--untested" not in arguments:
            await assert_tokens_are_made(stage)


async def a_function_that_is_not_there_is_not_made(stage: Stage) -> None:
    before = function_names()
    missing = Function(f"lambda-deploy-{secrets.token_hex(4)}-{PRE_TOKEN}", PRE_TOKEN)
    stage.deploy(released(PRE_TOKEN), missing).check(NOT_DONE, f"there is no function {missing.name}", "infrastructure")
    assert function_names() == before, f"{function_names()}"
    assert {request.method for request in stage.aws.requests} == {"GET"}, f"{stage.aws.requests}"


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
            stage.deploy(other_bytes(stage.folder, PRE_TOKEN)).check(NOT_DONE, says)
        assert stage.changes() == [], f"{stage.changes()}"
    ended = stage.run("deploy", "--function", function.name, "--alias", "other", "--zip", str(released(PRE_TOKEN)))
    ended.check(NOT_DONE, "with an alias other")
    assert stage.changes() == [], f"{stage.changes()}"


async def a_zip_that_lambda_could_not_run_is_refused(stage: Stage) -> None:
    program, other = ENDS[ARCHITECTURE], next(content for name, content in ENDS.items() if name != ARCHITECTURE)
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
            stage.deploy(path).check(NOT_DONE, says)
        assert stage.changes() == [], f"{stage.changes()}"


async def nothing_that_is_said_tells_a_secret(stage: Stage) -> None:
    assert "points to version" in stage.said, "this is something else"
    values = [
        value for function in (stage.pre_token, stage.post_confirmation) for value in variables(function.name).values()
    ]
    hidden = [value for value in values if "://" in value or len(value) >= 32]
    assert hidden, "the functions have no secrets"
    for secret in (*hidden, "deployment.invalid"):
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
    a_right_that_is_missing_is_told,
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
    # Installs it if need be, which the scripts that are run here have neither the time nor the settings for.
    subprocess.run([SOURCE / "deploy/cargo-lambda", "--version"], stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    with tempfile.TemporaryDirectory(prefix="lambda-deploy-") as name:
        folder = Path(name)
        with (
            closing(in_between()) as between,
            Function.made(folder, PRE_TOKEN, variables(READY["pre_token_function"])) as pre_token,
            Function.made(
                folder, POST_CONFIRMATION, variables(READY["post_confirmation_function"])
            ) as post_confirmation,
            asked_by_the_pool(pre_token),
        ):
            stage = Stage(between, folder, pre_token, post_confirmation)
            for check in CHECKS:
                between.forget()
                await report.check(stage, check)
    await report.check(before, the_chain_is_as_it_was)
    return report


if __name__ == "__main__":
    checks.main(session())
