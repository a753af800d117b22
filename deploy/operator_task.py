#!/usr/bin/env python3
"""Runs one `autri` command as a task of ECS (Fargate), waits for it, and ends with its exit status.

    operator_task.py run  --cluster NAME --task-definition FAMILY --container NAME --image URI@sha256:… \\
                          --subnets subnet-…,subnet-… --security-groups sg-… -- db migrate
    operator_task.py wait --cluster NAME --container NAME --task ARN

The task definition is the infrastructure's. If its latest revision has another image, a revision with this one is
registered, and all else stays as it is; none is deregistered. The task gets no public address: its subnets need a way
to ECR, to the logs and to the database.

Exit status: the command's; 1 too if the task could not be run or was not waited for to its end, as the last lines say.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import uuid
from typing import Any

import boto3
from arguments import NOT_DONE, add_aws, image_by_digest, parser_of, seconds, session
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from interrupts import Interrupted, Interrupts
from output import LOOK_AT_RIGHTS, WITHOUT_RIGHTS, complain, say, shown
from waiting import comes_true

LAST_LINES = 60
# A task that was just started may not be found, and the last lines of one that just ended not be there, for this long.
CATCHING_UP_SECONDS = 30.0
# What ends a task before its command has begun.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
NOT_BEGUN = ("CannotPullContainerError", "ResourceInitializationError")


class Failed(Exception):
    """The command has no exit status; the text says why."""


def explain(error: BaseException) -> str:
    """An error as a person should read it."""
    if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in WITHOUT_RIGHTS:
        return f"{shown(error)} – {LOOK_AT_RIGHTS}"
    return shown(error)


class OperatorTask:
    """A task in a cluster, and the container in it that is waited for."""

    def __init__(self, aws: boto3.Session, endpoint_url: str | None, cluster: str, container: str) -> None:
        self._ecs: BaseClient = aws.client("ecs", endpoint_url=endpoint_url)
        self._logs: BaseClient = aws.client("logs", endpoint_url=endpoint_url)
        self._cluster = cluster
        self._container = container

    def revision_with(self, family: str, image: str) -> str:
        """The ARN of a revision that has this image: the latest one, or one like it that is registered."""
        found = self._ecs.describe_task_definition(taskDefinition=family, include=["TAGS"])
        latest = found["taskDefinition"]
        container = self._definition_of_container(latest)
        if container["image"] == image:
            say(f"{shown(latest['taskDefinitionArn'])} has the image already")
            return str(latest["taskDefinitionArn"])
        # By boto3's own model, so that no member is forgotten that it takes.
        taken = self._ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
        wanted = {name: value for name, value in latest.items() if name in taken and value not in (None, "", [])}
        container["image"] = image
        if found.get("tags"):
            wanted["tags"] = found["tags"]
        made = self._ecs.register_task_definition(**wanted)["taskDefinition"]
        say(f"registered {shown(made['taskDefinitionArn'])} with {shown(image)}")
        return str(made["taskDefinitionArn"])

    def start(self, revision: str, command: list[str], subnets: list[str], security_groups: list[str]) -> str:
        """The ARN of a task that runs the command."""
        answer = self._ecs.run_task(
            cluster=self._cluster,
            taskDefinition=revision,
            launchType="FARGATE",
            count=1,
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": subnets,
                    "securityGroups": security_groups,
                    "assignPublicIp": "DISABLED",
                }
            },
            overrides={"containerOverrides": [{"name": self._container, "command": command}]},
            startedBy="autri-operator-task",
            # Asked again after a lost answer, the service starts no second one.
            clientToken=str(uuid.uuid4()),
        )
        if not answer.get("tasks"):
            reasons = [
                f"{failure.get('reason')} {failure.get('detail') or ''}" for failure in answer.get("failures", [])
            ]
            raise Failed(f"no task was started: {shown('; '.join(reasons) or 'no reason was given')}")
        task = str(answer["tasks"][0]["taskArn"])
        say(f"started {shown(task)}: {shown(shlex.join(command))}")
        return task

    def wait(self, task: str, limit_seconds: float) -> int:
        """The command's exit status, once the task has stopped."""
        found: dict[str, Any] = {}

        def is_found() -> bool:
            nonlocal found
            found = next(iter(self._ecs.describe_tasks(cluster=self._cluster, tasks=[task])["tasks"]), {})
            return bool(found)

        def has_stopped() -> bool:
            before = found.get("lastStatus")
            if is_found() and found["lastStatus"] != before:
                say(f"the task is {shown(found['lastStatus'], 40)}")
            return found.get("lastStatus") == "STOPPED"

        if not comes_true(is_found, min(CATCHING_UP_SECONDS, limit_seconds)):
            raise Failed(f"{shown(task)} is not in the cluster; ECS forgets a task an hour after its end")
        say(f"the task is {shown(found['lastStatus'], 40)}")
        if not comes_true(has_stopped, limit_seconds):
            raise Failed(f"the task runs on, and has not stopped after {limit_seconds:g} s; {self.how_to_wait(task)}")
        self._print_last_lines(found)
        return self._exit_status(found)

    def how_to_wait(self, task: str) -> str:
        command = ["python", "deploy/operator_task.py", "wait", "--cluster", self._cluster]
        return f"wait for it with: {shlex.join([*command, '--container', self._container, '--task', task])}"

    def _exit_status(self, task: dict[str, Any]) -> int:
        container = {it.get("name"): it for it in task.get("containers", [])}.get(self._container, {})
        status, stop_code = container.get("exitCode"), task.get("stopCode")
        reasons = [str(it) for it in (stop_code, task.get("stoppedReason"), container.get("reason")) if it]
        why = shown(": ".join(reasons) or "no reason was given")
        if status is None:
            if any(name in reason for name in NOT_BEGUN for reason in reasons):
                why += (
                    " – look at what the task definition's execution role may do (docs/deploy.md has the list), and at "
                    "the way that the task's subnets and security groups leave it to ECR, S3 and the logs"
                )
            raise Failed(f"the command has no exit status: {why}")
        # A command that was stopped from outside may end with 0 all the same, and is not done.
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html (stopCode)
        if status == 0 and stop_code not in (None, "", "EssentialContainerExited"):
            raise Failed(f"the task was stopped before its command was done: {why}")
        if status != 0:
            complain(f"FAILED: the command ended with exit status {status} ({why})")
        return int(status)

    def _print_last_lines(self, task: dict[str, Any]) -> None:
        """What the container wrote last, if its log is at CloudWatch. The command's exit status counts without it."""
        try:
            self._print_log(task)
        except (ClientError, BotoCoreError) as error:
            complain(f"the log could not be read: {explain(error)}")

    def _print_log(self, task: dict[str, Any]) -> None:
        definition = self._ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
        log = self._definition_of_container(definition).get("logConfiguration") or {}
        options = log.get("options") or {}
        group, prefix = options.get("awslogs-group"), options.get("awslogs-stream-prefix")
        if log.get("logDriver") != "awslogs" or not group or not prefix:
            say("its log is not at CloudWatch (logDriver awslogs, with a group and a stream prefix)")
            return
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html
        stream = f"{prefix}/{self._container}/{task['taskArn'].rpartition('/')[2]}"
        say(f"the end of {shown(group)} {shown(stream)}:")
        for message in self._last_lines(group, stream):
            say(f"  | {shown(message, 2000)}")

    def _last_lines(self, group: str, stream: str) -> list[str]:
        messages: list[str] = []

        def are_there() -> bool:
            try:
                page = self._logs.get_log_events(
                    logGroupName=group, logStreamName=stream, limit=LAST_LINES, startFromHead=False
                )
            except self._logs.exceptions.ResourceNotFoundException:
                # A container that never ran has no stream.
                return False
            messages.extend(event["message"] for event in page["events"])
            return bool(messages)

        comes_true(are_there, CATCHING_UP_SECONDS)
        return messages or ["(nothing)"]

    def _definition_of_container(self, definition: dict[str, Any]) -> dict[str, Any]:
        containers: list[dict[str, Any]] = definition["containerDefinitions"]
        for container in containers:
            if container["name"] == self._container:
                return container
        names = ", ".join(container["name"] for container in containers)
        raise Failed(f"the task definition has no container {self._container!r}, but {shown(names)}")


