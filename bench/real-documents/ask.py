#!/usr/bin/env python3
"""Ten questions that a person would ask, put to documents as people have them: HTML, a PDF and a DOCX.

    cargo build --release --package autri-cli --package autri-mcp-server --features autri-mcp-server/dev-auth
    bench/real-documents/ask.py

The toolchain's own HTML documentation, Debian's policy manual as PDF and the Debian developer's reference as DOCX go
into one knowledge base by one `autri ingest`, and each question of questions.json is asked with the MCP tool `search`.
Its passage must be in one of the first three results: in the text that `fetch` gives for it or for a neighbour that was
joined to it, of a document named there (the toolchain's books have all their pages once more in print.html).

It needs a Debian or Ubuntu with pandoc (the reference comes as EPUB and is converted), or both files in --documents.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

# Results link below it, and the links tell the documents.
BASE_URL = "https://docs.example.com/"
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIRST = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--program", type=Path, default=ROOT / "target/release/autri", help="the CLI, the server beside it"
    )
    parser.add_argument(
        "--documents",
        type=Path,
        default=ROOT / "target/real-documents",
        help="where policy.pdf and developers-reference.docx are kept; fetched if they are not there",
    )
    parser.add_argument("--html", type=Path, default=None, help="the HTML documentation [default: the toolchain's]")
    options = parser.parse_args()
    documents = fetch_documents(options.documents)
    html = options.html or toolchain_html()
    with tempfile.TemporaryDirectory(prefix="autri-") as work:
        # Postgres does not run as root: its own user must reach the folder.
        Path(work).chmod(0o755)
        return ask_all(options.program, [html, *documents], Path(work))


def fetch_documents(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    policy, reference = folder / "policy.pdf", folder / "developers-reference.docx"
    if not policy.exists():
        unpacked = unpack("debian-policy", folder)
        policy.write_bytes(gzip.decompress((unpacked / "usr/share/doc/debian-policy/policy.pdf.gz").read_bytes()))
    if not reference.exists():
        unpacked = unpack("developers-reference", folder)
        epub = unpacked / "usr/share/developers-reference/developers-reference.epub"
        run("pandoc", str(epub), "--output", str(reference))
    return [policy, reference]


def unpack(package: str, folder: Path) -> Path:
    unpacked = folder / package
    if not unpacked.exists():
        run("apt-get", "download", package, cwd=folder)
        (archive,) = folder.glob(f"{package}_*.deb")
        run("dpkg-deb", "--extract", str(archive), str(unpacked))
    return unpacked


def toolchain_html() -> Path:
    asked = subprocess.run([required("rustc"), "--print", "sysroot"], check=True, capture_output=True, text=True)
    html = Path(asked.stdout.strip()) / "share/doc/rust/html"
    if not html.is_dir():
        sys.exit("the toolchain's documentation is not installed: rustup component add rust-docs")
    return html


def run(program: str, *arguments: str, cwd: Path | None = None) -> None:
    subprocess.run([required(program), *arguments], check=True, cwd=cwd)


def required(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        sys.exit(f"{program} is not installed (the documents may be put into --documents by hand)")
    return path


def ask_all(program: Path, sources: list[Path], work: Path) -> int:
    (work / "empty").mkdir()
    ready_file = work / "ready.json"
    command = [program, "dev", "--port", "0", "--data-dir", work / "data", "--docs", work / "empty"]
    with subprocess.Popen([*command, "--ready-file", ready_file], stdout=subprocess.DEVNULL) as server:
        try:
            ready = wait_until_ready(server, ready_file)
            environment = {**os.environ, "DATABASE_URL": ready["database_url"]}
            ingest = ["ingest", *map(str, sources), "--source-base-url", BASE_URL]
            print("$ autri", *ingest, flush=True)
            # One that fails on single files says which, and exits with 1: the questions decide.
            subprocess.run([program, *ingest], env=environment, check=False)
            questions = json.loads((HERE / "questions.json").read_text())
            found = [report(Client(ready), question) for question in questions]
        finally:
            server.terminate()
    print(f"{sum(found)} of {len(found)} questions have their passage within the first {FIRST}")
    return 0 if all(found) else 1


def wait_until_ready(server: subprocess.Popen[bytes], ready_file: Path) -> dict[str, str]:
    while not ready_file.exists():
        if server.poll() is not None:
            sys.exit("autri dev ended before it was ready")
        time.sleep(0.2)
    return json.loads(ready_file.read_text())


class Client:
    """The MCP server, as a client sees it."""

    def __init__(self, ready: dict[str, str]) -> None:
        self.url, self.token = ready["url"], ready["token"]

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        headers = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-11-25",
        }
        request = urllib.request.Request(self.url, json.dumps(message).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["result"]["structuredContent"]


def report(client: Client, question: dict[str, Any]) -> bool:
    started = time.monotonic()
    results = client.call("search", {"query": question["question"], "limit": 10})["results"]
    millis = (time.monotonic() - started) * 1e3
    answers = (place for place, result in enumerate(results, 1) if is_answer(client, result, question))
    place = next(answers, None)
    print(f"{place or '-':>3}  {question['question']}  ({millis:.0f} ms)")
    for number, result in enumerate(results[:FIRST], 1):
        page = f", page {result['page']}" if "page" in result else ""
        print(f"       {number}. {' > '.join([result['title'], *result['heading_path']])}{page}")
        print(f"          {result['snippet']!r}")
    return place is not None and place <= FIRST


def is_answer(client: Client, result: dict[str, Any], question: dict[str, Any]) -> bool:
    if result["url"].removeprefix(BASE_URL) not in question["documents"]:
        return False
    passages = [result["id"], *result.get("neighbours", [])]
    texts = (client.call("fetch", {"id": passage})["text"] for passage in passages)
    return any(squeezed(question["passage"]) in squeezed(text) for text in texts)


def squeezed(text: str) -> str:
    """Without white space and Markdown's signs: how a passage is broken into lines and marked up is not its content."""
    return "".join(character for character in text if not character.isspace() and character not in "\\*_`")


if __name__ == "__main__":
    sys.exit(main())
