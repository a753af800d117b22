"""The server's image, as `docker/build` made it: what is in it, and whether it serves, confined as in a deployment.

The archive in AUTRI_ARTEFACTS is for arm64, which AgentCore asks for, unless AUTRI_IMAGE_ARCHITECTURE says amd64. The
container serves the library of the `cargo dev --cognito` that runs, from the same database, to the tokens of the same
user pool.

Sizes and times go to `released-image.json` beside the archive, and are printed. Times are not judged: they are this
machine's, and an emulator's where it has another processor.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import ssl
import statistics
import time
import urllib.parse
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import checks
from chain import READY, Reply, answers_a_search, machine_token, send
from client_sdk import SdkClient, connection
from container import Confinement, Container, Engine, engine_for, is_emulated
from oci_image import Entry, Image

ARTEFACTS = Path(checks.required("AUTRI_ARTEFACTS"))
ARCHITECTURE = os.environ.get("AUTRI_IMAGE_ARCHITECTURE") or "arm64"
RDS_ROOTS = Path(__file__).parents[2] / "crates/db/certificates/amazon-rds-roots.pem"

SERVER = "/usr/local/bin/autri-mcp-server"
USER = 65532
# Bytes. What the image may take in a registry, a model not counted; the one before this project's took 197 MB.
MOST_COMPRESSED = 20_000_000
# `e_machine`, two bytes at 18 in an ELF header (elf(5)): EM_X86_64 and EM_AARCH64.
MACHINES = {"amd64": 62, "arm64": 183}
LABELS = (
    "title", "description", "source", "licenses", "revision", "version", "created", "base.name", "base.digest",
)  # fmt: skip
# Where everybody may write on any Debian (package base-files), and nobody may touch what is another's.
TEMPORARY = ("tmp", "var/tmp", "var/lock", "run/lock")
PUBLIC_URL = "https://mcp.example.com"
# As Bedrock AgentCore names a session: 33 characters at least.
SESSION = "3f0c2b7a-5f0e-4c39-9d5e-released-image"
QUESTION = checks.EXPECTED["questions"][0]
# The server's own limit for finishing what is under way is 25 s.
DRAIN_LIMIT = 25
STARTS = 5


# -- What is in it


async def it_is_for_the_processor_that_its_name_says(image: Image) -> None:
    assert (image.config["os"], image.config["architecture"]) == ("linux", ARCHITECTURE), f"{image.config}"
    program = image.tree.read(SERVER)
    assert program[:4] == b"\x7fELF" and int.from_bytes(program[18:20], "little") == MACHINES[ARCHITECTURE], (
        f"the server begins with {program[:20].hex(' ')}"
    )


async def it_starts_the_server_and_no_shell_around_it(image: Image) -> None:
    assert image.settings.get("Entrypoint") == [SERVER], f"{image.settings.get('Entrypoint')}"
    assert not image.settings.get("Cmd"), f"arguments: {image.settings['Cmd']}"
    assert "8000/tcp" in image.settings.get("ExposedPorts", {}), f"{image.settings}"


async def its_user_is_nobody_in_particular(image: Image) -> None:
    assert image.settings.get("User") == f"{USER}:{USER}", f"{image.settings.get('User')!r}"


async def its_labels_say_what_it_is(image: Image) -> None:
    prefix = "org.opencontainers.image."
    labels = image.settings.get("Labels") or {}
    wanted = set(LABELS)
    # A base that this machine put together is in no registry, where a digest would find it.
    if labels.get(f"{prefix}base.name", "").endswith("docker/base"):
        wanted.remove("base.digest")
    missing = sorted(name for name in wanted if not labels.get(prefix + name))
    assert not missing, f"without {missing}: {labels}"


async def it_is_small(image: Image) -> None:
    counted = image.compressed - compressed_model(image)
    assert counted < MOST_COMPRESSED, f"{counted} bytes compressed, of {image.compressed} with the model"


async def the_server_is_its_only_program(image: Image) -> None:
    # So no shell, no package manager and no interpreter, whatever its name. A script without one cannot run.
    programs = [entry.path for entry in image.tree.files() if is_program(entry)]
    assert programs == [SERVER[1:]], f"{programs}"


async def nothing_in_it_gives_rights_away(image: Image) -> None:
    privileged = [str(entry) for entry in image.tree.files() if entry.mode & 0o6000 or entry.has_capabilities]
    assert not privileged, f"setuid, setgid or with capabilities: {privileged}"
    # A link's own mode means nothing.
    writable = [entry for entry in image.tree if not entry.is_link and entry.mode & 0o002]
    wrong = [str(entry) for entry in writable if entry.path not in TEMPORARY or entry.mode & 0o7777 != 0o1777]
    assert not wrong, f"writable by everybody: {wrong}"


async def what_it_runs_and_trusts_is_not_its_users_to_change(image: Image) -> None:
    folders = {"etc", "lib", "opt", "usr"}
    theirs = [str(entry) for entry in image.tree if entry.path.split("/")[0] in folders and may_change(entry)]
    assert not theirs, f"{theirs}"


async def it_trusts_the_public_certificate_authorities(image: Image) -> None:
    path = image.environment.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=image.tree.read(path).decode())
    # Mozilla's list has about 140.
    assert (found := context.cert_store_stats()["x509_ca"]) > 100, f"{found} certificate authorities in {path}"


async def it_has_the_roots_of_amazon_rds(image: Image) -> None:
    assert image.tree.read("/etc/autri/amazon-rds-roots.pem") == RDS_ROOTS.read_bytes(), f"differs from {RDS_ROOTS}"


async def it_holds_no_secret(image: Image) -> None:
    secret = re.compile(r"secret|password|passwd|token|credential|api_?key|audit_key|database_url", re.IGNORECASE)
    named = [name for name in image.environment if secret.search(name)]
    assert not named, f"variables with {named}"
    # Everybody who can pull it reads what it was built with.
    told = json.dumps([image.settings, image.config.get("history")])
    shaped = re.findall(r"postgres(?:ql)?://|AKIA[0-9A-Z]{16}|PRIVATE KEY-----|Bearer ey|aws_secret\w*", told)
    assert not shaped, f"what looks like a secret: {shaped}"


async def it_knows_no_development_tokens(image: Image) -> None:
    # Strings that only the code for them has. (`hs256-dev` is in the description of a setting as well.)
    program = image.tree.read(SERVER)
    found = [it for it in (b"AUTRI_DEV_JWT_SECRET", b"http://localhost/autri-dev") if it in program]
    assert not found, f"the server was built with the feature dev-auth: {found}"
    # The program has what it needs to be told from one that was compressed or is another.
    assert b"AGENTCORE_AUTH" in program, "this is not the server"


async def its_c_library_is_new_enough_for_the_server(image: Image) -> None:
    needed, given = glibc_versions(image)
    assert needed <= given, f"the server needs glibc {needed}, the image has {given}"


CONTENTS = (
    it_is_for_the_processor_that_its_name_says,
    it_starts_the_server_and_no_shell_around_it,
    its_user_is_nobody_in_particular,
    its_labels_say_what_it_is,
    it_is_small,
    the_server_is_its_only_program,
    nothing_in_it_gives_rights_away,
    what_it_runs_and_trusts_is_not_its_users_to_change,
    it_trusts_the_public_certificate_authorities,
    it_has_the_roots_of_amazon_rds,
    it_holds_no_secret,
    it_knows_no_development_tokens,
    its_c_library_is_new_enough_for_the_server,
)


def model_files(image: Image) -> list[Entry]:
    folder = image.environment.get("AUTRI_MODEL_DIR", "/opt/autri/model").strip("/")
    return [entry for entry in image.tree.files() if entry.path.startswith(f"{folder}/")]


def compressed_model(image: Image) -> int:
    """What the baked-in model takes: compressed once more, because a layer tells only of all its files together."""
    return sum(len(zlib.compress(entry.content)) for entry in model_files(image))


def is_program(entry: Entry) -> bool:
    """Whether it is machine code, shared libraries aside. The dynamic linker also runs what is not executable."""
    is_library = re.match(r"(usr/)?lib(64)?/.*\.so(\.\d+)*$", entry.path)
    return entry.content[:4] == b"\x7fELF" and not is_library


def may_change(entry: Entry) -> bool:
    """Whether the server's user may: an owner always, who can change the mode first."""
    by_mode = entry.mode & 0o002 or (entry.gid == USER and entry.mode & 0o020)
    return not entry.is_link and bool(entry.uid == USER or by_mode)


