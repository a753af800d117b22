"""Asking until something has come true."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0


def comes_true(question: Callable[[], bool], limit_seconds: float) -> bool:
    """Whether the answer was yes in time. It is asked at least once, and at ever longer intervals."""
    deadline = time.monotonic() + limit_seconds
    pause = _FIRST_PAUSE_SECONDS
    while not question():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    return True
