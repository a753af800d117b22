"""Becomes a program of an unpacked image, with no more around it than a container gives: for machines without Docker.

    confine.py --root FOLDER --user UID:GID [--directory /] [--own-network] [--emulator QEMU] -- PROGRAM [ARGUMENT…]

The program gets this process's environment and id. Its root is FOLDER, read-only, with /proc and nothing else mounted;
it has no capability, cannot gain one, and ends with the process that started it. Takes root, and Linux: the manual
pages are mount_namespaces(7), capabilities(7) and prctl(2).

An order of commands (`unshare`, `chroot`, `setpriv`) would need a program inside the image that drops the last
privileges, and the image has none.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path

# <sched.h>, <sys/mount.h>, <sys/prctl.h>
CLONE_NEWNS, CLONE_NEWNET = 0x0002_0000, 0x4000_0000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38

_LIBC = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """A function of the C library that returns 0 if all is well."""
    if getattr(_LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(source: str, target: Path, kind: str | None, flags: int) -> None:
    filesystem = None if kind is None else kind.encode()
    call("mount", source.encode(), bytes(target), filesystem, ctypes.c_ulong(flags), None)


def enter(root: Path, directory: str, own_network: bool) -> None:
    """Takes `root` for this process's own, without any way to write to it. Nobody else sees these mounts."""
    call("unshare", CLONE_NEWNS | (CLONE_NEWNET if own_network else 0))
    mount("none", Path("/"), None, MS_REC | MS_PRIVATE)
    mount(str(root), root, None, MS_BIND)
    mount("proc", root / "proc", "proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("none", root, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    os.chroot(root)
    os.chdir(directory)


def drop_privileges(uid: int, gid: int, capabilities: range) -> None:
    """Nothing is left of root afterwards, and no program can bring it back."""
    for capability in capabilities:
        call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Last, because a change of user cancels it.
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--directory", default="/")
    parser.add_argument("--own-network", action="store_true")
    parser.add_argument("--emulator")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    uid, gid = (int(number) for number in options.user.split(":"))
    # All that this machine has to give is taken before the root changes, Python's own modules included. The emulator is
    # open then, and so runs in the image without being in it.
    emulator = os.open(options.emulator, os.O_RDONLY) if options.emulator else None
    capabilities = range(int(Path("/proc/sys/kernel/cap_last_cap").read_bytes()) + 1)
    enter(options.root, options.directory, options.own_network)
    drop_privileges(uid, gid, capabilities)
    if emulator is None:
        os.execve(options.program[0], options.program, os.environ)  # noqa: S606 - this is what it is for
    os.execve(emulator, ["qemu", *options.program], os.environ)  # noqa: S606


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"confine: {error}")
