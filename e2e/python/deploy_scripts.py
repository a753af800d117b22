"""The scripts in `deploy/` as processes, with an AWS of their own: MiniStack, with `aws_in_between.py` before it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import checks
from aws_in_between import ACCESS_KEY_ID, SECRET_ACCESS_KEY, InBetween
from chain import READY

SOURCE = Path(__file__).parents[2]
PYTHON = checks.required("AUTRI_DEPLOY_PYTHON")
EMULATOR, REGION = READY["cognito_endpoint"], READY["region"]
LIMIT = 60
DONE, NOT_DONE, USAGE, LOOK = 0, 1, 2, 3
# Scripts mostly wait, so several are run at a time, each with an AWS of its own.
AT_ONCE = 3
Check = Callable[[InBetween], Coroutine[Any, Any, None]]

REPOSITORY = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/autri"
DATABASE_SECRET = "postgres://autri_app:correct-horse-battery-staple@db.internal/autri"
# Nothing that was ever printed may hold one of these.
SECRETS = (DATABASE_SECRET, "correct-horse", READY["client_secret"], SECRET_ACCESS_KEY, "eyJ")


def new_image() -> str:
    return f"{REPOSITORY}@sha256:{uuid.uuid4().hex}{uuid.uuid4().hex}"


@dataclass(frozen=True)
class Ended:
    """A process, and all that it printed."""

    status: int
    text: str

    def check(self, status: int, *says: str) -> Ended:
        assert self.status == status, f"ended with {self.status}, not {status}: {self.text}"
        for what in says:
            assert what in self.text, f"does not say {what!r}: {self.text}"
        return self


@dataclass
class Script:
    """One of the scripts, as a process with an AWS of its own."""

    aws_url: str = ""
    client_secret: str = READY["client_secret"]
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        settings = {
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AUTRI_SMOKE_CLIENT_SECRET": self.client_secret,
            "NO_PROXY": "127.0.0.1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.Popen(  # noqa: S603 (a script of ours)
            [PYTHON, str(SOURCE / "deploy" / name), *arguments],
            env={name: os.environ[name] for name in ("PATH", "HOME")} | settings | self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=SOURCE,
        )  # fmt: skip

    def run(self, name: str, *arguments: str) -> Ended:
        return end_of(self.start(name, *arguments))


def end_of(process: subprocess.Popen[str]) -> Ended:
    text, _ = process.communicate(timeout=LIMIT)
    for secret in SECRETS:
        assert secret not in text, f"a secret was printed: {text}"
    # GitHub's runner would obey such a line.
    assert not re.search(r"^\s*::|##\[", text, re.MULTILINE), f"a command of somebody else's was printed: {text}"
    return Ended(process.returncode, text)


def all_at_once(cases: Iterable[tuple[Any, ...]], check: Callable[..., None]) -> None:
    """Checks each case with an AWS of its own."""

    def alone(case: tuple[Any, ...]) -> None:
        with closing(in_between()) as between:
            check(between, *case)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(alone, cases):
            pass


def in_between() -> InBetween:
    return InBetween(EMULATOR, READY["url"].partition("/c/")[0])


async def run_at_once(all_checks: tuple[Check, ...]) -> checks.Report:
    report = checks.Report()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = [(check, pool.submit(alone, check)) for check in all_checks]
        for check, ending in started:
            await report.check(ending, waited_for(check))
    return report


def alone(check: Check) -> None:
    with closing(in_between()) as between:
        asyncio.run(check(between))


def waited_for(check: Check) -> Callable[[Future[None]], Awaitable[None]]:
    """A check that runs already, under its name."""

    @wraps(check)
    async def end(ending: Future[None]) -> None:
        ending.result()

    return end
