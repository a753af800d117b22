"""Tokens as Cognito makes them, with our pre-token-generation function in it: which there are, and what they open.

Run against `cargo dev --cognito`. Connectors and people are made anew in each run, and nothing of the demo is changed,
so that the same server can be tested again.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

import checks
from chain import (
    READY,
    SCOPE,
    Code,
    NoToken,
    answers_a_search,
    ask_for_token,
    autri,
    configured,
    initiate_auth,
    invocations,
    log,
    machine_token,
    password_tokens,
    pool,
    refusal,
    sign_in,
    verified,
)  # fmt: skip

# A connector that is none: what a token would carry if it could be talked into it.
FOREIGN = "0197f6a2-8c1e-7000-8000-00000000dead"
LYING = {"connector_id": FOREIGN, "clientId": FOREIGN, "sub": FOREIGN}


@dataclass(frozen=True)
class Demo:
    """The demo library's two connectors, and a person who may use it."""

    url: str = READY["url"]
    connector_id: str = READY["connector_id"]
    client_id: str = READY["client_id"]
    client_secret: str = READY["client_secret"]
    people_url: str = READY["interactive_url"]
    people_connector_id: str = READY["interactive_connector_id"]
    people_client_id: str = READY["interactive_client_id"]
    library_id: str = READY["library_id"]

    def sign_in(self) -> Code:
        return sign_in(self.people_client_id, READY["redirect_uri"], READY["username"], READY["password"])


@dataclass(frozen=True)
class NewPerson:
    """A user of the pool who was made by an administrator, and of whom nothing else is known."""

    email: str
    password: str

    @classmethod
    def make(cls) -> NewPerson:
        person = cls(f"{uuid.uuid4().hex}@people.example", f"Aa1!{uuid.uuid4().hex}")
        attributes = [{"Name": "email", "Value": person.email}, {"Name": "email_verified", "Value": "true"}]
        pool("AdminCreateUser", Username=person.email, UserAttributes=attributes, MessageAction="SUPPRESS")
        pool("AdminSetUserPassword", Username=person.email, Password=person.password, Permanent=True)
        return person

    def access_token(self, **more: Any) -> str:
        return password_tokens(READY["interactive_client_id"], self.email, self.password, **more)["AccessToken"]

    def delete(self) -> None:
        autri("user", "delete", self.email, "--yes")


def new_machine(demo: Demo) -> dict[str, Any]:
    """A second connector for programs, as an operator makes it."""
    return autri(
        "connector", "create", "--machine", "--library", demo.library_id, "--name", "e2e",
        "--public-url", origin(demo.url),
    )  # fmt: skip


def new_client() -> dict[str, Any]:
    """An app client for programs that no connector belongs to."""
    return pool(
        "CreateUserPoolClient",
        ClientName="e2e without a connector",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[SCOPE],
    )["UserPoolClient"]


def urls_of(demo: Demo) -> tuple[str, ...]:
    """Everywhere that a token can be sent to."""
    return demo.url, demo.people_url, f"{origin(demo.url)}/mcp"


def origin(url: str) -> str:
    return url.partition("/c/")[0]


def get_nothing(ask: Any, says: str) -> None:
    """Asks, and expects no token; the answer names this error."""
    try:
        ask()
    except NoToken as refused:
        assert says in str(refused), f"refused, but with {refused}"
    else:
        raise AssertionError("got a token")


def get_refused(ask: Any, client_id: str, reason: str) -> None:
    """Asks, and expects that our function refuses the client, and logs why; the emulator's answer does not tell."""
    get_nothing(ask, "HTTP 500")
    lines = [line for line in invocations(READY["pre_token_function"]) if line["client_id"] == client_id]
    assert (lines[-1]["outcome"], lines[-1]["reason"]) == ("refused", reason), f"{lines[-1]}"


def connector_in(token: str) -> str | None:
    return verified(token).get("connector_id")


