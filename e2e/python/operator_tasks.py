"""`deploy/operator_task.py`, which runs `autri db migrate` and the like as a task of ECS."""

from __future__ import annotations

import re
import shlex
import signal
import time
import uuid
from dataclasses import dataclass
from typing import Any

from aws_in_between import Fault, InBetween, Json, Reply
from chain import aws
from deploy_scripts import (
    DATABASE_SECRET,
    DONE,
    EMULATOR,
    NOT_DONE,
    REGION,
    REPOSITORY,
    USAGE,
    Ended,
    Script,
    end_of,
    new_image,
)  # fmt: skip

TAGS = [{"key": "project", "value": "autri"}]
FINISHED = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}


@dataclass(frozen=True)
class Task:
    """A task definition of this run's, and the AWS that it is at."""

    aws: InBetween
    # Of the task definition, the cluster and the log group.
    name: str

    @classmethod
    def make(cls, between: InBetween) -> Task:
        name = f"e2e-{uuid.uuid4().hex}"
        between.forget()
        ecs("CreateCluster", clusterName=name)
        ecs("RegisterTaskDefinition", family=name, **task_definition(log_group=name), tags=TAGS)
        logs("CreateLogGroup", logGroupName=name)
        between.leftovers += [
            lambda: ecs("DeleteCluster", cluster=name),
            lambda: ecs("DeregisterTaskDefinition", taskDefinition=f"{name}:1"),
            lambda: logs("DeleteLogGroup", logGroupName=name),
        ]
        return cls(between, name)

    def arguments(self, image: str, container: str = "autri") -> list[str]:
        return [
            "operator_task.py", "run", "--cluster", self.name, "--task-definition", self.name,
            "--container", container, "--image", image, "--subnets", "subnet-1, subnet-2", "--security-groups", "sg-1",
        ]  # fmt: skip

    def run(self, image: str, *, writes: str | None = None, **end: Any) -> Ended:
        """Runs `autri db migrate`, whose task ends like this, having written that."""
        self.aws.task_end = end
        if writes is not None:
            self.aws.afterwards.append(("RunTask", lambda _, reply: self.write(reply, writes)))
        return Script(self.aws.url).run(*self.arguments(image), "--", "db", "migrate", "--dry-run")

    def latest(self) -> Json:
        return ecs("DescribeTaskDefinition", taskDefinition=self.name, include=["TAGS"])

    def write(self, started: Reply, text: str) -> None:
        """Puts a line into the log of the task that was started."""
        task = started.json()["tasks"][0]["taskArn"].rpartition("/")[2]
        place = {"logGroupName": self.name, "logStreamName": f"db/autri/{task}"}
        logs("CreateLogStream", **place)
        logs("PutLogEvents", **place, logEvents=[{"timestamp": int(time.time() * 1000), "message": text}])


def task_definition(log_group: str) -> Json:
    log = {"awslogs-group": log_group, "awslogs-region": REGION, "awslogs-stream-prefix": "db"}
    return {
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "executionRoleArn": "arn:aws:iam::111122223333:role/execution",
        "taskRoleArn": "arn:aws:iam::111122223333:role/operator",
        "volumes": [{"name": "scratch"}],
        "containerDefinitions": [
            {
                "name": "autri",
                "image": f"{REPOSITORY}@sha256:{'0' * 64}",
                "essential": True,
                "readonlyRootFilesystem": True,
                "environment": [{"name": "DATABASE_URL", "value": DATABASE_SECRET}],
                "logConfiguration": {"logDriver": "awslogs", "options": log},
            },
            {"name": "beside", "image": "public.ecr.aws/x/beside:1", "essential": False},
        ],
    }


def ecs(operation: str, **arguments: Any) -> Json:
    return aws(EMULATOR, f"AmazonEC2ContainerServiceV20141113.{operation}", **arguments)


def logs(operation: str, **arguments: Any) -> Json:
    return aws(EMULATOR, f"Logs_20140328.{operation}", **arguments)


async def a_command_runs_with_the_image_and_nothing_else_is_changed(between: InBetween) -> None:
    task, image = Task.make(between), new_image()
    before = task.latest()
    written = "applied 2 migrations\n::set-env name=PATH::/"
    ended = task.run(image, writes=written, **FINISHED, container={"exitCode": 0})
    ended.check(DONE, "registered", "started", "is PROVISIONING", "is STOPPED", "  | applied 2 migrations")
    after = task.latest()
    assert after["taskDefinition"]["revision"] == 2 and after["tags"] == TAGS, f"{after}"
    for definition in (before, after):
        for name in ("revision", "taskDefinitionArn", "registeredAt"):
            definition["taskDefinition"].pop(name)
    before["taskDefinition"]["containerDefinitions"][0]["image"] = image
    assert before == after, f"{after}"
    (started,) = [request.json() for request in between.asked_for("RunTask")]
    assert started["launchType"] == "FARGATE" and started["count"] == 1, f"{started}"
    assert started["overrides"] == {
        "containerOverrides": [{"name": "autri", "command": ["db", "migrate", "--dry-run"]}]
    }, f"{started}"
    assert started["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED",
    }, f"{started}"  # fmt: skip

    task.run(image, writes="nothing to do", **FINISHED, container={"exitCode": 0}).check(DONE, "has the image already")
    assert len(between.asked_for("RegisterTaskDefinition")) == 1