def glibc_versions(image: Image) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The highest version of glibc's symbols that the server asks for, and the highest that the image's glibc has. Both
    name them in plain text (`.gnu.version_r` and `.gnu.version_d`)."""

    def highest(program: bytes) -> tuple[int, ...]:
        found = re.findall(rb"\0GLIBC_(\d+)\.(\d+)(?=[.\d]*\0)", program)
        return max((int(major), int(minor)) for major, minor in found)

    libraries = [entry.content for entry in image.tree.files() if entry.path.endswith("/libc.so.6")]
    assert len(libraries) == 1, f"{len(libraries)} C libraries"
    return highest(image.tree.read(SERVER)), highest(libraries[0])


# -- Whether it starts


def settings(**changes: str) -> dict[str, str]:
    """What a deployment sets (docs/configuration.md), with the local chain in AWS's place."""
    database = urllib.parse.urlsplit(READY["database_url"])
    credentials, _, place = database.netloc.rpartition("@")
    # In a development database all roles have one password.
    as_server = f"autri_mcp:{credentials.partition(':')[2]}@{place}"
    return {
        "AGENTCORE_AUTH": "cognito",
        "COGNITO_ISSUER": READY["issuer"],
        "COGNITO_JWKS_URL": READY["jwks_url"],
        "DATABASE_URL": database._replace(netloc=as_server).geturl(),
        "AUTRI_AUDIT_KEY": secrets.token_hex(32),
        "AUTRI_PUBLIC_URL": PUBLIC_URL,
        "AUTRI_BIND": "127.0.0.1:0",
        # An emulator takes ten times as long for an embedding model.
        "AUTRI_CALL_TIMEOUT_SECS": "60",
    } | changes


