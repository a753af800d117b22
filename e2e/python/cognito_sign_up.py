"""Sign-ups, with our post-confirmation function behind them: an account for whoever is invited, no user of others.

Run against `cargo dev --cognito`. cognito-local fires the trigger and hides its error, which the real Cognito shows to
whoever signs up; so the function is asked itself, too. Whoever is made here is deleted again.
"""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import checks
from chain import (
    CONFIRMATION_CODE,
    READY,
    AwsError,
    FunctionError,
    autri,
    autri_status,
    cognito,
    configured,
    failures,
    invocations,
    invoke,
    log,
    restart,
)  # fmt: skip

FUNCTION = READY["post_confirmation_function"]
# The commands' Cognito is the one that people sign up to; everything else is at the other emulator.
SIGN_UP = {
    "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": READY["sign_up_endpoint"],
    "COGNITO_USER_POOL_ID": READY["sign_up_pool_id"],
}
NOT_INVITED = "not invited to beta"
INVITE_CONTACT = "beta@autri.ai"
CONFIRMED = "PostConfirmation_ConfirmSignUp"


def sign_up_pool(operation: str, **arguments: Any) -> dict[str, Any]:
    return cognito(READY["sign_up_endpoint"], operation, **arguments)


def in_pool(operation: str, **arguments: Any) -> dict[str, Any]:
    return sign_up_pool(operation, UserPoolId=READY["sign_up_pool_id"], **arguments)


@dataclass(frozen=True)
class Newcomer:
    """Somebody who has signed up. Their user name is their `sub`, as in every pool where people sign in by address."""

    email: str
    sub: str
    is_verified: bool

    @classmethod
    def sign_up(cls, email: str, is_verified: bool = True) -> Newcomer:
        # Cognito verifies the address by the code that it sends; cognito-local sends none, and is told.
        verified = [{"Name": "email_verified", "Value": "true"}] if is_verified else []
        answer = sign_up_pool(
            "SignUp",
            ClientId=READY["sign_up_client_id"],
            Username=email,
            Password="Passw0rd!",
            UserAttributes=[{"Name": "email", "Value": email}, *verified],
        )
        return cls(email, answer["UserSub"], is_verified)

    def confirm(self) -> None:
        """Enters the code. The trigger has run when this is answered."""
        sign_up_pool(
            "ConfirmSignUp",
            ClientId=READY["sign_up_client_id"],
            Username=self.email,
            ConfirmationCode=CONFIRMATION_CODE,
        )

    def status(self) -> str | None:
        """As the pool has it; none when there is no such user."""
        try:
            return in_pool("AdminGetUser", Username=self.sub)["UserStatus"]
        except AwsError as error:
            assert "UserNotFoundException" in str(error), f"{error}"
            return None

    def event(self, source: str = CONFIRMED, **attributes: str) -> dict[str, Any]:
        """What Cognito tells a trigger of this person."""
        return {
            "version": "1",
            "triggerSource": source,
            "region": READY["region"],
            "userPoolId": READY["sign_up_pool_id"],
            "userName": self.sub,
            "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": READY["sign_up_client_id"]},
            "request": {
                "userAttributes": {
                    "sub": self.sub,
                    "email": self.email,
                    "email_verified": str(self.is_verified).lower(),
                    "cognito:user_status": "CONFIRMED",
                }
                | attributes
            },
            "response": {},
        }

    def records(self) -> list[dict[str, Any]]:
        return [person for person in autri("user", "list") if person["email"] == self.email]

    def welcomes(self) -> list[dict[str, Any]]:
        return [one for one in autri("notification", "list") if one["email"] == self.email]

    def delete(self) -> None:
        autri("user", "delete", self.email, "--yes", **SIGN_UP)


@dataclass(frozen=True)
class Beta:
    """A domain of this run whose people are invited, and another whose people are not."""

    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    @property
    def entry(self) -> str:
        return f"*@{self.run}.example"

    def guest(self) -> str:
        return f"{uuid.uuid4().hex}@{self.run}.example"

    def stranger(self) -> str:
        return f"{uuid.uuid4().hex}@sub.{self.run}.example"


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that nothing listens on; and nothing else can begin to, meanwhile, because it is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def refused(event: dict[str, Any], reason: str) -> str:
    """The function ends with an error, which is an answer like any other; what whoever signs up gets to read."""
    said = _error_of(event)
    line = invocations(FUNCTION)[-1]
    assert (line["outcome"], line["reason"]) == ("refused", reason), f"{line}"
    assert NOT_INVITED in said and INVITE_CONTACT in said, said
    return said


def failed(event: dict[str, Any], stage: str, reason: str) -> str:
    """The function ends with an error that somebody has to look into, and counts it; what it says."""
    said = _error_of(event)
    line = invocations(FUNCTION)[-1]
    assert (line["outcome"], line["reason"]) == ("failed", reason), f"{line}"
    assert failures(FUNCTION)[-1] == (stage, reason), f"{failures(FUNCTION)}"
    return said


