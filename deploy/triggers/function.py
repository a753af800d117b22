"""A function at AWS Lambda, as far as a deployment has to do with it: its settings, its alias, versions and answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError
from output import shown
from waiting import comes_true

from .package import LambdaZip

Json = dict[str, Any]

RUNTIME = "provided.al2023"
LATEST = "$LATEST"
# How long a version may take to be ready, and an alias to be seen everywhere to have moved.
PATIENCE_SECONDS = 180.0
# Members about the code or the version, and AWS's book-keeping. Every other one, known or not, is a setting.
# https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
_NOT_SETTINGS = {
    "CodeSha256", "CodeSize", "ConfigSha256", "FunctionArn", "LastModified", "LastUpdateStatus",
    "LastUpdateStatusReason", "LastUpdateStatusReasonCode", "MasterArn", "RevisionId", "RuntimeVersionConfig",
    "SigningJobArn", "SigningProfileVersionArn", "State", "StateReason", "StateReasonCode", "Version",
}  # fmt: skip


class Unfit(Exception):
    """Nothing can be deployed as things stand; the text says what to do about it."""


class Superseded(Exception):
    """Somebody else has changed the alias, or the code, since it was looked at."""


@dataclass(frozen=True)
class Alias:
    """Where an alias points."""

    version: str
    description: str
    # Of this state: a change that names it fails if there was another one since.
    revision_id: str


@dataclass(frozen=True)
class Answer:
    """What came of an invocation."""

    payload: Any
    # None if the function answered; otherwise what it, or Lambda, calls the error.
    error_type: str | None
    executed_version: str | None


def settings(configuration: Json) -> Json:
    """The part of a configuration that a deployment leaves as it is."""
    return {name: value for name, value in configuration.items() if name not in _NOT_SETTINGS}


def unlike(one: Json, other: Json) -> list[str]:
    """The names of what differs. The values may be secrets."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


class LambdaFunction:
    """A function, and the alias of it that is invoked by those who use it."""

    def __init__(self, session: boto3.Session, endpoint_url: str | None, name: str, alias: str) -> None:
        config = Config(read_timeout=60, retries={"mode": "standard"})
        self._client: Any = session.client("lambda", endpoint_url=endpoint_url, config=config)
        self.name = name
        self.alias_name = alias

    @property
    def region(self) -> str:
        return str(self._client.meta.region_name)

    @property
    def endpoint_url(self) -> str:
        return str(self._client.meta.endpoint_url)

    # -- What there is

    def latest(self) -> Json:
        """The configuration that the next version will have, once no change of it is under way."""
        try:
            self._client.get_waiter("function_updated_v2").wait(FunctionName=self.name)
        except WaiterError as error:
            raise Unfit(f"the function's last update did not end well: {shown(error)}") from error
        return self.configuration(LATEST)

    def configuration(self, version: str) -> Json:
        """A version's configuration, as it is."""
        try:
            found = self._client.get_function_configuration(FunctionName=self.name, Qualifier=version)
        except self._client.exceptions.ResourceNotFoundException as error:
            published = ", ".join(self.published()[-10:])
            raise Unfit(f"the function {self.name} has no version {version}; the latest are {published}") from error
        if "Error" in found.get("Environment", {}):
            raise Unfit("the function's environment cannot be read: it takes kms:Decrypt on the function's key")
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    def alias(self) -> Alias:
        try:
            found = self._client.get_alias(FunctionName=self.name, Name=self.alias_name)
        except self._client.exceptions.ResourceNotFoundException as error:
            raise Unfit(
                f"there is no function {self.name} with an alias {self.alias_name} in {self.region}: the "
                f"infrastructure makes both, and has the user pool invoke the alias; deploy that first"
            ) from error
        if weights := (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
            raise Unfit(
                f"the alias {self.alias_name} sends a part of its traffic to {', '.join(sorted(weights))}: "
                f"end that first (aws lambda update-alias --routing-config AdditionalVersionWeights={{}})"
            )
        if found["FunctionVersion"] == LATEST:
            raise Unfit(
                f"the alias {self.alias_name} points to {LATEST}, which changes under it and cannot be gone back to: "
                f"point it to a published version"
            )
        return Alias(found["FunctionVersion"], found.get("Description") or "", found["RevisionId"])

    def active(self, version: str) -> Json:
        """A version's configuration, once the version can be invoked."""
        if self.configuration(version)["State"] == "Inactive":
            # Nobody has for weeks: an invocation fails, and has Lambda make it ready again.
            # https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
            self._wake(version)
        limits = {"Delay": 1, "MaxAttempts": int(PATIENCE_SECONDS)}
        try:
            waiter = self._client.get_waiter("published_version_active")
            waiter.wait(FunctionName=self.name, Qualifier=version, WaiterConfig=limits)
        except WaiterError as error:
            raise Unfit(f"version {version} does not become active: {shown(error)}") from error
        return self.configuration(version)

    def published(self) -> list[str]:
        """The numbers of the published versions, oldest first."""
        pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=self.name)
        numbers = [found["Version"] for page in pages for found in page["Versions"] if found["Version"] != LATEST]
        return sorted(numbers, key=int)

    def require_fit_for(self, package: LambdaZip, latest: Json) -> None:
        """`Unfit` if the function could not run this zip."""
        has = {
            "PackageType": latest.get("PackageType", "Zip"),
            "Runtime": latest.get("Runtime"),
            "Architectures": latest.get("Architectures") or ["x86_64"],
        }
        needs = {"PackageType": "Zip", "Runtime": RUNTIME, "Architectures": [package.architecture]}
        if wrong := [f"{name} is {shown(has[name])}, and has to be {needs[name]}" for name in unlike(has, needs)]:
            raise Unfit(
                f"the function cannot run {package.path}: {'; '.join(wrong)}. "
                f"Build for what it is (deploy/build-lambdas --arch …), or change it in the infrastructure"
            )

    # -- What is done with it

    def invoke(self, qualifier: str, event: Json) -> Answer:
        """Has a version, or what an alias points to, handle an event, as Cognito would."""
        reply = self._client.invoke(FunctionName=self.name, Qualifier=qualifier, Payload=json.dumps(event).encode())
        content = reply["Payload"].read()
        try:
            payload = json.loads(content)
        except ValueError:
            payload = None
        error_type: str | None = None
        if "FunctionError" in reply:
            error_type = str(payload.get("errorType", "?")) if isinstance(payload, dict) else "?"
        return Answer(payload, error_type, reply.get("ExecutedVersion"))

    def point_alias(self, seen: Alias, version: str, description: str) -> Alias:
        """Has the alias point to another version, unless it is not any more as it was `seen`."""
        try:
            found = self._client.update_alias(
                FunctionName=self.name,
                Name=self.alias_name,
                FunctionVersion=version,
                Description=description,
                RevisionId=seen.revision_id,
            )
        except self._client.exceptions.PreconditionFailedException as error:
            # Our own first attempt may have come through, and its answer not.
            now = self.alias()
            if (now.version, now.description) == (version, description):
                return now
            raise Superseded(
                f"somebody else has changed the alias {self.alias_name}: it points to version {now.version}"
            ) from error
        return Alias(found["FunctionVersion"], found.get("Description") or "", found["RevisionId"])

    def alias_arrives(self, version: str, event: Json) -> bool:
        """Whether invocations through the alias come to `version`, in time."""
        return comes_true(lambda: self.invoke(self.alias_name, event).executed_version == version, PATIENCE_SECONDS)

    def _wake(self, version: str) -> None:
        try:
            self.invoke(version, {})
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceConflictException", "ResourceNotReadyException"):
                raise