async def refused_to_start(engine: Engine, given: dict[str, str]) -> str:
    """What it says when it ends at once, as it should."""
    async with engine.start(given) as container:
        code = await container.ended()
        assert code == 1 and not container.stdout, f"exit code {code}, and on stdout {container.stdout!r}"
        return container.stderr


async def development_tokens_are_an_unknown_setting(engine: Engine) -> None:
    secret = secrets.token_hex(32)
    said = await refused_to_start(engine, settings(AGENTCORE_AUTH="hs256-dev", AUTRI_DEV_JWT_SECRET=secret))
    problems = re.findall(r"^  (\w+: .*)$", said, re.MULTILINE)
    assert problems == ["AGENTCORE_AUTH: is not a known value; it must be `cognito`"], f"{said!r}"
    assert secret not in said


async def without_settings_it_names_all_that_are_missing(engine: Engine) -> None:
    said = await refused_to_start(engine, {})
    required = ("AGENTCORE_AUTH", "DATABASE_URL", "AUTRI_AUDIT_KEY", "AUTRI_PUBLIC_URL")
    missing = [name for name in required if not re.search(rf"^  .*\b{name}\b", said, re.MULTILINE)]
    assert not missing, f"says nothing of {missing}: {said!r}"


async def it_listens_where_agentcore_asks_unless_told_otherwise(engine: Engine) -> None:
    # On a network of its own, so that nobody else has the port.
    async with engine.start(settings(AUTRI_BIND=""), own_network=True) as container:
        assert (address := await container.address()) == "0.0.0.0:8000", f"{address}"  # noqa: S104 - what AgentCore asks


STARTING = (
    development_tokens_are_an_unknown_setting,
    without_settings_it_names_all_that_are_missing,
    it_listens_where_agentcore_asks_unless_told_otherwise,
)


# -- Whether it serves


@dataclass
class Served:
    """A container that serves, and a token that was made for it."""

    container: Container
    confinement: Confinement
    origin: str
    token: str
    sent: list[str] = field(default_factory=list)

    def post(self, method: str, params: dict[str, Any], path: str = "/mcp", **headers: str) -> Reply:
        """A request as AgentCore hands it on: to `/mcp`, with its names for the session."""
        self.sent.append(method)
        return post(f"{self.origin}{path}", method, params, **headers)

    def search(self, **headers: str) -> Reply:
        return self.post("tools/call", SEARCH, accept="application/json, text/event-stream", **headers)