def _error_of(event: dict[str, Any]) -> str:
    try:
        answer = invoke(FUNCTION, event)
    except FunctionError as error:
        said = str(error)
        assert event["request"]["userAttributes"]["email"] not in said, said
        return said
    raise AssertionError(f"it was answered: {answer}")


def assert_account(newcomer: Newcomer) -> None:
    """One set of records, and one welcome."""
    (person,) = newcomer.records()
    pool_id, sub = READY["sign_up_pool_id"], newcomer.sub
    assert (person["cognito_sub"], person["user_pool_id"], person["user_name"]) == (sub, pool_id, sub), f"{person}"
    (library,) = autri("library", "list", "--org", person["personal_org_id"])
    assert (library["id"], library["name"]) == (person["personal_library_id"], "Personal"), f"{library}"
    assert len(library["knowledge_base_ids"]) == 1, f"{library}"
    (welcome,) = newcomer.welcomes()
    assert (welcome["type"], welcome["title"]) == ("welcome", "Welcome to Autri"), f"{welcome}"
    assert (welcome["link"], welcome["read_at"]) == ("/help/claude-desktop", None), f"{welcome}"
    assert welcome["body"].strip(), "the welcome says nothing"


def assert_no_records(newcomer: Newcomer) -> None:
    assert (newcomer.records(), newcomer.welcomes()) == ([], []), "there are records"


async def an_invited_address_ends_in_an_account(beta: Beta) -> None:
    guest = Newcomer.sign_up(beta.guest())
    assert_no_records(guest)
    guest.confirm()
    assert guest.status() == "CONFIRMED"
    assert_account(guest)
    guest.delete()
    assert_no_records(guest)
    assert guest.status() is None


async def an_uninvited_address_ends_with_no_user_and_no_records(beta: Beta) -> None:
    stranger = Newcomer.sign_up(beta.stranger())
    assert stranger.status() == "UNCONFIRMED"
    stranger.confirm()
    assert stranger.status() is None
    assert_no_records(stranger)
    # What the real Cognito would have shown; and asked again, as Cognito may, it says the same of a user who is gone.
    refused(stranger.event(), "not_listed")


async def an_invitation_lets_the_next_sign_up_pass(beta: Beta) -> None:
    email = beta.stranger()
    first = Newcomer.sign_up(email)
    first.confirm()
    assert first.status() is None

    assert autri("user", "invite", email)["changed"]
    restart(FUNCTION)
    second = Newcomer.sign_up(email)
    second.confirm()
    assert second.status() == "CONFIRMED"
    assert_account(second)

    # Who has an account keeps it, and a new sign-up does not pass any more.
    assert autri("user", "uninvite", email)["changed"]
    restart(FUNCTION)
    assert_account(second)
    second.delete()
    third = Newcomer.sign_up(email)
    third.confirm()
    assert third.status() is None


async def an_address_that_nobody_has_verified_gets_no_account_and_stays_a_user(beta: Beta) -> None:
    for email, reason in ((beta.guest(), "unverified"), (beta.stranger(), "not_listed_unverified")):
        somebody = Newcomer.sign_up(email, is_verified=False)
        somebody.confirm()
        assert somebody.status() == "CONFIRMED"
        assert_no_records(somebody)
        failed(somebody.event(), "eligibility", reason)
        assert somebody.status() == "CONFIRMED"
        somebody.delete()


async def the_word_of_google_for_an_address_is_taken_and_of_others_is_not(beta: Beta) -> None:
    identities = '[{"userId":"1","providerName":"%s","providerType":"%s","primary":true}]'
    attributes = {"email_verified": "false", "cognito:user_status": "EXTERNAL_PROVIDER"}
    guest = Newcomer.sign_up(beta.guest())
    invoke(FUNCTION, guest.event(**attributes, identities=identities % ("Google", "Google")))
    assert_account(guest)
    guest.delete()
    other = Newcomer.sign_up(beta.guest())
    failed(other.event(**attributes, identities=identities % ("Elsewhere", "OIDC")), "eligibility", "unverified")
    assert_no_records(other)
    other.delete()


async def an_address_that_has_an_account_gets_no_second_one(beta: Beta) -> None:
    guest = Newcomer.sign_up(beta.guest())
    guest.confirm()
    again = Newcomer(guest.email, str(uuid.uuid4()), is_verified=True)
    failed(again.event(), "database", "address_taken")
    assert_account(guest)
    guest.delete()


