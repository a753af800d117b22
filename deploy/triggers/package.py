"""What a function is shipped as: a zip with one program, `bootstrap`, and what has to be true of it.

`package.py pack SOURCE DESTINATION` writes SOURCE again with nothing in it that depends on when and where it was
made, and prints the figures. Standard library alone: whoever builds needs no AWS.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import stat
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

# The C library of Lambda's `provided.al2023`: 2.34, as Amazon Linux 2023 has it
# (https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html). A program that asks for more does not start.
GLIBC = (2, 34)
# Fetched and unpacked at every cold start; both programs are well below.
MAX_BYTES = 6_000_000
BOOTSTRAP = "bootstrap"
# e_machine of the ELF header, by the names that Lambda has for its architectures.
MACHINES = {0xB7: "arm64", 0x3E: "x86_64"}
# The oldest time that a zip can tell.
EPOCH = (1980, 1, 1, 0, 0, 0)


class BadZip(Exception):
    """Nothing that Lambda could run; the text says why."""


@dataclass(frozen=True)
class LambdaZip:
    """A zip that was looked into."""

    path: Path
    size: int
    architecture: str
    # The newest symbol version that the program asks of the C library; None if it asks nothing of it.
    glibc: tuple[int, int] | None
    # As Lambda tells it of what it was given (`CodeSha256`).
    code_sha256: str

    def __str__(self) -> str:
        glibc = f"GLIBC_{self.glibc[0]}.{self.glibc[1]}" if self.glibc else "no glibc"
        return f"{self.path}: {self.size / 1e6:.2f} MB, {self.architecture}, {glibc}, CodeSha256 {self.code_sha256}"


def read(path: Path) -> LambdaZip:
    """Looks into the zip at `path`. Raises `BadZip` unless Lambda could run it and it is as small as it should be."""
    content = read_bytes(path)
    if len(content) > MAX_BYTES:
        raise BadZip(f"{path} has {len(content) / 1e6:.2f} MB, and {MAX_BYTES / 1e6:.0f} MB are the limit")
    program = read_bootstrap(path)
    glibc = newest_glibc(program)
    if glibc and glibc > GLIBC:
        raise BadZip(f"{path} needs glibc {glibc[0]}.{glibc[1]}, and Lambda has {GLIBC[0]}.{GLIBC[1]}")
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return LambdaZip(path, len(content), architecture_of(program, path), glibc, digest)


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadZip(f"{path} cannot be read ({error.strerror}); `deploy/build-lambdas` makes it") from error


def read_bootstrap(path: Path) -> bytes:
    """The program in the zip, which is all that there is in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.namelist() != [BOOTSTRAP]:
                raise BadZip(f"{path} should hold one file, `{BOOTSTRAP}`, and holds {archive.namelist()}")
            mode = archive.getinfo(BOOTSTRAP).external_attr >> 16
            if not mode & stat.S_IXOTH:
                raise BadZip(f"`{BOOTSTRAP}` in {path} is not executable for everybody")
            return archive.read(BOOTSTRAP)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise BadZip(f"{path} is no zip: {error}") from error


def architecture_of(program: bytes, path: Path) -> str:
    """By the ELF header: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html"""
    machine = int.from_bytes(program[18:20], "little")
    # The magic number, 64 bits, the little end first.
    if program[:6] != b"\x7fELF\x02\x01" or machine not in MACHINES:
        raise BadZip(f"`{BOOTSTRAP}` in {path} is no Linux program for arm64 or x86-64")
    return MACHINES[machine]


def newest_glibc(program: bytes) -> tuple[int, int] | None:
    """By the names of symbol versions, wherever they stand. What merely looks like one is counted too: it can only
    make this stricter than the loader."""
    found = re.findall(rb"GLIBC_(\d+)\.(\d+)", program)
    return max(((int(major), int(minor)) for major, minor in found), default=None)


def pack(source: Path, destination: Path) -> LambdaZip:
    """Writes the zip at `source` again: equal programs give equal bytes, so that Lambda sees that nothing changed."""
    program = read_bootstrap(source)
    destination.parent.mkdir(parents=True, exist_ok=True)
    scratch = destination.with_name(f".{destination.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(scratch, "w") as archive:
            entry = zipfile.ZipInfo(BOOTSTRAP, EPOCH)
            entry.create_system = 3  # Unix: the mode counts
            entry.external_attr = (stat.S_IFREG | 0o755) << 16
            archive.writestr(entry, program, zipfile.ZIP_DEFLATED, compresslevel=9)
        scratch.replace(destination)
    finally:
        scratch.unlink(missing_ok=True)
    return read(destination)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("pack", help="write a zip again, reproducibly, and print its figures")
    command.add_argument("source", type=Path)
    command.add_argument("destination", type=Path)
    options = parser.parse_args()
    try:
        print(pack(options.source, options.destination))
    except BadZip as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