SEARCH = {"name": "search", "arguments": {"query": QUESTION["question"]}}


def post(url: str, method: str, params: dict[str, Any], **headers: str) -> Reply:
    return send(
        url,
        body=json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
        content_type="application/json",
        mcp_session_id=SESSION,
        x_amzn_bedrock_agentcore_runtime_session_id=SESSION,
        **headers,
    )


def ping(origin: str, path: str = "/mcp") -> None:
    # AgentCore's own probe accepts no event stream, and has no token.
    reply = post(f"{origin}{path}", "ping", {}, accept="application/json")
    assert (reply.status, reply.json().get("result")) == (200, {}), f"{path}: HTTP {reply.status} {reply.text}"


@asynccontextmanager
async def serving(engine: Engine) -> AsyncIterator[Served]:
    token = machine_token(READY["client_id"], READY["client_secret"])
    async with engine.start(settings()) as container:
        origin = f"http://{await container.address()}"
        yield Served(container, engine.confinement(container), origin, token)


async def its_process_has_no_rights(served: Served) -> None:
    confinement = served.confinement
    assert confinement.ids == {USER}, f"users and groups {set(confinement.ids)}"
    assert confinement.capabilities == 0, f"capabilities {confinement.capabilities:x}"
    assert confinement.no_new_privileges, "could gain privileges by a program that has some"


async def it_serves_with_nowhere_to_write(served: Served) -> None:
    assert served.confinement.writable == (), f"can be written to: {served.confinement.writable}"


async def it_answers_the_platforms_probe(served: Served) -> None:
    for path in ("/mcp", "/mcp/"):
        served.sent.append("ping")
        ping(served.origin, path)


async def without_a_token_it_asks_for_one(served: Served) -> None:
    reply = served.search()
    assert reply.status == 401, f"HTTP {reply.status} {reply.text}"
    challenge = reply.headers.get("WWW-Authenticate", "")
    metadata = f'resource_metadata="{PUBLIC_URL}/.well-known/oauth-protected-resource'
    assert challenge.startswith("Bearer ") and metadata in challenge, f"{challenge!r}"


async def a_bad_token_is_refused(served: Served) -> None:
    head, payload, signature = served.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = json.dumps(claims | {"connector_id": READY["interactive_connector_id"]}).encode()
    for token in (
        "nonsense",
        checks.BAD_TOKEN,
        f"{head}.{base64.urlsafe_b64encode(other).rstrip(b'=').decode()}.{signature}",
        f"{head}.{payload}.{signature[::-1]}",
    ):
        reply = served.search(authorization=f"Bearer {token}")
        assert (reply.status, reply.json().get("error")) == (401, "invalid_token"), f"HTTP {reply.status} {reply.text}"


async def a_programs_token_gets_an_answer_from_its_library(served: Served) -> None:
    reply = served.search(authorization=f"Bearer {served.token}")
    assert reply.status == 200, f"HTTP {reply.status} {reply.text}"
    hits = reply.json()["result"]["structuredContent"]["results"]
    assert hits and QUESTION["document"].lower() in hits[0]["title"].lower(), f"{[hit['title'] for hit in hits]}"


async def the_reference_client_finds_its_tools_and_the_right_passages(served: Served) -> None:
    url = f"{served.origin}/mcp"
    http, client = connection(served.token, "auto", url=url)
    async with http, client:
        await checks.lists_exactly_the_read_only_tools(SdkClient(client, "auto"))
    await answers_a_search(url, served.token)


async def it_ends_cleanly_when_it_is_told_to(served: Served) -> None:
    served.container.process.terminate()
    code = await served.container.ended(DRAIN_LIMIT)
    assert code == 0, f"exit code {code}: {served.container.stderr!r}"


async def its_log_has_a_line_a_request_and_nobodys_token(served: Served) -> None:
    lines = [json.loads(line) for line in served.container.stdout.splitlines()]
    keys = {tuple(line) for line in lines}
    assert len(keys) == 1 and {"time", "method", "status", "session_id", "refusal"} <= set(*keys), f"{keys}"
    ours = [line["method"] for line in lines if line["session_id"] == SESSION]
    assert ours == served.sent, f"{ours} were logged, {served.sent} sent"
    written = served.container.stdout + served.container.stderr
    database_password = urllib.parse.urlsplit(READY["database_url"]).password
    for secret in (*served.token.split("."), checks.BAD_TOKEN, QUESTION["question"], database_password):
        assert secret and secret not in written, f"{secret} is in what it wrote"