async def a_program_gets_a_token_however_it_names_itself(demo: Demo) -> None:
    in_the_form = {
        "grant_type": "client_credentials",
        "client_id": demo.client_id,
        "client_secret": demo.client_secret,
        "scope": SCOPE,
    }
    for token in (machine_token(demo.client_id, demo.client_secret), ask_for_token(in_the_form)["access_token"]):
        claims = verified(token)
        assert claims["connector_id"] == demo.connector_id, f"{claims}"
        assert (claims["client_id"], claims["scope"]) == (demo.client_id, SCOPE), f"{claims}"
        await answers_a_search(demo.url, token)


async def a_person_gets_a_token_by_signing_in_at_the_hosted_page(demo: Demo) -> None:
    token = demo.sign_in().tokens()["access_token"]
    claims = verified(token)
    assert claims["connector_id"] == demo.people_connector_id, f"{claims}"
    assert (claims["client_id"], claims["scope"]) == (demo.people_client_id, SCOPE), f"{claims}"
    await answers_a_search(demo.people_url, token)


async def a_code_is_worth_nothing_without_its_verifier(demo: Demo) -> None:
    code = demo.sign_in()
    get_nothing(lambda: code.tokens(code_verifier="a" * 43), "invalid_grant")
    # It was the verifier that was wrong, and nothing else.
    assert connector_in(code.tokens()["access_token"]) == demo.people_connector_id


async def a_person_gets_a_token_by_password(demo: Demo) -> None:
    token = password_tokens(demo.people_client_id, READY["username"], READY["password"])["AccessToken"]
    claims = verified(token)
    assert claims["connector_id"] == demo.people_connector_id, f"{claims}"
    # Cognito gives such a token the scope of its own API, and no other: COGNITO_ALSO_ACCEPTED_SCOPES has it here.
    assert claims["scope"] == "aws.cognito.signin.user.admin", f"{claims}"
    await answers_a_search(demo.people_url, token)


async def a_refreshed_token_opens_what_the_first_one_did(demo: Demo) -> None:
    refresh_token = demo.sign_in().tokens()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": demo.people_client_id, "refresh_token": refresh_token}
    token = ask_for_token(form)["access_token"]
    assert connector_in(token) == demo.people_connector_id
    await answers_a_search(demo.people_url, token)

    by_password = password_tokens(demo.people_client_id, READY["username"], READY["password"])
    parameters = {"REFRESH_TOKEN": by_password["RefreshToken"]}
    again = initiate_auth(demo.people_client_id, "REFRESH_TOKEN_AUTH", parameters)["AccessToken"]
    assert again != by_password["AccessToken"] and connector_in(again) == demo.people_connector_id
    await answers_a_search(demo.people_url, again)


async def a_wrong_secret_gets_nothing(demo: Demo) -> None:
    for client_id, secret in (
        (demo.client_id, demo.client_secret[:-1]),
        (demo.client_id, ""),
        (demo.people_client_id, demo.client_secret),
    ):
        get_nothing(partial(machine_token, client_id, secret), "invalid_client")
    get_nothing(
        lambda: password_tokens(demo.people_client_id, READY["username"], READY["password"] + "!"),
        "NotAuthorizedException",
    )


async def what_a_caller_says_of_itself_changes_nothing(demo: Demo) -> None:
    metadata = json.dumps(LYING)
    token = machine_token(demo.client_id, demo.client_secret, aws_client_metadata=metadata)
    assert connector_in(token) == demo.connector_id
    token = password_tokens(demo.people_client_id, READY["username"], READY["password"], ClientMetadata=LYING)
    assert connector_in(token["AccessToken"]) == demo.people_connector_id


async def what_a_stranger_says_of_themself_gets_nothing(demo: Demo) -> None:
    stranger = NewPerson.make()
    claimed = {
        "connector_id": demo.people_connector_id,
        "clientId": demo.client_id,
        "sub": verified(checks.TOKEN)["sub"],
    }
    get_nothing(lambda: stranger.access_token(ClientMetadata=claimed), "you do not have access to this library")
    pool("AdminDeleteUser", Username=stranger.email)


