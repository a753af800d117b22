"""From a connector's URL, client id and client secret to an answer, with nothing but what docs/connect.md says.

The page's own lines are run, with its words in capitals replaced. `npx` runs beside the pinned packages and offline, as
for the lines that `cargo dev` prints.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import checks
from chain import READY, verified
from client_mcp_remote import RemoteClient
from mcp import Client as McpClient
from mcp import StdioServerParameters
from printed_lines import ENVIRONMENT, NODE_MODULES, START_LIMIT, answer_of

PAGE = Path(__file__).parents[2] / "docs/connect.md"


@dataclass(frozen=True)
class Page:
    """What the page says, and what its reader was given."""

    text: str
    given: dict[str, str]

    @classmethod
    def read(cls) -> Page:
        given = {
            "TOKEN_ENDPOINT": READY["token_endpoint"],
            "CLIENT_ID": READY["client_id"],
            "CLIENT_SECRET": READY["client_secret"],
            "URL": READY["url"],
        }
        return cls(PAGE.read_text(encoding="utf-8"), given)

    def block(self, section: str, language: str) -> str:
        """The first block of code in a section, with what the reader was given in it."""
        body = self.text.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
        found = re.search(rf"^```{language}\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)
        assert found, f"the section {section!r} has no {language}"
        return re.sub(r"\b[A-Z_]{3,}\b", lambda word: self.given.get(word[0], word[0]), found[1])

    def with_token(self, token: str) -> Page:
        return Page(self.text, self.given | {"TOKEN": token})


async def asked_for_a_token(page: Page) -> dict[str, Any]:
    return await answer_of(page.block("From a connector to a token", "console"))


async def page_with_token(page: Page) -> Page:
    return page.with_token((await asked_for_a_token(page))["access_token"])


async def curl_gets_a_token(page: Page) -> None:
    answer = await asked_for_a_token(page)
    assert verified(answer["access_token"])["connector_id"] == READY["connector_id"], f"{answer}"
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600), "not for the hour that the page tells of"


async def a_wrong_secret_is_told_as_the_page_says(page: Page) -> None:
    wrong = Page(page.text, page.given | {"CLIENT_SECRET": "wrong"})
    answer = await asked_for_a_token(wrong)
    assert answer["error"] == "invalid_client" and "access_token" not in answer, f"{answer}"
    assert '{"error":"invalid_client"}' in page.text


async def claude_desktop_can_be_configured_so(page: Page) -> None:
    config = json.loads((await page_with_token(page)).block("Claude Desktop", "json"))
    (server,) = config["mcpServers"].values()
    parameters = StdioServerParameters(
        command=server["command"], args=server["args"], env=ENVIRONMENT | server["env"], cwd=NODE_MODULES.parent
    )
    async with McpClient(parameters, mode="legacy") as client:
        await checks.lists_exactly_the_read_only_tools(RemoteClient(client))
        await checks.search_finds_the_passage_and_fetch_reads_it(RemoteClient(client))


async def curl_searches(page: Page) -> None:
    answer = await answer_of((await page_with_token(page)).block("curl", "console"))
    assert not answer["result"].get("isError") and "results" in answer["result"]["structuredContent"], f"{answer}"


async def a_program_of_your_own_searches(page: Page) -> None:
    program = (await page_with_token(page)).block("Your own program", "python")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=os.environ,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), START_LIMIT)
    assert process.returncode == 0 and "'results'" in out.decode(), f"exit status {process.returncode}: {out.decode()}"


CHECKS = (
    curl_gets_a_token,
    a_wrong_secret_is_told_as_the_page_says,
    claude_desktop_can_be_configured_so,
    curl_searches,
    a_program_of_your_own_searches,
)


async def session() -> checks.Report:
    report, page = checks.Report(), Page.read()
    for check in CHECKS:
        await report.check(page, check)
    return report


if __name__ == "__main__":
    checks.main(session())
