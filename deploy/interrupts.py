"""SIGINT and SIGTERM, which is how a workflow is cancelled.

GitHub sends SIGINT to a step's own process (so the step has to `exec` the script), SIGTERM after 7.5 seconds and
SIGKILL after another 2.5: https://docs.github.com/actions/reference/workflow-cancellation-reference
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(BaseException):
    """The signal's name. Not an `Exception`, which botocore would take for a failed connection."""


class Interrupts:
    """Both signals as `Interrupted`, but never in the middle of what must not be cut in two."""

    def __init__(self) -> None:
        self._held = False
        self._waiting: str | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._arrived)

    def _arrived(self, number: int, _frame: object) -> None:
        name = signal.Signals(number).name
        if not self._held:
            raise Interrupted(name)
        self._waiting = name

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """What arrives meanwhile is raised at the end, unless something else is."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._waiting is not None:
            raise Interrupted(self._waiting)

    def ignore(self) -> None:
        """From now on nothing interrupts: it is done, or being undone."""
        self._held = True
