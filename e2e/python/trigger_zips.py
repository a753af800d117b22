"""Zips for the triggers: those of a release, and those that Lambda could not run, or that end as soon as it does."""

from __future__ import annotations

import base64
import hashlib
import platform
import secrets
import shutil
import stat
import zipfile
from pathlib import Path

import checks

PRE_TOKEN, POST_CONFIRMATION = "pre-token-generation", "post-confirmation"
# The folder of the artefacts, and what Lambda calls it.
_FOLDER, ARCHITECTURE = {
    "x86_64": ("x86-64", "x86_64"),
    "aarch64": ("arm64", "arm64"),
    "arm64": ("arm64", "arm64"),
}[platform.machine()]
_ARTEFACTS = Path(checks.required("AUTRI_ARTEFACTS")) / "lambda" / _FOLDER


def _elf(machine: int, code: bytes) -> bytes:
    """The smallest Linux program: its header, one segment, and this code."""
    start, base = 64 + 56, 0x400000

    def numbers(*pairs: tuple[int, int]) -> bytes:
        return b"".join(value.to_bytes(size, "little") for value, size in pairs)

    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + numbers(
        (2, 2), (machine, 2), (1, 4), (base + start, 8), (64, 8), (0, 8), (0, 4), (64, 2), (56, 2), (1, 2), (0, 6)
    )
    size = start + len(code)
    segment = numbers((1, 4), (5, 4), (0, 8), (base, 8), (base, 8), (size, 8), (size, 8), (0x10000, 8))
    return header + segment + code


# Programs that end at once, with exit status 1.
ENDS = {
    "x86_64": _elf(0x3E, bytes.fromhex("b83c000000 bf01000000 0f05")),
    "arm64": _elf(0xB7, bytes.fromhex("200080d2 a80b80d2 010000d4")),
}


def zip_of(folder: Path, content: bytes, name: str = "bootstrap", mode: int = 0o755, stem: str = PRE_TOKEN) -> Path:
    """A zip with one file, called as one of the triggers' is."""
    path = folder / secrets.token_hex(4) / f"{stem}.zip"
    path.parent.mkdir()
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFREG | mode) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, content)
    return path


def released(program: str) -> Path:
    return _ARTEFACTS / f"{program}.zip"


def other_bytes(folder: Path, program: str) -> Path:
    """The same program in another zip, which is other code to Lambda."""
    path = folder / secrets.token_hex(4) / f"{program}.zip"
    path.parent.mkdir()
    shutil.copyfile(released(program), path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = secrets.token_hex(4).encode()
    return path


def code_sha256(path: Path) -> str:
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