async def a_client_without_a_connector_gets_nothing(_: Demo) -> None:
    client = new_client()
    metadata = json.dumps({"connector_id": READY["connector_id"]})
    credentials = (client["ClientId"], client["ClientSecret"])
    get_refused(lambda: machine_token(*credentials, aws_client_metadata=metadata), credentials[0], "unknown_client")
    pool("DeleteUserPoolClient", ClientId=client["ClientId"])


async def an_id_token_opens_nothing(demo: Demo) -> None:
    token = password_tokens(demo.people_client_id, READY["username"], READY["password"])["IdToken"]
    claims = verified(token, use="id")
    assert claims["aud"] == demo.people_client_id and "connector_id" not in claims, f"{claims}"
    assert refusal(demo.people_url, token) == (401, "invalid_token")


async def a_token_opens_no_url_but_its_own(demo: Demo) -> None:
    machine = machine_token(demo.client_id, demo.client_secret)
    person = demo.sign_in().tokens()["access_token"]
    for token, url, other in ((machine, demo.url, demo.people_url), (person, demo.people_url, demo.url)):
        assert refusal(url, token) == (200, "")
        assert refusal(other, token) == (403, "access_denied"), f"{other}"


async def a_token_of_the_web_app_opens_nothing(demo: Demo) -> None:
    code = sign_in(READY["web_client_id"], READY["redirect_uri"], READY["username"], READY["password"], "openid email")
    token = code.tokens()["access_token"]
    claims = verified(token)
    assert claims["client_id"] == READY["web_client_id"] and "connector_id" not in claims, f"{claims}"
    for url in urls_of(demo):
        assert refusal(url, token) == (401, "invalid_token"), url


async def a_token_that_passes_without_a_connector_opens_nothing_whatever_its_scope(demo: Demo) -> None:
    client = new_client()
    function, credentials = READY["pre_token_function"], (client["ClientId"], client["ClientSecret"])
    with configured(function, PASSTHROUGH_CLIENT_IDS=f"{READY['web_client_id']},{credentials[0]}"):
        claims = verified(token := machine_token(*credentials))
    assert claims["scope"] == SCOPE and "connector_id" not in claims, f"{claims}"
    for url in urls_of(demo):
        assert refusal(url, token) == (401, "invalid_token"), url
    get_refused(lambda: machine_token(*credentials), credentials[0], "unknown_client")
    pool("DeleteUserPoolClient", ClientId=credentials[0])


async def a_person_gets_a_token_for_as_long_as_they_may_use_the_library(demo: Demo) -> None:
    person = NewPerson.make()
    no_access = "you do not have access to this library"
    get_nothing(person.access_token, no_access)
    autri("user", "provision", person.email)
    # An account of their own opens nobody else's library.
    get_nothing(person.access_token, no_access)

    autri("library", "grant", person.email, "--library", demo.library_id)
    code = sign_in(demo.people_client_id, READY["redirect_uri"], person.email, person.password)
    tokens = code.tokens()
    assert connector_in(tokens["access_token"]) == demo.people_connector_id
    await answers_a_search(demo.people_url, tokens["access_token"])

    autri("library", "revoke-access", person.email, "--library", demo.library_id)
    get_nothing(person.access_token, no_access)
    refresh = {"grant_type": "refresh_token", "client_id": demo.people_client_id}
    refresh["refresh_token"] = tokens["refresh_token"]
    get_refused(lambda: ask_for_token(refresh), demo.people_client_id, "no_access")
    assert refusal(demo.people_url, tokens["access_token"]) == (401, "invalid_token")
    person.delete()


