"""A trigger's function as the infrastructure would make it, at the emulated Lambda, which is asked directly."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain import READY, send
from trigger_zips import ARCHITECTURE, ENDS, zip_of

ALIAS = "live"
FUNCTIONS = "/2015-03-31/functions"
# Of a function's configuration, what new code changes, and whether Lambda is still at it.
NOT_SETTINGS = {
    "CodeSha256", "CodeSize", "LastModified", "LastUpdateStatus", "RevisionId", "State", "StateReason",
    "StateReasonCode",
}  # fmt: skip


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
        placeholder = zip_of(folder, ENDS[ARCHITECTURE]).read_bytes()
        ask(
            "",
            "POST",
            201,
            FunctionName=function.name,
            Runtime="provided.al2023",
            Handler="bootstrap",
            Architectures=[ARCHITECTURE],
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