async def a_command_that_fails_fails_the_script(between: InBetween) -> None:
    task, image = Task.make(between), new_image()
    ended = task.run(image, writes="migration 7: syntax error", **FINISHED, container={"exitCode": 7})
    ended.check(7, "ended with exit status 7", "  | migration 7: syntax error")
    stopped = {"stopCode": "UserInitiated", "stoppedReason": "Task stopped by user"}
    ended = task.run(image, writes="x", **stopped, container={"exitCode": 0})
    ended.check(NOT_DONE, "the task was stopped before its command was done", "Task stopped by user")


async def a_command_that_never_ran_fails_the_script(between: InBetween) -> None:
    task, image = Task.make(between), new_image()
    advice = "look at what the task definition's execution role may do"
    for reason, advised in (
        ("CannotPullContainerError: no such image", True),
        ("ResourceInitializationError: unable to pull secrets or registry auth", True),
        ("Timeout waiting for network interface provisioning to complete.", False),
    ):
        ended = task.run(image, writes="x", stopCode="TaskFailedToStart", stoppedReason=reason, container={})
        ended.check(NOT_DONE, "no exit status", reason)
        assert (advice in ended.text) == advised, ended.text
    failures = {"tasks": [], "failures": [{"reason": "RESOURCE:FARGATE", "detail": "no capacity"}]}
    between.faults.append(Fault("RunTask", Reply.of(failures)))
    task.run(image).check(NOT_DONE, "no task was started: RESOURCE:FARGATE no capacity")
    denied = Reply.of({"__type": "AccessDeniedException", "message": "not yours"}, 400)
    between.faults.append(Fault("RegisterTaskDefinition", denied))
    task.run(new_image()).check(NOT_DONE, "AccessDeniedException", "not yours", "what the role may do")
    between.forget()
    script = Script(between.url)
    script.run(*task.arguments(image, container="nobody"), "--", "x").check(NOT_DONE, "has no container 'nobody'")
    script.run(*task.arguments(f"{REPOSITORY}:latest"), "--", "x").check(USAGE, "has no digest")
    assert not between.asked_for("RunTask")


async def a_log_that_cannot_be_read_is_no_failure(between: InBetween) -> None:
    task, image = Task.make(between), new_image()
    denied = Reply.of({"__type": "AccessDeniedException", "message": "not yours"}, 400)

    def deny(operation: str) -> None:
        between.faults.append(Fault(operation, denied))

    # Once the task has stopped: before, its definition is read too.
    for operation in ("DescribeTaskDefinition", "GetLogEvents"):
        between.afterwards.append(("RunTask", lambda *_, operation=operation: deny(operation)))
        ended = task.run(image, **FINISHED, container={"exitCode": 0})
        ended.check(DONE, "the log could not be read", "not yours", "what the role may do")


async def a_command_that_is_not_waited_for_runs_on(between: InBetween) -> None:
    task, image = Task.make(between), new_image()
    between.task_end = {}
    script = Script(between.url)
    process = script.start(*task.arguments(image), "--", "db", "migrate")
    between.afterwards.append(("DescribeTasks", lambda *_: process.send_signal(signal.SIGTERM)))
    ended = end_of(process).check(NOT_DONE, "interrupted by SIGTERM", "the task runs on; wait for it with: ")
    late = script.run(*task.arguments(image), "--timeout", "0.1", "--", "db", "migrate")
    late.check(NOT_DONE, "has not stopped after 0.1 s", "wait for it with: ")
    assert not between.asked_for("StopTask")

    between.task_end = FINISHED | {"container": {"exitCode": 3}}
    (line,) = re.findall(r"wait for it with: python deploy/(.*)$", ended.text, re.MULTILINE)
    arguments = shlex.split(line)
    started = Reply.of({"tasks": [{"taskArn": arguments[-1]}]})
    between.afterwards.append(("DescribeTasks", lambda *_: task.write(started, "done late")))
    script.run(*arguments).check(3, "  | done late")
    assert len(between.asked_for("RunTask")) == 2, "waiting started a task"
    script.run(*arguments[:-1], f"{arguments[-1][:-4]}gone", "--timeout", "1").check(NOT_DONE, "is not in the cluster")


CHECKS = (
    a_command_runs_with_the_image_and_nothing_else_is_changed,
    a_command_that_fails_fails_the_script,
    a_command_that_never_ran_fails_the_script,
    a_log_that_cannot_be_read_is_no_failure,
    a_command_that_is_not_waited_for_runs_on,
)
