"""`autri ingest s3://…` at an emulated S3: what is read and what is not, what goes, and how it stops and goes on.

The emulator checks no signature, so that objects are put there by plain requests, and refuses no reader: a gate before
it does, and knows what was read.
"""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import threading
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import checks
from chain import LIMIT, READY, Reply, autri, autri_environment, autri_status, send

Json = dict[str, Any]

# More than S3 lists on a page.
MANY = 1_100


@dataclass
class Bucket:
    """A bucket of this run's, by the emulator's plain HTTP."""

    name: str = field(default_factory=lambda: f"e2e-{uuid.uuid4().hex}")
    keys: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._send("", method="PUT")

    def put(self, key: str, text: str, **headers: str) -> None:
        self._send(f"/{urllib.parse.quote(key)}", method="PUT", body=text, **headers)
        self.keys.add(key)

    def delete(self, key: str) -> None:
        self._send(f"/{urllib.parse.quote(key)}", method="DELETE")
        self.keys.remove(key)

    def remove(self) -> None:
        for key in list(self.keys):
            self.delete(key)
        self._send("", method="DELETE")

    def uri(self, folder: str = "") -> str:
        return f"s3://{self.name}/{folder}"

    def _send(self, path: str, **request: Any) -> None:
        reply = send(f"{READY['cognito_endpoint']}/{self.name}{path}", **request)
        assert reply.status in (200, 204), f"{path}: HTTP {reply.status} {reply.text}"


class Gate:
    """Between the command and the emulator: knows which objects are read, and may answer in the emulator's place."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        # What a reader of this key is answered, unless it is nothing.
        self.answers: Callable[[str], Reply | None] = lambda _: None
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                reply = gate.reply(self.path, self.headers.get("If-Match"))
                body = reply.text.encode()
                self.send_response(reply.status)
                for name in ("Content-Type", "ETag", "Last-Modified"):
                    if name in reply.headers:
                        self.send_header(name, reply.headers[name])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def reply(self, path: str, if_match: str | None) -> Reply:
        """Of the emulator, as a rule."""
        address, _, query = path.partition("?")
        if "list-type" not in query:
            assert if_match, f"{path} is read whatever it has become"
            key = urllib.parse.unquote(address).split("/", 2)[2]
            self.reads.append(key)
            if answer := self.answers(key):
                return answer
        conditions = {"if_match": if_match} if if_match else {}
        return send(READY["cognito_endpoint"] + path, **conditions)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def refusal(code: str, status: int = 403) -> Reply:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>as the test wants it</Message></Error>"
    return Reply(status, {"Content-Type": "application/xml"}, body)


@dataclass(frozen=True)
class KnowledgeBase:
    """A knowledge base of this run's, and what ingests into it."""

    org: str
    id: str

    @classmethod
    def make(cls) -> KnowledgeBase:
        org = autri("org", "create", "--name", f"e2e {uuid.uuid4().hex}")["id"]
        library = autri("library", "create", "--org", org, "--name", "objects", "--embedder", "none")["id"]
        return cls(org, autri("knowledge-base", "create", "--library", library, "--name", "objects")["id"])

    def remove(self) -> None:
        autri("org", "delete", self.org, "--yes")

    def command(self, *arguments: str) -> tuple[str, ...]:
        return ("ingest", "--knowledge-base", self.id, *arguments)


@dataclass(frozen=True)
class Place:
    """What each check has for itself."""

    bucket: Bucket
    base: KnowledgeBase
    gate: Gate

    @classmethod
    @contextmanager
    def make(cls) -> Iterator[Place]:
        bucket, base, gate = Bucket(), KnowledgeBase.make(), Gate()
        try:
            yield cls(bucket, base, gate)
        finally:
            gate.close()
            base.remove()
            bucket.remove()

    def ended(self, *arguments: str) -> tuple[int, Any]:
        return autri_status(*self.base.command(*arguments), AWS_ENDPOINT_URL=self.gate.url)

    def ingest(self, *arguments: str, code: int = 0) -> Json:
        """The report of a run over these places, else over the bucket's folder `docs`."""
        if not arguments or arguments[0].startswith("--"):
            arguments = (self.bucket.uri("docs"), *arguments)
        ended, report = self.ended(*arguments)
        assert ended == code, f"exit code {ended}: {report}"
        return report

    def counts(self, *arguments: str, code: int = 0) -> dict[str, int]:
        report = self.ingest(*arguments, code=code)
        return {name: report[name] for name in counts()}


