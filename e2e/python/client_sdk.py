"""The reference Python client (package `mcp`) over Streamable HTTP.

`--mode auto` asks `server/discover` first and so speaks 2026-07-28; `--mode legacy` starts with `initialize`.
"""

from __future__ import annotations

import argparse
from typing import Any

import checks
import httpx2
from mcp import Client as McpClient
from mcp.client.streamable_http import streamable_http_client

MODERN = "2026-07-28"
LEGACY = "2025-11-25"


def connection(
    token: str, mode: str, seen: list[int] | None = None, url: str = checks.URL
) -> tuple[httpx2.AsyncClient, McpClient]:
    """An HTTP client that sends `token` and notes the status codes it sees, and the MCP client over it."""

    async def note(response: httpx2.Response) -> None:
        if seen is not None:
            seen.append(response.status_code)

    http = httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {token}"}, timeout=30, event_hooks={"response": [note]}
    )
    return http, McpClient(streamable_http_client(url, http_client=http), mode=mode)


class SdkClient(checks.Client):
    def __init__(self, client: McpClient, mode: str) -> None:
        self.client = client
        self.mode = mode

    async def list_tools(self) -> list[dict[str, Any]]:
        answer = await self.client.list_tools(cache_mode="refresh")
        return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in answer.tools]

    async def call_result(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.call_tool(tool, arguments)
        return answer.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def list_resources(self, cursor: str | None) -> dict[str, Any]:
        answer = await self.client.list_resources(cursor=cursor)
        return answer.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def list_resource_templates(self) -> list[dict[str, Any]]:
        answer = await self.client.list_resource_templates()
        dumped = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
        return dumped["resourceTemplates"]

    async def read_resource(self, uri: str) -> dict[str, Any]:
        answer = await self.client.read_resource(uri)
        return answer.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def connect_with(self, token: str) -> str:
        seen: list[int] = []
        http, client = connection(token, self.mode, seen)
        try:
            async with http, client:
                await client.list_tools()
        except Exception as refused:  # the kind differs by mode, and may be a group; the status is what counts
            return f"{seen} {refused!r}"
        raise AssertionError(f"let in, having seen {seen}")


async def negotiates_the_version_of_its_mode(client: SdkClient) -> None:
    expected = MODERN if client.mode == "auto" else LEGACY
    assert client.client.protocol_version == expected, f"negotiated {client.client.protocol_version}"


async def session(mode: str) -> checks.Report:
    http, client = connection(checks.TOKEN, mode)
    async with http, client:
        return await checks.run_checks(SdkClient(client, mode), (negotiates_the_version_of_its_mode, *checks.CHECKS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=("auto", "legacy"), required=True)
    checks.main(session(parser.parse_args().mode))
