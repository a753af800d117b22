"""What every client must see, whatever it speaks: the same checks for each way of connecting.

A client script builds a `Client` and passes it to `run`, which prints one TAP line a check (testanything.org): `ok …`
or `not ok …` with what was seen. The server's address and token come from the environment, as `cargo e2e` sets it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import traceback
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any


def required(name: str) -> str:
    """A setting that `cargo e2e` hands over in the environment."""
    return os.environ[name]


URL = required("AUTRI_URL")
TOKEN = required("AUTRI_TOKEN")
# Well formed enough to reach the verifier, and signed by nobody.
BAD_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2JvZHkifQ.bm90LWEtc2lnbmF0dXJl"
EXPECTED = json.loads(Path(required("AUTRI_EXPECTATIONS")).read_text(encoding="utf-8"))
# No walk over pages is longer than this: a cursor that never ends must fail, not hang.
MAX_PAGES = 200


class ToolError(Exception):
    """The tool answered with `isError`; the message is what it told the caller."""


class Client(ABC):
    """One way to reach the server. Results are plain JSON in the wire's own names."""

    # How this client words a refusal: most pass the status on, some give it a name of their own.
    refusal = r"\b401\b"

    @abstractmethod
    async def list_tools(self) -> list[dict[str, Any]]: ...

    @abstractmethod
    async def call_result(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The whole `CallToolResult`."""

    @abstractmethod
    async def list_resources(self, cursor: str | None) -> dict[str, Any]:
        """One `ListResourcesResult`."""

    @abstractmethod
    async def list_resource_templates(self) -> list[dict[str, Any]]: ...

    @abstractmethod
    async def read_resource(self, uri: str) -> dict[str, Any]:
        """The whole `ReadResourceResult`; raises what the client makes of an error."""

    @abstractmethod
    async def connect_with(self, token: str) -> str:
        """Connects with `token` and asks for the tools; returns the client's own report of the refusal.

        Raises `AssertionError` when the server let it in."""

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The structured answer of a tool, having checked that the text item says the same."""
        result = await self.call_result(tool, arguments)
        text = "".join(item.get("text", "") for item in result["content"])
        if result.get("isError"):
            raise ToolError(text)
        structured = result["structuredContent"]
        assert json.loads(text) == structured, "the text item differs from structuredContent"
        return structured


def words(text: str) -> str:
    """`text` with every run of white space made one space: where a line breaks is not the passage's business."""
    return re.sub(r"\s+", " ", text)


async def pages(client: Client, tool: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Every page of a tool's answer, following `next_cursor`."""
    found = [await client.call(tool, arguments)]
    while cursor := found[-1].get("next_cursor"):
        assert len(found) < MAX_PAGES, f"{tool} still has a next page after {MAX_PAGES}"
        found.append(await client.call(tool, arguments | {"cursor": cursor}))
    return found


async def lists_exactly_the_read_only_tools(client: Client) -> None:
    tools = await client.list_tools()
    names = [tool["name"] for tool in tools]
    assert names == EXPECTED["tools"], f"tools are {names}"
    writing = [tool["name"] for tool in tools if not tool.get("annotations", {}).get("readOnlyHint")]
    assert not writing, f"not marked read-only: {writing}"


async def schemas_stand_on_their_own(client: Client) -> None:
    # AgentCore Gateway refuses a target whose schemas refer elsewhere.
    for tool in await client.list_tools():
        for name in ("inputSchema", "outputSchema"):
            assert tool.get(name), f"{tool['name']} has no {name}"
            keys = set(re.findall(r'"(\$(?:ref|defs|anchor))"', json.dumps(tool[name])))
            assert not keys, f"{name} of {tool['name']} contains {sorted(keys)}"


async def search_finds_the_passage_and_fetch_reads_it(client: Client) -> None:
    for expected in EXPECTED["questions"]:
        hits = (await client.call("search", {"query": expected["question"]}))["results"]
        assert hits, f"nothing found for {expected['question']!r}"
        for hit in hits:
            assert hit["id"] and hit["title"] and hit["url"], f"a hit lacks what a citation needs: {hit}"
        first = hits[0]
        assert expected["document"].lower() in first["title"].lower(), (
            f"{expected['question']!r} found {[hit['title'] for hit in hits]}"
        )
        chunk = await client.call("fetch", {"id": first["id"]})
        assert expected["passage"] in words(chunk["text"]), f"the chunk reads {chunk['text']!r}"
        document = await client.call("fetch", {"id": first["id"].split(".")[0]})
        assert expected["passage"] in words(document["text"]), f"the document reads {document['text']!r}"
        assert document["title"] and document["url"]


async def search_pages_by_cursor(client: Client) -> None:
    query = {"query": EXPECTED["several_pages_of_hits"], "limit": 2}
    first = await client.call("search", query)
    second = await client.call("search", query | {"cursor": first["next_cursor"]})
    ids = [hit["id"] for page in (first, second) for hit in page["results"]]
    assert len(ids) == 4 and len(set(ids)) == 4, f"two pages of two hits hold {ids}"


async def a_long_document_arrives_whole(client: Client) -> None:
    expected = EXPECTED["long_document"]
    hits = (await client.call("search", {"query": expected["question"]}))["results"]
    hit = next((hit for hit in hits if expected["document"].lower() in hit["title"].lower()), None)
    assert hit, f"the long document was not found, but {[hit['title'] for hit in hits]}"
    parts = await pages(client, "fetch", {"id": hit["id"].split(".")[0]})
    assert len(parts) > 1, "the whole document came in one page"
    entries = [int(n) for n in re.findall(r"Entry (\d+):", "".join(part["text"] for part in parts))]
    assert entries == list(range(1, expected["entries"] + 1)), (
        f"{len(entries)} entries in {len(parts)} pages, {len(set(entries))} of them distinct"
    )


async def lists_name_what_there_is(client: Client) -> None:
    bases = (await client.call("list_knowledge_bases", {}))["knowledge_bases"]
    assert bases, "no knowledge base"
    listed = [doc for page in await pages(client, "list_documents", {}) for doc in page["documents"]]
    assert len({doc["id"] for doc in listed}) == len(listed), "a document is listed twice"
    titles = "\n".join(doc["title"] for doc in listed).lower()
    missing = [q["document"] for q in EXPECTED["questions"] if q["document"].lower() not in titles]
    assert not missing, f"not listed: {missing}"


async def resource_parts(client: Client, uri: str | None) -> list[dict[str, Any]]:
    """Every part of a document that is read as a resource, following what `_meta` says of the next one."""
    parts: list[dict[str, Any]] = []
    while uri:
        assert len(parts) < MAX_PAGES, f"{uri} still has a next part after {MAX_PAGES}"
        (part,) = (await client.read_resource(uri))["contents"]
        assert part["uri"] == uri and part["mimeType"] == "text/plain", f"{uri} was read as {part}"
        parts.append(part)
        uri = part.get("_meta", {}).get("ai.autri/next")
    return parts


async def documents_are_resources(client: Client) -> None:
    listed: list[dict[str, Any]] = []
    cursor: str | None = None
    while cursor or not listed:
        page = await client.list_resources(cursor)
        listed += page["resources"]
        assert listed and len(listed) < 100 * MAX_PAGES, f"{len(listed)} resources, and the list does not end"
        cursor = page.get("nextCursor")
    named = {resource["title"].lower(): resource["uri"] for resource in listed}
    for expected in EXPECTED["questions"]:
        uri = next((uri for title, uri in named.items() if expected["document"].lower() in title), None)
        assert uri, f"{expected['document']} is not among {sorted(named)}"
        text = "".join(part["text"] for part in await resource_parts(client, uri))
        assert expected["passage"] in words(text), f"{uri} reads {text!r}"
    log = EXPECTED["long_document"]
    parts = await resource_parts(client, named.get(log["document"].lower()))
    assert len(parts) > 1 and "ai.autri/next" not in parts[-1].get("_meta", {}), f"{len(parts)} parts"
    entries = [int(n) for n in re.findall(r"Entry (\d+):", "".join(part["text"] for part in parts))]
    assert entries == list(range(1, log["entries"] + 1)), f"{len(entries)} entries in {len(parts)} parts"


async def a_found_passage_is_a_resource_by_the_template(client: Client) -> None:
    templates = await client.list_resource_templates()
    template = next(template["uriTemplate"] for template in templates if template["name"] == "document")
    expected = EXPECTED["questions"][0]
    hits = (await client.call("search", {"query": expected["question"]}))["results"]
    (passage,) = (await client.read_resource(template.replace("{id}", hits[0]["id"])))["contents"]
    assert expected["passage"] in words(passage["text"]), f"the passage reads {passage['text']!r}"
    try:
        answer = await client.read_resource(template.replace("{id}", "doc_00000000-0000-7000-8000-000000000000"))
    except Exception as error:  # each client has its own; what the server said must be in it
        assert "there is no such resource" in str(error), f"the client reports {error!r}"
    else:
        raise AssertionError(f"a resource that is not there was read: {answer}")


async def a_mistake_is_a_tool_error_that_says_what_to_do(client: Client) -> None:
    for tool, arguments in (
        ("search", {"query": "   "}),
        ("search", {"query": "gauge", "limit": 0}),
        ("search", {"query": "gauge", "cursor": "not a cursor"}),
        ("fetch", {"id": "doc_00000000-0000-7000-8000-000000000000"}),
    ):
        try:
            answer = await client.call(tool, arguments)
        except ToolError as error:
            assert str(error).strip(), f"{tool} {arguments} was refused without a word"
        else:
            raise AssertionError(f"{tool} {arguments} was answered: {answer}")


async def a_bad_token_is_refused(client: Client) -> None:
    report = await client.connect_with(BAD_TOKEN)
    assert re.search(client.refusal, report), f"the client reports {report!r}"


CHECKS = (
    lists_exactly_the_read_only_tools,
    schemas_stand_on_their_own,
    search_finds_the_passage_and_fetch_reads_it,
    search_pages_by_cursor,
    a_long_document_arrives_whole,
    lists_name_what_there_is,
    documents_are_resources,
    a_found_passage_is_a_resource_by_the_template,
    a_mistake_is_a_tool_error_that_says_what_to_do,
    a_bad_token_is_refused,
)


class Report:
    """TAP lines on stdout, and the exit status."""

    def __init__(self) -> None:
        self.failed = False

    def passed(self, name: str) -> None:
        print(f"ok - {name}", flush=True)

    def failure(self, name: str, error: BaseException) -> None:
        self.failed = True
        print(f"not ok - {name}", flush=True)
        for line in "".join(traceback.format_exception(error)).splitlines():
            print(f"# {line}", flush=True)

    async def check(self, subject: Any, check: Any) -> None:
        name = check.__name__.replace("_", " ")
        try:
            await check(subject)
        except Exception as error:  # every failure becomes a line, so that the checks after it still run
            self.failure(name, error)
        else:
            self.passed(name)


async def run_checks(client: Client, checks: tuple[Any, ...] = CHECKS, report: Report | None = None) -> Report:
    report = report or Report()
    for check in checks:
        await report.check(client, check)
    return report


def main(session: Any) -> None:
    """Runs `session`, a coroutine that returns its `Report`, and exits with its verdict."""
    try:
        report = asyncio.run(session)
    except Exception as error:  # the client could not even connect
        report = Report()
        report.failure("connects", error)
    sys.exit(1 if report.failed else 0)
