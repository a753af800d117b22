"""The lines that `cargo dev` prints for pasting, run as printed.

`npx` runs here beside the pinned packages and offline, so that it takes those; everything else is as at a person's own
terminal. Claude Code can't be had for a test: its line is only read.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import checks
import httpx2
from client_mcp_remote import RemoteClient
from mcp import Client as McpClient
from mcp import StdioServerParameters

NODE_MODULES = Path(checks.required("AUTRI_NODE_MODULES"))
ENVIRONMENT = {
    "PATH": os.pathsep.join([str(NODE_MODULES / ".bin"), os.environ["PATH"]]),
    "HOME": os.environ["HOME"],
    "npm_config_offline": "true",
    # The Inspector shall neither open a browser nor put the token into the desktop's keychain.
    "MCP_AUTO_OPEN_ENABLED": "false",
    "MCP_INSPECTOR_SECRET_STORE": "memory",
}
AUTHORIZATION = f"Bearer {checks.TOKEN}"
# Seconds.
PRINTED_LIMIT = 10
START_LIMIT = 60


class Printed:
    """What `cargo dev` wrote to its standard output."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    async def read(cls, path: Path) -> Printed:
        """Waits for the last of the lines: the ready file, by which the suites begin, is written before they are."""
        deadline = time.monotonic() + PRINTED_LIMIT
        while not re.search(r"^curl .*\n", text := path.read_text(encoding="utf-8"), re.MULTILINE):
            assert time.monotonic() < deadline, f"no line for curl within {PRINTED_LIMIT} s: {text!r}"
            await asyncio.sleep(0.05)
        return cls(text)

    def line(self, pattern: str) -> str:
        """The one line that begins with `pattern`."""
        lines = re.findall(rf"^{pattern}.*$", self.text, re.MULTILINE)
        assert len(lines) == 1, f"{len(lines)} lines begin with {pattern!r}"
        return lines[0]

    def json(self) -> Any:
        """The one JSON object that begins on a line of its own."""
        beginnings = [match.start() for match in re.finditer(r"^\{$", self.text, re.MULTILINE)]
        assert len(beginnings) == 1, f"{len(beginnings)} JSON objects"
        return json.JSONDecoder().raw_decode(self.text, beginnings[0])[0]


@asynccontextmanager
async def pasted(line: str, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A shell that runs `line`; ended with everything that it started."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", line, cwd=NODE_MODULES.parent, env=os.environ | ENVIRONMENT | more, start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=None,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def answer_of(line: str) -> Any:
    """Runs `line` to its end; the JSON that it writes."""
    async with pasted(line) as process:
        out, _ = await asyncio.wait_for(process.communicate(), START_LIMIT)
        assert process.returncode == 0, f"exit status {process.returncode}: {out.decode()}"
        return json.loads(out)


async def the_line_for_claude_code_has_the_url_and_the_token(printed: Printed) -> None:
    words = shlex.split(printed.line("claude "))
    name = words.pop(5)
    assert re.fullmatch(r"[\w-]+", name), f"the name {name!r}"
    expected = [
        "claude",
        "mcp",
        "add",
        "--transport",
        "http",
        checks.URL,
        "--header",
        f"Authorization: {AUTHORIZATION}",
    ]
    assert words == expected, f"{words}"


async def claude_desktop_can_be_configured_so(printed: Printed) -> None:
    (server,) = printed.json()["mcpServers"].values()
    environment = ENVIRONMENT | server["env"]
    parameters = StdioServerParameters(
        command=server["command"], args=server["args"], env=environment, cwd=NODE_MODULES.parent
    )
    async with McpClient(parameters, mode="legacy") as client:
        await checks.lists_exactly_the_read_only_tools(RemoteClient(client))
        await checks.search_finds_the_passage_and_fetch_reads_it(RemoteClient(client))


async def the_inspector_lists_the_tools(printed: Printed) -> None:
    answer = await answer_of(printed.line("npx [^ ]+ --cli "))
    names = [tool["name"] for tool in answer["tools"]]
    assert sorted(names) == sorted(checks.EXPECTED["tools"]), f"{names}"


async def the_inspector_in_the_browser_knows_the_server(printed: Printed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    settings = {"CLIENT_PORT": port, "MCP_SANDBOX_PORT": "0", "MCP_INSPECTOR_API_TOKEN": "of-this-test"}
    http = httpx2.AsyncClient(headers={"x-mcp-remote-auth": "Bearer of-this-test"}, trust_env=False)
    async with pasted(printed.line("npx [^ ]+ (?!--cli)"), **settings) as process, http:
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                response = await http.get(f"http://127.0.0.1:{port}/api/servers")
                break
            except httpx2.TransportError as error:  # it does not listen yet
                assert process.returncode is None and time.monotonic() < deadline, f"{error!r}"
                await asyncio.sleep(0.1)
        (server,) = response.raise_for_status().json()["mcpServers"].values()
    assert server["type"] == "streamable-http" and server["url"] == checks.URL, f"{server}"
    assert server["headers"] == {"Authorization": AUTHORIZATION}, f"{server}"


async def curl_searches(printed: Printed) -> None:
    answer = await answer_of(printed.line("curl "))
    assert "result" in answer and not answer["result"].get("isError"), f"{answer}"
    assert "results" in answer["result"]["structuredContent"], f"{answer}"


async def session() -> checks.Report:
    report = checks.Report()
    path = os.environ.get("AUTRI_PRINTED")
    if path is None:
        print("ok - lines to paste # SKIP the server was started by others")
        return report
    printed = await Printed.read(Path(path))
    for check in (
        the_line_for_claude_code_has_the_url_and_the_token,
        claude_desktop_can_be_configured_so,
        the_inspector_lists_the_tools,
        the_inspector_in_the_browser_knows_the_server,
        curl_searches,
    ):
        await report.check(printed, check)
    return report


if __name__ == "__main__":
    checks.main(session())