SERVING = (
    its_process_has_no_rights,
    it_serves_with_nowhere_to_write,
    it_answers_the_platforms_probe,
    without_a_token_it_asks_for_one,
    a_bad_token_is_refused,
    a_programs_token_gets_an_answer_from_its_library,
    the_reference_client_finds_its_tools_and_the_right_passages,
    it_ends_cleanly_when_it_is_told_to,
    its_log_has_a_line_a_request_and_nobodys_token,
)


# -- Figures


async def start_up(engine: Engine) -> tuple[float, float]:
    """Milliseconds from a container's start to its first answer to a ping, and to the first tool call with a token."""
    token = machine_token(READY["client_id"], READY["client_secret"])
    async with engine.start(settings()) as container:
        origin = f"http://{await container.address()}"
        ping(origin)
        first_ping = time.perf_counter() - container.started
        reply = post(
            f"{origin}/mcp", "tools/call", SEARCH,
            accept="application/json, text/event-stream", authorization=f"Bearer {token}",
        )  # fmt: skip
        assert reply.status == 200, f"HTTP {reply.status} {reply.text}"
        return first_ping * 1000, (time.perf_counter() - container.started) * 1000


async def figures(image: Image, engine: Engine) -> dict[str, Any]:
    starts = [await start_up(engine) for _ in range(STARTS)]
    needed, given = glibc_versions(image)
    return {
        "architecture": ARCHITECTURE,
        "started_by": engine.name,
        "emulated": is_emulated(ARCHITECTURE),
        "compressed_bytes": image.compressed,
        "of_it_model_bytes": compressed_model(image),
        "uncompressed_bytes": image.uncompressed,
        "server_bytes": len(image.tree.read(SERVER)),
        "glibc_needed": ".".join(map(str, needed)),
        "glibc_in_image": ".".join(map(str, given)),
        "first_ping_ms": round(statistics.median(first for first, _ in starts)),
        "first_tool_call_ms": round(statistics.median(second for _, second in starts)),
        "starts": STARTS,
    }


def print_figures(found: dict[str, Any]) -> None:
    (ARTEFACTS / "released-image.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    how = f"{found['started_by']}, median of {found['starts']}" + (", under emulation" if found["emulated"] else "")
    model = f", {mb(found['of_it_model_bytes'])} of it the model" if found["of_it_model_bytes"] else ""
    for line in (
        f"{found['architecture']}: {mb(found['compressed_bytes'])} compressed{model}; "
        f"{mb(found['uncompressed_bytes'])} unpacked, {mb(found['server_bytes'])} of it the server",
        f"glibc: the server needs {found['glibc_needed']}, the image has {found['glibc_in_image']}",
        f"from start to the first ping's answer {found['first_ping_ms']} ms, to the first tool call's "
        f"{found['first_tool_call_ms']} ms ({how})",
    ):
        print(f"# {line}", flush=True)


def mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


async def session() -> checks.Report:
    report = checks.Report()
    archive = ARTEFACTS / f"autri-mcp-server-{ARCHITECTURE}.oci.tar"
    try:
        assert archive.exists(), f"there is no {archive}: `docker/build --arch {ARCHITECTURE}` makes it"
        image = Image.read(archive)
    except Exception as error:  # nothing more can be said of an image that cannot be read
        report.failure("the archive holds what its digests say", error)
        return report
    report.passed("the archive holds what its digests say")
    for check in CONTENTS:
        await report.check(image, check)
    try:
        with engine_for(image, ARCHITECTURE) as engine:
            for check in STARTING:
                await report.check(engine, check)
            async with serving(engine) as served:
                for check in SERVING:
                    await report.check(served, check)
            print_figures(await figures(image, engine))
    except Exception as error:  # this machine cannot start it, or it does not start at all
        report.failure("it starts as a deployment starts it", error)
    return report


if __name__ == "__main__":
    checks.main(session())