def counts(**given: int) -> dict[str, int]:
    return dict.fromkeys(("new", "updated", "unchanged", "unread", "pruned", "failed"), 0) | given


async def all_pages_of_a_listing_are_ingested_and_then_not_read_again(place: Place) -> None:
    for number in range(MANY):
        place.bucket.put(f"docs/{number:05}.md", f"# Note {number}\n\nThe gauge shows {number}.\n")
    assert place.counts() == counts(new=MANY)
    assert len(place.gate.reads) == len(set(place.gate.reads)) == MANY
    place.gate.reads.clear()
    assert place.counts() == counts(unchanged=MANY, unread=MANY)
    assert not place.gate.reads, f"{place.gate.reads}"


async def only_what_changed_is_read(place: Place) -> None:
    for name in ("same", "changed", "rewritten"):
        place.bucket.put(f"docs/{name}.md", f"the first {name}")
    assert place.counts() == counts(new=3)
    place.bucket.put("docs/changed.md", "another text")
    # The same bytes again: their ETag stays, where it is a digest of them.
    place.bucket.put("docs/rewritten.md", "the first rewritten")
    place.gate.reads.clear()
    assert place.counts() == counts(updated=1, unchanged=2, unread=2)
    assert place.gate.reads == ["docs/changed.md"], f"{place.gate.reads}"
    # A link is a part of the document: all are read for it, once.
    base = ("--source-base-url", "https://docs.example.com/")
    assert place.counts(*base) == counts(updated=3)
    assert place.counts(*base) == counts(unchanged=3, unread=3)


async def what_is_gone_is_pruned_and_nothing_else(place: Place) -> None:
    other = Bucket()
    try:
        for key in ("docs/a.md", "docs/b.md", "docs-old/a.md", "docs-old/b.md", "docs.md"):
            place.bucket.put(key, key)
        other.put("docs/a.md", "of another bucket")
        assert place.counts(place.bucket.uri(), other.uri()) == counts(new=6)
        place.bucket.delete("docs/b.md")
        place.bucket.delete("docs-old/b.md")
        assert place.counts() == counts(unchanged=1, unread=1), "pruned without being asked to"
        assert place.counts("--prune") == counts(unchanged=1, unread=1, pruned=1), "pruned another folder"
        other.delete("docs/a.md")
        report = place.ingest(other.uri(), "--prune")
        assert report["pruned"] == 0 and report["not_pruned"][0]["folder"] == f"s3://{other.name}", f"{report}"
        assert place.counts(place.bucket.uri(), "--prune") == counts(unchanged=3, unread=3, pruned=1)
    finally:
        other.remove()


async def odd_keys_are_documents_of_their_own(place: Place) -> None:
    names = ("a b+c%20d.md", "/double.md", "ü/入門.md", "q?#&=.md", "é\u0301\u200b.md", "long/" * 200 + "x.md", "Ä.MD")
    for name in names:
        place.bucket.put(f"docs/{name}", f"the text of {name!r}")
    for name in ("", "sub.md/", ".hidden.md", ".git/x.md", "logo.png"):
        place.bucket.put(f"docs/{name}", "passed over")
    base = ("--source-base-url", "https://docs.example.com/")
    assert place.counts(*base) == counts(new=len(names))
    assert place.counts(*base, "--prune") == counts(unchanged=len(names), unread=len(names))


async def an_object_that_is_refused_is_named_and_keeps_its_old_version(place: Place) -> None:
    for name in ("archived", "forbidden", "readable", "rewritten"):
        place.bucket.put(f"docs/{name}.md", f"{name}, the first version")
    assert place.counts() == counts(new=4)
    place.bucket.put("docs/archived.md", "in the cellar", x_amz_storage_class="GLACIER")
    for name in ("forbidden", "rewritten"):
        place.bucket.put(f"docs/{name}.md", f"{name}, the second version")

    def answer(key: str) -> Reply | None:
        if key == "docs/rewritten.md":
            place.bucket.put(key, "the version that came while it was to be read")
        return refusal("AccessDenied") if key == "docs/forbidden.md" else None

    place.gate.answers = answer
    report = place.ingest("--prune", code=1)
    reasons = {failure["name"]: failure["reason"] for failure in report["failures"]}
    for name, expected in (("archived", "restore"), ("forbidden", "s3:GetObject"), ("rewritten", "changed while")):
        assert expected in reasons[place.bucket.uri(f"docs/{name}.md")], f"{reasons}"
    assert (report["failed"], report["unread"], report["pruned"]) == (3, 1, 0), f"{report}"


