"""curl, in the oldest and plainest way: one POST a request, no handshake, the headers that a person would type."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import checks


class CurlClient(checks.Client):
    async def post(self, token: str, method: str, params: dict[str, Any]) -> tuple[int, str, str]:
        """Status, `WWW-Authenticate` and body of one request."""
        process = await asyncio.create_subprocess_exec(
            "curl", "--silent", "--show-error", "--include", "--max-time", "30", checks.URL,
            "--header", f"Authorization: Bearer {token}",
            "--header", "Content-Type: application/json",
            "--header", "Accept: application/json, text/event-stream",
            "--data", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, f"curl exit status {process.returncode}: {err.decode()}"
        head, _, body = out.decode().partition("\r\n\r\n")
        status_line, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(status_line.split()[1]), headers.get("www-authenticate", ""), body

    async def result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        status, _, body = await self.post(checks.TOKEN, method, params)
        assert status == 200, f"HTTP {status}: {body}"
        answer = json.loads(body)
        assert "result" in answer, f"{answer}"
        return answer["result"]

    async def list_tools(self) -> list[dict[str, Any]]:
        return (await self.result("tools/list", {}))["tools"]

    async def call_result(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return await self.result("tools/call", {"name": tool, "arguments": arguments})

    async def list_resources(self, cursor: str | None) -> dict[str, Any]:
        return await self.result("resources/list", {"cursor": cursor} if cursor else {})

    async def list_resource_templates(self) -> list[dict[str, Any]]:
        return (await self.result("resources/templates/list", {}))["resourceTemplates"]

    async def read_resource(self, uri: str) -> dict[str, Any]:
        return await self.result("resources/read", {"uri": uri})

    async def connect_with(self, token: str) -> str:
        status, challenge, body = await self.post(token, "tools/list", {})
        assert status != 200, f"let in: {body}"
        return f"{status} {challenge}"


async def the_challenge_names_the_metadata(client: CurlClient) -> None:
    # RFC 9728, section 5.1: a client that is refused learns here where to ask for a token.
    for token in (checks.BAD_TOKEN, ""):
        status, challenge, _ = await client.post(token, "tools/list", {})
        assert status == 401, f"status {status} for the token {token!r}"
        assert challenge.startswith("Bearer ") and 'resource_metadata="http' in challenge, f"challenge {challenge!r}"


async def session() -> checks.Report:
    return await checks.run_checks(CurlClient(), (*checks.CHECKS, the_challenge_names_the_metadata))


if __name__ == "__main__":
    checks.main(session())
