"""One change of a runtime's configuration: sent, waited for, tried, and taken back if it does not serve."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from arguments import DONE, LOOK, NOT_DONE
from botocore.exceptions import BotoCoreError, ClientError
from interrupts import Interrupted, Interrupts
from output import complain, say, shown
from waiting import comes_true

from .configuration import (
    Json,
    hide_variables,
    image_of,
    is_later,
    settable,
    unlike,
    version_of,
    wrong_about,
)
from .control_plane import ControlPlane, Refused
from .smoke_test import SmokeFailed, SmokeTest
from .web import Unreachable

FAILED = ("CREATE_FAILED", "UPDATE_FAILED")
# However little time the new version was given: to give up going back leaves nobody knows what.
_LEAST_SECONDS_TO_GO_BACK = 600.0
_HOW_TO_LOOK = "Look with 'agent_runtime.py show'"


class NotServing(Exception):
    """The version that was sent does not serve; the text says why."""


class Superseded(Exception):
    """Somebody else is updating the runtime too."""

    @classmethod
    def by(cls, version: str) -> Superseded:
        return cls(f"version {version} was made by somebody else since, and is left alone")


def explain(error: BaseException) -> str:
    """An error as a person should read it."""
    if isinstance(error, Interrupted):
        return f"interrupted by {error}"
    if isinstance(error, SmokeFailed):
        return f"smoke test: {shown(error)}"
    if isinstance(error, Unreachable):
        return f"AgentCore's control plane cannot be reached: {shown(error)}"
    if isinstance(error, Refused) and error.advice:
        return f"{shown(error)} – {error.advice}"
    if isinstance(error, (Refused, NotServing, Superseded, BotoCoreError, ClientError)):
        return shown(error)
    # Of what nobody has thought of, the text alone may be one word.
    return f"{type(error).__name__}: {shown(error)}"


def wait_until_serving(plane: ControlPlane, version: str, stale: Json | None, limit_seconds: float) -> Json:
    """The runtime, once this version is READY and calls reach it. `NotServing` or `Superseded` otherwise.

    `stale` is what was read before the update: it may be read once more."""
    found: Json = {}

    def is_ready() -> bool:
        nonlocal found
        found = plane.runtime()
        if is_later(version_of(found), version):
            raise Superseded.by(version_of(found))
        if found == stale:
            return False
        if found.get("status") in FAILED:
            raise NotServing(f"version {version} is {found['status']}: {reason_of(found)}")
        return found.get("status") == "READY" and version_of(found) == version

    if not comes_true(is_ready, limit_seconds):
        raise NotServing(
            f"version {version} is not READY after {limit_seconds:g} s, but {shown(found.get('status'), 40)}"
        )

    def is_reached() -> bool:
        endpoint = plane.default_endpoint()
        if is_later(str(endpoint.get("liveVersion")), version):
            raise Superseded.by(endpoint["liveVersion"])
        if endpoint.get("status") in FAILED:
            raise NotServing(f"the endpoint DEFAULT is {endpoint['status']}: {reason_of(endpoint)}")
        return endpoint.get("status") == "READY" and endpoint.get("liveVersion") in (version, None)

    if not comes_true(is_reached, limit_seconds):
        raise NotServing(f"the endpoint DEFAULT has not come to version {version} after {limit_seconds:g} s")
    return found


def reason_of(failed: Json) -> str:
    return shown(failed.get("failureReason") or "no reason was given")


@dataclass(frozen=True)
class Good:
    """A version that served, to go back to."""

    version: str
    configuration: Json


def what_serves(plane: ControlPlane, runtime: Json) -> Good | None:
    """After a failed update it is not the latest version; after a failed creation there is none."""
    if runtime["status"] == "READY":
        return Good(version_of(runtime), settable(runtime))
    complain(f"the last update failed: {reason_of(runtime)}")
    live = plane.default_endpoint().get("liveVersion")
    if live is None or str(live) == version_of(runtime):
        return None
    served = plane.runtime(str(live))
    hide_variables(served)
    return Good(str(live), settable(served))


@dataclass
class Deployment:
    """From `before`, as it was read, to `wanted`; back to `good` if need be."""

    plane: ControlPlane
    interrupts: Interrupts
    before: Json
    wanted: Json
    good: Good | None
    # `None`: be content with READY.
    smoke: SmokeTest | None
    limit_seconds: float
    # Ours, once the service has taken the update.
    version: str | None = None

    def run(self) -> int:
        """The exit status; what became of it has been said."""
        try:
            self._send()
            self._try()
            self.interrupts.ignore()
        except Superseded as error:
            complain(f"FAILED: {error}. {_HOW_TO_LOOK}")
            return LOOK
        # Whatever it is: what has not been seen to work does not stay.
        except (Exception, Interrupted) as cause:
            self.interrupts.ignore()
            complain(f"FAILED: {explain(cause)}")
            if self.version is None and isinstance(cause, Refused) and cause.changed_nothing:
                complain(f"nothing was changed: the runtime is at version {version_of(self.before)} as before")
                return NOT_DONE
            return self._roll_back(tried_in_vain=isinstance(cause, SmokeFailed))
        say(f"done: version {self.version} serves {shown(image_of(self.wanted))}")
        return DONE

    def _send(self) -> None:
        with self.interrupts.held_back():
            self.version = version_of(self.plane.update(self.wanted))
            say(f"sent: version {self.version} with {shown(image_of(self.wanted))}")
        # Versions are counted one by one, and the service has no update on condition.
        before = version_of(self.before)
        if before.isdecimal() and is_later(self.version, str(int(before) + 1)):
            raise Superseded(f"somebody else's update came after version {before} and is replaced by {self.version}")

    def _try(self) -> None:
        found = wait_until_serving(self.plane, str(self.version), self.before, self.limit_seconds)
        if wrong := wrong_about(found):
            raise NotServing("; ".join(wrong))
        if image_of(found) != image_of(self.wanted):
            raise NotServing(f"it runs {shown(image_of(found))}")
        # No reason to go back: what was lost would be lost again, and it may be something that changes by itself.
        if lost := unlike(self.wanted, found):
            before = version_of(self.before)
            complain(f"WARNING: not as it was sent; compare with version {before}: {shown(', '.join(sorted(lost)))}")
        say(f"version {self.version} is READY, and the endpoint DEFAULT has come to it")
        if self.smoke is None:
            say("no smoke test, as you asked")
        else:
            self.smoke.run()

    def _roll_back(self, *, tried_in_vain: bool) -> int:
        try:
            return self._put_back(tried_in_vain=tried_in_vain)
        except Superseded as error:
            complain(f"not rolled back: {error}. {_HOW_TO_LOOK}")
        # Nothing interrupts any more, and nothing else may be taken for "not done".
        except Exception as error:
            complain(f"ROLLBACK FAILED: {explain(error)}")
            complain(f"what serves now is not known. {_HOW_TO_LOOK}. By hand: {self._by_hand()}")
        return LOOK

    def _put_back(self, *, tried_in_vain: bool) -> int:
        current = self.plane.runtime()
        # Only if the update's fate is unknown: after an update that was taken, the same answer is merely a stale read.
        if self.version is None and current == self.before:
            complain(f"nothing was changed: the runtime is at version {version_of(current)} as before")
            return NOT_DONE
        if not self._is_ours(current):
            raise Superseded.by(version_of(current))
        if self.good is None:
            complain("there is nothing to go back to: no version has served. Update again, with an image that does")
            return LOOK
        # Said first: a cancelled workflow is killed ten seconds later.
        complain(f"going back to version {self.good.version}. Should this not come to its end: {self._by_hand()}")
        version = self._send_back(self.good, current)
        wait_until_serving(self.plane, version, current, self._limit_back)
        image = shown(image_of(self.good.configuration))
        complain(f"rolled back: version {version} serves {image}, configured as version {self.good.version}")
        if tried_in_vain and self.smoke is not None:
            _judge(self.smoke)
        return NOT_DONE

    def _is_ours(self, current: Json) -> bool:
        # Somebody else's may still come between this look and what is sent next: no update can be made conditional.
        if self.version is None:
            return image_of(current) == image_of(self.wanted)
        return version_of(current) in (self.version, version_of(self.before))

    def _send_back(self, good: Good, current: Json) -> str:
        """The version that the configuration becomes."""
        version = ""

        def is_taken() -> bool:
            nonlocal version
            try:
                version = version_of(self.plane.update(good.configuration))
            except Refused as refused:
                # It takes no update while one is going on.
                if refused.code != "ConflictException":
                    raise
                latest = version_of(self.plane.runtime())
                if is_later(latest, self.version or version_of(current)):
                    raise Superseded.by(latest) from refused
                return False
            return True

        if not comes_true(is_taken, self._limit_back):
            raise NotServing(f"the service was still busy with an update after {self._limit_back:g} s")
        return version

    @property
    def _limit_back(self) -> float:
        return max(self.limit_seconds, _LEAST_SECONDS_TO_GO_BACK)

    def _by_hand(self) -> str:
        if self.good is None:
            return "update again, with an image that serves"
        command = ["python", "deploy/agent_runtime.py", "restore", "--runtime-id", self.plane.runtime_id]
        command += ["--version", self.good.version, "--region", self.plane.region, "--no-smoke-test"]
        return shlex.join(command)


def _judge(smoke: SmokeTest) -> None:
    """Whether the image is at fault: it may be the client's secret, the user pool, the front door or the database."""
    try:
        smoke.run()
    # Whatever it is, the version before serves again, and that has been said.
    except Exception as error:
        complain(f"the smoke test fails with the version before too, so look beyond the image: {shown(error)}")
    else:
        complain("the smoke test passes with the version before, so look at the image")