async def a_new_connector_for_people_takes_a_sign_in(demo: Demo) -> None:
    front_door = "http://127.0.0.1:8766"
    made = autri(
        "connector", "create", "--interactive", "--library", demo.library_id, "--name", "e2e",
        "--public-url", origin(demo.url), "--authorization-server", front_door,
    )  # fmt: skip
    assert "client_secret" not in made, "an app client for people has a secret"
    code = sign_in(made["client_id"], f"{front_door}/oauth/callback", READY["username"], READY["password"])
    tokens = code.tokens()
    assert connector_in(tokens["access_token"]) == made["id"]
    await answers_a_search(made["url"], tokens["access_token"])

    autri("connector", "revoke", made["id"], "--keep-client")
    refresh = {"grant_type": "refresh_token", "client_id": made["client_id"], "refresh_token": tokens["refresh_token"]}
    get_refused(lambda: ask_for_token(refresh), made["client_id"], "revoked")
    assert refusal(made["url"], tokens["access_token"]) == (401, "invalid_token")
    autri("connector", "revoke", made["id"])


async def a_revoked_connector_gets_nothing_and_its_token_is_refused(demo: Demo) -> None:
    made = new_machine(demo)
    credentials = (made["client_id"], made["client_secret"])
    token = machine_token(*credentials)
    assert connector_in(token) == made["id"] != demo.connector_id
    await answers_a_search(made["url"], token)

    # With its app client still there, it is the function that refuses.
    autri("connector", "revoke", made["id"], "--keep-client")
    get_refused(lambda: machine_token(*credentials), credentials[0], "revoked")
    assert refusal(made["url"], token) == (401, "invalid_token")
    assert autri("connector", "revoke", made["id"])["app_client"] == "deleted"
    get_nothing(lambda: machine_token(*credentials), "invalid_client")
    # Nobody else's was.
    assert refusal(demo.url, checks.TOKEN) == (200, "")


async def after_a_rotation_only_the_new_secret_counts(demo: Demo) -> None:
    made = new_machine(demo)
    before = (made["client_id"], made["client_secret"])
    token = machine_token(*before)
    new = autri("connector", "rotate-secret", made["id"])
    after = (new["client_id"], new["client_secret"])
    assert before[1] != after[1]
    get_nothing(lambda: machine_token(*before), "invalid_client")
    # The connector is the same one.
    renewed = machine_token(*after)
    assert connector_in(renewed) == made["id"]
    await answers_a_search(made["url"], renewed)
    # What was made before lasts, unless its client is no more: MiniStack cannot give a client a second secret.
    lasts = (401, "invalid_token") if new["is_new_client"] else (200, "")
    assert refusal(made["url"], token) == lasts
    autri("connector", "revoke", made["id"])


async def the_log_of_the_function_holds_no_address_and_no_secret(demo: Demo) -> None:
    text = "\n".join(log(READY["pre_token_function"]))
    assert demo.client_id in text, "the log is of something else"
    for secret in (READY["username"], READY["password"], demo.client_secret, "@people.example", "eyJ"):
        assert secret not in text, f"{secret} is in the log"


CHECKS = (
    a_program_gets_a_token_however_it_names_itself,
    a_person_gets_a_token_by_signing_in_at_the_hosted_page,
    a_code_is_worth_nothing_without_its_verifier,
    a_person_gets_a_token_by_password,
    a_refreshed_token_opens_what_the_first_one_did,
    a_wrong_secret_gets_nothing,
    what_a_caller_says_of_itself_changes_nothing,
    what_a_stranger_says_of_themself_gets_nothing,
    a_client_without_a_connector_gets_nothing,
    an_id_token_opens_nothing,
    a_token_opens_no_url_but_its_own,
    a_token_of_the_web_app_opens_nothing,
    a_token_that_passes_without_a_connector_opens_nothing_whatever_its_scope,
    a_person_gets_a_token_for_as_long_as_they_may_use_the_library,
    a_new_connector_for_people_takes_a_sign_in,
    a_revoked_connector_gets_nothing_and_its_token_is_refused,
    after_a_rotation_only_the_new_secret_counts,
    the_log_of_the_function_holds_no_address_and_no_secret,
)


async def session() -> checks.Report:
    report = checks.Report()
    for check in CHECKS:
        await report.check(Demo(), check)
    return report


if __name__ == "__main__":
    checks.main(session())
