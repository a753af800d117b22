"""An image's containers: started as a deployment starts them, with less around them than AgentCore gives.

Docker starts them if a daemon answers. Otherwise, on Linux as root, `confine.py` does; an emulator stands in for a
processor that this machine has not. Either way the root file system is read-only, there is no capability, and no way to
gain one.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oci_image import Image

# What Docker and OCI call processors, by what the kernel and Qemu call them.
PROCESSORS = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
EMULATORS = {"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}
# Seconds; nothing here takes as many unless it hangs.
LIMIT = 60


@dataclass
class Container:
    """A started process: what it writes, and how it ends."""

    name: str
    process: asyncio.subprocess.Process
    # By time.perf_counter, just before it was started.
    started: float
    stdout: str = ""
    stderr: str = ""
    _listening: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    _reading: asyncio.Future[Any] | None = None

    def read(self) -> None:
        """Begins to keep what it writes."""
        self._reading = asyncio.gather(self._read_stdout(), self._read_stderr())

    async def _read_stdout(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            self.stdout += line.decode()

    async def _read_stderr(self) -> None:
        """Notes the address that it tells of."""
        assert self.process.stderr
        async for line in self.process.stderr:
            self.stderr += (text := line.decode(errors="replace"))
            if address := _address(text):
                self._listening.set_result(address)
        code = await self.process.wait()
        if not self._listening.done():
            error = AssertionError(f"ended with exit code {code} before it listened, and said {self.stderr!r}")
            self._listening.set_exception(error)
            self._listening.exception()  # whoever does not ask for the address need not hear of it

    async def address(self) -> str:
        """Where it listens, as soon as it does."""
        return await asyncio.wait_for(asyncio.shield(self._listening), LIMIT)

    async def ended(self, limit: float = LIMIT) -> int:
        """Waits until it has ended by itself; its exit code."""
        try:
            code = await asyncio.wait_for(self.process.wait(), limit)
        except asyncio.TimeoutError:  # noqa: UP041 - before Python 3.11 it is not the built-in one
            raise AssertionError(f"still runs after {limit} s, and says {self.stderr!r}") from None
        if self._reading:
            await self._reading
        return code


def _address(line: str) -> str | None:
    """The address in the line with which the server tells that it listens."""
    try:
        fields = json.loads(line)["fields"]
    except (ValueError, TypeError, KeyError):
        return None
    return fields["address"] if fields.get("message") == "listening" else None


@dataclass(frozen=True)
class Confinement:
    """What a running container may do."""

    # Of its processes, users and groups alike.
    ids: frozenset[int]
    capabilities: int
    no_new_privileges: bool
    # Mounts to which the kernel would let somebody write.
    writable: tuple[str, ...]


class Engine(ABC):
    """A way to start containers of one image."""

    name: str

    @asynccontextmanager
    async def start(
        self, settings: Mapping[str, str], *words: str, own_network: bool = False
    ) -> AsyncIterator[Container]:
        """Starts a container with the image's environment and `settings`, and with `words` as its program's arguments,
        on this machine's network or on none. It is killed at the end if it still runs."""
        name = f"autri-released-image-{secrets.token_hex(6)}"
        arguments, environment = self.command(name, settings, own_network)
        arguments += words
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *arguments, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        container = Container(name, process, started)
        container.read()
        try:
            yield container
        finally:
            if process.returncode is None:
                self.kill(container)
                await container.ended()

    @abstractmethod
    def command(self, name: str, settings: Mapping[str, str], own_network: bool) -> tuple[list[str], dict[str, str]]:
        """The command that becomes a container, ends when it does and with its exit code, and passes SIGTERM on; and
        the command's environment."""

    @abstractmethod
    def confinement(self, container: Container) -> Confinement: ...

    @abstractmethod
    def kill(self, container: Container) -> None: ...


class Docker(Engine):
    name = "docker run"

    def __init__(self, tag: str, architecture: str) -> None:
        self.tag = tag
        self.architecture = architecture

    def command(self, name: str, settings: Mapping[str, str], own_network: bool) -> tuple[list[str], dict[str, str]]:
        arguments = [
            "docker", "run", "--rm", "--name", name, "--platform", f"linux/{self.architecture}",
            "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--network", "none" if own_network else "host",
        ]  # fmt: skip
        # By name alone: everybody on the machine can read a command line.
        arguments += [word for setting in settings for word in ("--env", setting)]
        return [*arguments, self.tag], docker_environment() | dict(settings)

    def confinement(self, container: Container) -> Confinement:
        (told,) = json.loads(docker("container", "inspect", container.name))
        host = told["HostConfig"]
        mounts = [mount["Destination"] for mount in told["Mounts"] if mount["RW"]]
        processes = docker("top", container.name, "-o", "pid,uid,gid").splitlines()[1:]
        return Confinement(
            ids=frozenset(int(number) for line in processes for number in line.split()[1:]),
            capabilities=0 if host["CapDrop"] == ["ALL"] and not host.get("CapAdd") and not host["Privileged"] else -1,
            no_new_privileges=any(option.startswith("no-new-privileges") for option in host.get("SecurityOpt") or ()),
            writable=(*mounts, *(host.get("Tmpfs") or ())) if host["ReadonlyRootfs"] else ("/", *mounts),
        )

    def kill(self, container: Container) -> None:
        docker("rm", "--force", container.name)


