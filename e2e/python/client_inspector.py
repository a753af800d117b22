"""The MCP Inspector's command line: one process a request."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

import checks

NODE = checks.required("AUTRI_NODE")
INSPECTOR = checks.required("AUTRI_INSPECTOR")
# Its exit status when a tool answers with `isError`; the result is on stdout all the same.
TOOL_IS_ERROR = 5


class InspectorClient(checks.Client):
    refusal = "auth_required"

    def __init__(self, era: str) -> None:
        self.era = era

    async def run(self, token: str, *arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            NODE, INSPECTOR, "--cli", checks.URL, "--transport", "http", "--protocol-era", self.era,
            # Without `--stored-auth-only` a refusal would open a browser to sign in.
            "--header", f"Authorization: Bearer {token}", "--stored-auth-only", "--format", "json", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def result(self, *arguments: str) -> dict[str, Any]:
        status, out, err = await self.run(checks.TOKEN, *arguments)
        assert status in (0, TOOL_IS_ERROR), f"exit status {status}: {err}"
        return json.loads(out)["result"]

    async def list_tools(self) -> list[dict[str, Any]]:
        return (await self.result("--method", "tools/list"))["tools"]

    async def call_result(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return await self.result(
            "--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)
        )

    async def list_resources(self, cursor: str | None) -> dict[str, Any]:
        return await self.result("--method", "resources/list", *(("--cursor", cursor) if cursor else ()))

    async def list_resource_templates(self) -> list[dict[str, Any]]:
        return (await self.result("--method", "resources/templates/list"))["resourceTemplates"]

    async def read_resource(self, uri: str) -> dict[str, Any]:
        return await self.result("--method", "resources/read", "--uri", uri)

    async def connect_with(self, token: str) -> str:
        status, out, err = await self.run(token, "--method", "tools/list")
        assert status != 0, f"let in: {out}"
        return err


async def session(era: str) -> checks.Report:
    return await checks.run_checks(InspectorClient(era))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--era", choices=("modern", "legacy"), required=True)
    checks.main(session(parser.parse_args().era))