# -- The command line


def ids(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def parser() -> argparse.ArgumentParser:
    top = parser_of(__doc__)
    commands = top.add_subparsers(dest="action", required=True)
    run = commands.add_parser("run", help="start a command, and wait for it")
    wait = commands.add_parser("wait", help="wait for a command that was started")
    for command in (run, wait):
        command.add_argument("--cluster", required=True)
        command.add_argument("--container", required=True, metavar="NAME", help="the one that runs the command")
        command.add_argument("--timeout", type=seconds, default=1800, metavar="SECONDS", help="to wait (%(default)s)")
        add_aws(command)
    run.add_argument("--task-definition", required=True, metavar="FAMILY")
    run.add_argument("--image", type=image_by_digest, required=True, metavar="URI", help="…@sha256:…")
    run.add_argument("--subnets", type=ids, required=True, metavar="ID,ID", help="private ones")
    run.add_argument("--security-groups", type=ids, required=True, metavar="ID,ID")
    run.add_argument("command", nargs="+", metavar="-- COMMAND", help="what `autri` is to do, such as: db migrate")
    wait.add_argument("--task", required=True, metavar="ARN")
    return top


def main() -> int:
    arguments = parser().parse_args()
    interrupts = Interrupts()
    task: str | None = None
    try:
        operator = OperatorTask(session(arguments), arguments.endpoint_url, arguments.cluster, arguments.container)
        if arguments.action == "run":
            revision = operator.revision_with(arguments.task_definition, arguments.image)
            with interrupts.held_back():
                task = operator.start(revision, arguments.command, arguments.subnets, arguments.security_groups)
        else:
            task = str(arguments.task)
        return operator.wait(task, arguments.timeout)
    except Interrupted as signal:
        complain(f"FAILED: interrupted by {signal}")
        # Not stopped: a migration that is cut off is worse than one that nobody watches.
        complain(f"the task runs on; {operator.how_to_wait(task)}" if task else "no task was started")
    except (Failed, ClientError, BotoCoreError, ValueError) as error:
        complain(f"FAILED: {explain(error)}")
        if task and not isinstance(error, Failed):
            complain(f"the task may run on; {operator.how_to_wait(task)}")
    return NOT_DONE


if __name__ == "__main__":
    sys.exit(main())
