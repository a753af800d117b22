"""The command line's image, as `docker/build` made it: whether it does an operator's task, confined as in a deployment.

What the two images have in common is looked at in the server's (`released_image.py`).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import checks
from chain import READY
from container import Container, Engine, engine_for
from oci_image import Image

ARTEFACTS = Path(checks.required("AUTRI_ARTEFACTS"))
ARCHITECTURE = os.environ.get("AUTRI_IMAGE_ARCHITECTURE") or "arm64"


@dataclass(frozen=True)
class CommandLine:
    """The image, and what starts it."""

    image: Image
    engine: Engine

    async def run(self, *words: str, **settings: str) -> tuple[int, Container]:
        """A task, run to its end: its exit code, and what it wrote."""
        async with self.engine.start(settings, *words) as container:
            return await container.ended(), container


async def it_starts_the_command_line_as_nobody_in_particular(autri: CommandLine) -> None:
    settings = autri.image.settings
    started = (settings.get("Entrypoint"), settings.get("Cmd") or [], settings.get("User"))
    assert started == (["/usr/local/bin/autri"], [], "65532:65532"), f"{started}"


async def it_tells_the_state_of_the_schema(autri: CommandLine) -> None:
    code, container = await autri.run("--json", "db", "status", DATABASE_URL=READY["database_url"])
    assert code == 0, f"exit code {code}: {container.stderr!r}"
    migrations = json.loads(container.stdout)
    assert migrations and all(migration["applied"] for migration in migrations), f"{migrations}"


async def without_a_database_it_says_how_to_name_one(autri: CommandLine) -> None:
    code, container = await autri.run("org", "list")
    assert code == 1 and "DATABASE_SECRET_ARN" in container.stderr, f"exit code {code}: {container.stderr!r}"


async def it_makes_no_development_tokens(autri: CommandLine) -> None:
    for command in ("dev", "token"):
        code, container = await autri.run(command)
        assert code == 2 and "unrecognized subcommand" in container.stderr, f"exit code {code}: {container.stderr!r}"


CHECKS = (
    it_starts_the_command_line_as_nobody_in_particular,
    it_tells_the_state_of_the_schema,
    without_a_database_it_says_how_to_name_one,
    it_makes_no_development_tokens,
)


async def session() -> checks.Report:
    report = checks.Report()
    archive = ARTEFACTS / f"autri-cli-{ARCHITECTURE}.oci.tar"
    try:
        assert archive.exists(), f"there is no {archive}: `docker/build --target cli --arch {ARCHITECTURE}` makes it"
        image = Image.read(archive)
        with engine_for(image, ARCHITECTURE) as engine:
            for check in CHECKS:
                await report.check(CommandLine(image, engine), check)
    except Exception as error:  # the image cannot be read, or this machine cannot start it
        report.failure("it can be started", error)
    return report


if __name__ == "__main__":
    checks.main(session())
