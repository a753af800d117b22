"""The way Claude Desktop comes: a stdio client, and `mcp-remote` between it and the server."""

from __future__ import annotations

import subprocess
from typing import Any

import checks
from mcp import Client as McpClient
from mcp import StdioServerParameters

NODE = checks.required("AUTRI_NODE")
MCP_REMOTE = checks.required("AUTRI_MCP_REMOTE")


def arguments(token: str) -> list[str]:
    return [MCP_REMOTE, checks.URL, "--header", f"Authorization: Bearer {token}"]


class RemoteClient(checks.Client):
    # After a 401 it looks for an authorization server to sign in at, and gives up when it can't register there.
    refusal = r"Fatal error: .*(401|[Rr]egist|[Aa]uthori[sz]|sign-in)"

    def __init__(self, client: McpClient) -> None:
        self.client = client

    async def list_tools(self) -> list[dict[str, Any]]:
        answer = await self.client.list_tools()
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
        # Nothing is said to it: it connects by itself when it starts, and ends when it is turned away.
        proxy = subprocess.Popen(
            [NODE, *arguments(token)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _ = proxy.communicate(timeout=30)
        finally:
            proxy.kill()
        assert proxy.returncode != 0, f"mcp-remote ended well: {output}"
        return output


async def session() -> checks.Report:
    parameters = StdioServerParameters(command=NODE, args=arguments(checks.TOKEN))
    async with McpClient(parameters, mode="legacy") as client:
        return await checks.run_checks(RemoteClient(client))


if __name__ == "__main__":
    checks.main(session())