async def credentials_that_expire_end_the_run_and_prune_nothing(place: Place) -> None:
    place.bucket.put("docs/a.md", "the first version")
    place.bucket.put("docs/b.md", "to be deleted")
    assert place.counts() == counts(new=2)
    place.bucket.put("docs/a.md", "the second version")
    place.bucket.delete("docs/b.md")
    place.gate.answers = lambda _: refusal("ExpiredToken", 400)
    report = place.ingest("--prune", code=1)
    assert (report["updated"], report["pruned"], report["failed"]) == (0, 0, 0), f"{report}"
    place.gate.answers = lambda _: None
    assert place.counts("--prune") == counts(updated=1, pruned=1)


async def files_and_objects_go_together(place: Place) -> None:
    place.bucket.put("docs/a.md", "of the bucket")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.md").write_text("of the folder", encoding="utf-8")
        assert place.counts(folder, place.bucket.uri("docs")) == counts(new=2)
        assert place.counts(folder, "--prune") == counts(unchanged=1), "pruned what is in the bucket"


async def a_single_object_is_taken(place: Place) -> None:
    for key in ("docs/a.md", "docs/a.md.txt", "docs/b.md"):
        place.bucket.put(key, key)
    assert place.counts(place.bucket.uri("docs/a.md"), "--prune") == counts(new=1)
    assert place.gate.reads == ["docs/a.md"], f"{place.gate.reads}"


async def a_place_where_nothing_is_is_an_error_and_prunes_nothing(place: Place) -> None:
    place.bucket.put("docs/a.md", "a")
    assert place.counts() == counts(new=1)
    for mistyped in ("dosc", "doc", "docs/a", "docs//"):
        assert place.counts(place.bucket.uri(mistyped), "--prune", code=1) == counts(), mistyped
    assert place.counts("--prune") == counts(unchanged=1, unread=1)


async def a_bucket_that_is_not_there_is_an_error(place: Place) -> None:
    code, said = place.ended(f"s3://e2e-{uuid.uuid4().hex}")
    assert code == 1 and said["new"] == 0, f"exit code {code}: {said}"


async def an_interrupted_run_says_so_and_the_next_goes_on(place: Place) -> None:
    total = 60
    for number in range(total):
        place.bucket.put(f"docs/{number:03}.md", f"note {number}")
    code, report = interrupted(place, reads=20)
    assert code == 128 + signal.SIGTERM and report["interrupted"], f"exit code {code}: {report}"
    done = report["new"]
    assert 0 < done < total and report["pruned"] == 0, f"{report}"
    place.gate.reads.clear()
    assert place.counts() == counts(new=total - done, unchanged=done, unread=done)
    assert len(place.gate.reads) == total - done, "read again"


def interrupted(place: Place, reads: int) -> tuple[int, Json]:
    """A run that is told to stop when it asks for so many objects: how it ended, and its report."""
    lock = threading.Lock()

    def answer(_: str) -> Reply | None:
        with lock:
            if len(place.gate.reads) == reads:
                process.send_signal(signal.SIGTERM)
                # It has heard when it says so: until then nobody gets an object.
                assert any("stopping" in line for line in process.stderr or ()), "it ended without a word"
        return None

    place.gate.answers = answer
    command = place.base.command(place.bucket.uri("docs"), "--concurrency", "4")
    process = subprocess.Popen(
        [checks.required("AUTRI_PROGRAM"), "--json", *command],
        env=autri_environment(AWS_ENDPOINT_URL=place.gate.url),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout
        report = process.stdout.read()
        code = process.wait(LIMIT)
    place.gate.answers = lambda _: None
    return code, json.loads(report)


CHECKS = (
    all_pages_of_a_listing_are_ingested_and_then_not_read_again,
    only_what_changed_is_read,
    what_is_gone_is_pruned_and_nothing_else,
    odd_keys_are_documents_of_their_own,
    an_object_that_is_refused_is_named_and_keeps_its_old_version,
    credentials_that_expire_end_the_run_and_prune_nothing,
    files_and_objects_go_together,
    a_single_object_is_taken,
    a_place_where_nothing_is_is_an_error_and_prunes_nothing,
    a_bucket_that_is_not_there_is_an_error,
    an_interrupted_run_says_so_and_the_next_goes_on,
)


async def session() -> checks.Report:
    report = checks.Report()
    for check in CHECKS:
        with Place.make() as place:
            await report.check(place, check)
    return report


if __name__ == "__main__":
    checks.main(session())
