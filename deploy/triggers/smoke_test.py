"""What a trigger is asked before people depend on it: events that change nothing, and whose answers show that it works.

They have the function read its settings and ask, by its role and through its network, what can be asked without a
change: pre-token-generation its database, post-confirmation the allowlist, and not its database. None writes a record
or deletes a user, and each is one line in the function's log.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from output import shown

from .function import Answer, Json, LambdaFunction

# As Cognito does, which counts a function that answers at the third time as one that works; the first may be a cold
# start. https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
ATTEMPTS = 3

Check = tuple[str, Json, Callable[[Json, Answer], bool]]


class SmokeFailed(Exception):
    """The function does not answer as it should; the text says to what, and how it did."""


class SmokeTest:
    """The questions for one of the two programs."""

    def __init__(self, program: str) -> None:
        self.program = program
        self._checks = PROGRAMS[program]

    def any_event(self) -> Json:
        """One to which any answer will do."""
        return self._checks({})[0][1]

    def run(self, function: LambdaFunction, qualifier: str, configuration: Json) -> None:
        """Asks a version, or what an alias points to. `SmokeFailed` unless all answers are the right ones."""
        for what, event, is_right in self._checks(configuration):
            for _ in range(ATTEMPTS):
                answer = function.invoke(qualifier, event)
                if is_right(event, answer):
                    break
            else:
                raise SmokeFailed(f"{qualifier} was asked {ATTEMPTS} times to {what}, and {_described(answer)}")


def _described(answer: Answer) -> str:
    """Not the answer itself: it may repeat what nobody should read in a log."""
    return f"ended with the error {shown(answer.error_type, 60)}" if answer.error_type else "answered something else"


def _event(source: str, version: str, configuration: Json, request: Json, **more: Any) -> Json:
    # A function that is told its user pool takes no event of another.
    variables = (configuration.get("Environment") or {}).get("Variables") or {}
    return {
        "version": version,
        "triggerSource": source,
        "region": "none",
        "userPoolId": variables.get("COGNITO_USER_POOL_ID") or "none_deployment",
        "userName": "deployment",
        "callerContext": {"awsSdkVersion": "none", "clientId": f"deployment-{secrets.token_hex(8)}"},
        "request": request,
        "response": {},
    } | more


def _pre_token_generation(configuration: Json) -> list[Check]:
    """A client that does not exist is refused by name only after the database was asked: if that could not be reached,
    or the secret with the login not be read, the error is another one."""
    event = _event(
        "TokenGeneration_ClientCredentials", "3", configuration, {"userAttributes": {}}, userName="ClientCredentials"
    )
    return [("refuse a client that nobody knows", event, lambda _, answer: answer.error_type == "Refused")]


def _post_confirmation(configuration: Json) -> list[Check]:
    """The database is not asked: there is no event for that which would not make an account."""
    reset = _event("PostConfirmation_ConfirmForgotPassword", "1", configuration, {"userAttributes": {}})
    # Whether this address is listed takes reading the allowlist. Nobody has it (RFC 6761).
    attributes = {"email": f"{secrets.token_hex(8)}@deployment.invalid"}
    sign_up = _event("PreSignUp_SignUp", "1", configuration, {"userAttributes": attributes})
    return [
        ("pass on an event that does not concern it", reset, _is_passed_on),
        (
            "look for an address in the allowlist",
            sign_up,
            lambda event, answer: answer.error_type == "NotInvited" or _is_passed_on(event, answer),
        ),
    ]


def _is_passed_on(event: Json, answer: Answer) -> bool:
    return answer.error_type is None and answer.payload == event


# By the names of their packages, and so of their zips.
PROGRAMS: dict[str, Callable[[Json], list[Check]]] = {
    "pre-token-generation": _pre_token_generation,
    "post-confirmation": _post_confirmation,
}