class Confined(Engine):
    def __init__(self, image: Image, root: Path, emulator: str | None) -> None:
        self.name = f"chroot under {Path(emulator).name}" if emulator else "chroot"
        self.settings = image.settings
        self.environment = image.environment
        self.root = root
        self.emulator = emulator

    def command(self, name: str, settings: Mapping[str, str], own_network: bool) -> tuple[list[str], dict[str, str]]:
        user = self.settings.get("User") or "0:0"
        arguments = [sys.executable, "-I", "-S", str(Path(__file__).with_name("confine.py"))]
        arguments += ["--root", str(self.root), "--user", user if ":" in user else f"{user}:0"]
        arguments += ["--directory", self.settings.get("WorkingDir") or "/"]
        arguments += ["--own-network"] if own_network else []
        arguments += ["--emulator", self.emulator] if self.emulator else []
        program = (self.settings.get("Entrypoint") or []) + (self.settings.get("Cmd") or [])
        return [*arguments, "--", *program], self.environment | dict(settings)

    def confinement(self, container: Container) -> Confinement:
        process = Path("/proc", str(container.process.pid))
        lines = (process / "status").read_text(encoding="utf-8").splitlines()
        status = dict(line.split(":\t", 1) for line in lines)
        # `36 35 98:0 /in-its-file-system /mount-point rw,noatime …` (proc_pid_mountinfo(5)), of what it can reach.
        mounts = [line.split() for line in (process / "mountinfo").read_text(encoding="utf-8").splitlines()]
        return Confinement(
            ids=frozenset(int(number) for kind in ("Uid", "Gid", "Groups") for number in status[kind].split()),
            capabilities=sum(int(status[kind], 16) for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")),
            no_new_privileges=status["NoNewPrivs"] == "1",
            writable=tuple(mount[4] for mount in mounts if "ro" not in mount[5].split(",")),
        )

    def kill(self, container: Container) -> None:
        container.process.kill()


@contextmanager
def engine_for(image: Image, architecture: str) -> Iterator[Engine]:
    """The engine that this machine has. Raises `AssertionError` that says what is missing."""
    tag = f"autri-released-image:{secrets.token_hex(6)}"
    with tempfile.TemporaryDirectory(prefix="autri-released-image-") as folder:
        if shutil.which("docker") and _docker("info").returncode == 0:
            archive = Path(folder, "image.tar")
            image.write_docker_archive(archive, tag)
            docker("load", "--quiet", "--input", str(archive))
            try:
                yield Docker(tag, architecture)
            finally:
                docker("rmi", "--force", tag)
        else:
            assert sys.platform == "linux" and os.geteuid() == 0, (
                "an image is started by Docker, whose daemon does not answer `docker info` here, or on Linux by root"
            )
            root = Path(folder, "root")
            root.mkdir()
            image.tree.unpack(root)
            # As every container engine does where an image has no such folder.
            (root / "proc").mkdir(exist_ok=True)
            root.chmod(0o755)
            yield Confined(image, root, _emulator(architecture))


def is_emulated(architecture: str) -> bool:
    return PROCESSORS.get(platform.machine().lower()) != architecture


def _emulator(architecture: str) -> str | None:
    if not is_emulated(architecture):
        return None
    name = EMULATORS[architecture]
    path = shutil.which(name)
    assert path, f"the image is for {architecture}, which takes {name} here: on Debian apt-get install qemu-user-static"
    return path


def docker_environment() -> dict[str, str]:
    """This process's, and the client's configuration where it really is: `cargo e2e` gives its suites another home."""
    home = pwd.getpwuid(os.getuid()).pw_dir
    return {"DOCKER_CONFIG": str(Path(home, ".docker"))} | os.environ


def docker(*arguments: str) -> str:
    """What a command of Docker's client writes."""
    ended = _docker(*arguments)
    assert ended.returncode == 0, f"docker {' '.join(arguments)}: {ended.stderr.strip()}"
    return ended.stdout


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the arguments are this program's own
        ["docker", *arguments], env=docker_environment(),  # noqa: S607 - wherever it is installed
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5 * LIMIT, check=False,
    )  # fmt: skip