async def the_same_event_three_times_at_once_makes_one_account(beta: Beta) -> None:
    guest = Newcomer.sign_up(beta.guest())
    answers = await asyncio.gather(*(asyncio.to_thread(invoke, FUNCTION, guest.event()) for _ in range(3)))
    assert all(answer == guest.event() for answer in answers), f"{answers}"
    assert_account(guest)
    guest.delete()


async def only_the_confirmation_of_a_sign_up_does_anything(beta: Beta) -> None:
    for email in (beta.guest(), beta.stranger()):
        somebody = Newcomer.sign_up(email)
        event = somebody.event("PostConfirmation_ConfirmForgotPassword")
        assert invoke(FUNCTION, event) == event
        assert somebody.status() == "UNCONFIRMED"
        assert_no_records(somebody)
        somebody.delete()


async def before_there_is_a_user_the_same_list_decides(beta: Beta) -> None:
    guest, stranger = (Newcomer(email, str(uuid.uuid4()), False) for email in (beta.guest(), beta.stranger()))
    for source in ("PreSignUp_SignUp", "PreSignUp_ExternalProvider"):
        assert invoke(FUNCTION, guest.event(source)) == guest.event(source)
        refused(stranger.event(source), "not_listed")
    # Whom an administrator makes need not be on it.
    event = stranger.event("PreSignUp_AdminCreateUser")
    assert invoke(FUNCTION, event) == event
    assert_no_records(guest)


async def a_list_that_cannot_be_read_deletes_nobody(beta: Beta) -> None:
    guest, stranger = Newcomer.sign_up(beta.guest()), Newcomer.sign_up(beta.stranger())
    with closed_port() as port, configured(FUNCTION, AWS_ENDPOINT_URL_SSM=f"http://127.0.0.1:{port}"):
        for somebody in (guest, stranger):
            somebody.confirm()
            assert NOT_INVITED not in failed(somebody.event(), "allowlist", "unavailable")
            assert somebody.status() == "CONFIRMED"
            assert_no_records(somebody)
    # With the list back, the same events end as they should have.
    invoke(FUNCTION, guest.event())
    assert_account(guest)
    refused(stranger.event(), "not_listed")
    assert stranger.status() is None
    guest.delete()


def reconcile(beta: Beta, *more: str) -> dict[str, str]:
    """What is found of this run's people: the state of each address. Others may have left something to do."""
    status, answer = autri_status("user", "reconcile", "--older-than", "0s", *more, **SIGN_UP)
    assert isinstance(answer, dict), f"{answer}"
    is_done = all(one["state"] == "provisioned" for one in answer["people"])
    assert status == (0 if is_done else 1), f"exit status {status} with {answer}"
    return {one["email"]: one["state"] for one in answer["people"] if one["email"].endswith(f"{beta.run}.example")}


async def what_a_database_that_was_away_has_missed_is_made_up_for(beta: Beta) -> None:
    guest = Newcomer.sign_up(beta.guest())
    with closed_port() as port, configured(FUNCTION, DATABASE_URL=f"postgresql://nobody@127.0.0.1:{port}/nothing"):
        guest.confirm()
        assert NOT_INVITED not in failed(guest.event(), "database", "unavailable")
    assert guest.status() == "CONFIRMED"
    assert_no_records(guest)

    assert (found := reconcile(beta)) == {guest.email: "missing"}, f"{found}"
    assert_no_records(guest)
    assert (found := reconcile(beta, "--apply")) == {guest.email: "provisioned"}, f"{found}"
    assert_account(guest)
    assert (found := reconcile(beta)) == {}, f"{found}"
    guest.delete()


async def the_log_of_the_function_holds_no_address(beta: Beta) -> None:
    text = "\n".join(log(FUNCTION))
    assert READY["sign_up_pool_id"] in text, "the log is of something else"
    assert f"{beta.run}.example" not in text, "an address is in the log"


CHECKS = (
    an_invited_address_ends_in_an_account,
    an_uninvited_address_ends_with_no_user_and_no_records,
    an_invitation_lets_the_next_sign_up_pass,
    an_address_that_nobody_has_verified_gets_no_account_and_stays_a_user,
    the_word_of_google_for_an_address_is_taken_and_of_others_is_not,
    an_address_that_has_an_account_gets_no_second_one,
    the_same_event_three_times_at_once_makes_one_account,
    only_the_confirmation_of_a_sign_up_does_anything,
    before_there_is_a_user_the_same_list_decides,
    a_list_that_cannot_be_read_deletes_nobody,
    what_a_database_that_was_away_has_missed_is_made_up_for,
    the_log_of_the_function_holds_no_address,
)


async def session() -> checks.Report:
    report, beta = checks.Report(), Beta()
    autri("user", "invite", beta.entry)
    restart(FUNCTION)
    try:
        for check in CHECKS:
            await report.check(beta, check)
    finally:
        autri("user", "uninvite", beta.entry)
    return report


if __name__ == "__main__":
    checks.main(session())
