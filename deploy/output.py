"""What the deployment scripts print: lines that are ours from their first word on, whatever a service answered.

A workflow's log is read by many and kept, and GitHub's runner obeys certain lines in it: `::command::` at a line's
start (https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands), and the older `##[command]`
anywhere. So what comes from elsewhere goes through `shown`, which makes one line of it and cuts out every value that
was given to `hide`.
"""

from __future__ import annotations

import io
import sys

# What to do when a right is missing.
LOOK_AT_RIGHTS = "look at the credentials and at what the role may do (docs/deploy.md has the list)"
# When one is: told by name, because the HTTP status is another one from service to service.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html
WITHOUT_RIGHTS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "NotAuthorized",
        "UnrecognizedClientException",
    }
)

# A variable's value such as "1" or "true" is no secret, and cutting it out would make every line unreadable.
_SHORTEST_SECRET = 8
_hidden: set[str] = set()

# A runner without a UTF-8 locale shall print an escape, not end with an error half-way.
for _stream in (sys.stdout, sys.stderr):
    if isinstance(_stream, io.TextIOWrapper):
        _stream.reconfigure(errors="backslashreplace")


def hide(*values: str) -> None:
    """Has `shown` cut these values out from now on."""
    _hidden.update(value for value in values if len(value) >= _SHORTEST_SECRET)


def shown(text: object, limit: int = 600) -> str:
    """What somebody else says, fit to be printed behind words of ours."""
    line = str(text)
    # The longest first: one may be a part of another.
    for secret in sorted(_hidden, key=len, reverse=True):
        line = line.replace(secret, "***")
    line = "".join(character if character.isprintable() else " " for character in line).replace("##[", "# #[")
    return line if len(line) <= limit else f"{line[:limit]}…"


def say(line: str) -> None:
    """A step that was done."""
    print(line, flush=True)


def complain(line: str) -> None:
    """A step that was not, and what to do about it."""
    print(line, file=sys.stderr, flush=True)
