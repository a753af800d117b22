"""An image as an OCI archive holds it: read with the standard library, so that no tool that made it judges it too.

The format is https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md, in a tar file. Nothing that is
in the archive is believed: each blob must have the digest and the size by which it is referred to, and a layer's paths
are resolved inside the image, never on this machine.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
# In a layer, `.wh.name` removes `name` and this one all that its folder had (layer.md, "Whiteouts").
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
# As many as Linux follows before it calls a path a loop (path_resolution(7)).
MAX_LINKS = 40


class BadImage(Exception):
    """The archive is not what the format asks for, or not what its digests say; the text says which."""


@dataclass(frozen=True)
class Entry:
    """A file, folder or symbolic link of the image."""

    path: str
    mode: int
    uid: int
    gid: int
    content: bytes = b""
    link: str = ""
    # File capabilities, of which a mode tells nothing (capabilities(7)).
    has_capabilities: bool = False

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    def __str__(self) -> str:
        return f"{stat.filemode(self.mode)} {self.uid}:{self.gid} {self.path}"


class Tree:
    """The file system that the layers make, one laid over the other. A path has no slash at its beginning."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def files(self) -> Iterator[Entry]:
        return (entry for entry in self if entry.is_file)

    def find(self, path: str) -> Entry | None:
        """What is at `path`, with symbolic links followed as a process in the image would."""
        return self._entries.get(self._resolve(path))

    def read(self, path: str) -> bytes:
        entry = self.find(path)
        if entry is None or not entry.is_file:
            raise BadImage(f"the image has no file {path}")
        return entry.content

    def lay(self, layer: bytes) -> None:
        """Lays a layer over what is there: first what it removes, then what it brings (layer.md, "Whiteouts")."""
        with tarfile.open(fileobj=io.BytesIO(layer), mode="r:") as tar:
            members = tar.getmembers()
            for member in members:
                path = _inside(member.name)
                if path.name.startswith(WHITEOUT):
                    self._remove(path)
            for member in members:
                path = _inside(member.name)
                if not path.name.startswith(WHITEOUT) and path.parts:
                    self._add(path, member, tar)

    def unpack(self, root: Path) -> None:
        """Writes it to an empty folder, with owners and modes, which takes root. No path leads through a link."""
        for entry in sorted(self, key=lambda entry: (not entry.is_folder, entry.path)):
            target = root / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            if entry.is_folder:
                target.mkdir(exist_ok=True)
            elif entry.is_link:
                target.symlink_to(entry.link)
            else:
                target.write_bytes(entry.content)
            os.chown(target, entry.uid, entry.gid, follow_symlinks=False)
            if (
                not entry.is_link
            ):  # a link has no mode; and after the owner, because a change of that takes the set-user bit
                target.chmod(stat.S_IMODE(entry.mode))

    def _remove(self, whiteout: PurePosixPath) -> None:
        folder = self._resolve(str(whiteout.parent))
        if whiteout.name == OPAQUE:
            gone = f"{folder}/" if folder else ""
        else:
            path = str(PurePosixPath(folder) / whiteout.name.removeprefix(WHITEOUT))
            self._entries.pop(path, None)
            gone = f"{path}/"
        self._entries = {path: entry for path, entry in self._entries.items() if not path.startswith(gone)}

    def _add(self, path: PurePosixPath, member: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
        place = str(PurePosixPath(self._resolve(str(path.parent))) / path.name)
        content, link = b"", ""
        if member.isdir():
            kind = stat.S_IFDIR
        elif member.issym():
            kind, link = stat.S_IFLNK, member.linkname
        elif member.islnk():
            same = self._entries.get(self._resolve(str(_inside(member.linkname))))
            if same is None or not same.is_file:
                raise BadImage(f"{path} is a hard link to {member.linkname}, which is no file")
            kind, content = stat.S_IFREG, same.content
        elif member.isreg() and (opened := tar.extractfile(member)):
            kind, content = stat.S_IFREG, opened.read()
        else:
            raise BadImage(f"{path} is a device, a pipe or something else that an image has no use for")
        before = self._entries.get(place)
        if before and before.is_folder and kind != stat.S_IFDIR:
            raise BadImage(f"{path} was a folder and is none in a later layer, without a whiteout")
        capabilities = "SCHILY.xattr.security.capability" in member.pax_headers
        mode = kind | stat.S_IMODE(member.mode)
        self._entries[place] = Entry(place, mode, member.uid, member.gid, content, link, capabilities)

    def _resolve(self, path: str, links: int = 0) -> str:
        """The path without links, `.` and `..`: like the kernel's own way for a process whose root this is."""
        found: list[str] = []
        for position, part in enumerate(parts := [part for part in path.split("/") if part not in ("", ".")]):
            if part == "..":
                found = found[:-1]
                continue
            found.append(part)
            entry = self._entries.get("/".join(found))
            if entry and entry.is_link:
                if links >= MAX_LINKS:
                    raise BadImage(f"{path} is a loop of links")
                start = "" if entry.link.startswith("/") else "/".join(found[:-1])
                rest = "/".join(parts[position + 1 :])
                return self._resolve(f"{start}/{entry.link}/{rest}", links + 1)
        return "/".join(found)


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise BadImage(f"a layer has the path {name!r}, which leads out of the image")
    return path


@dataclass(frozen=True)
class Image:
    """An image: its configuration and what its layers make."""

    config_blob: bytes
    config: dict[str, Any]
    layers: tuple[bytes, ...]
    tree: Tree = field(default_factory=Tree)

    @classmethod
    def read(cls, archive: Path) -> Image:
        """Reads the one image of an archive. Raises `BadImage` if it is not whole."""
        with tarfile.open(archive, mode="r:") as tar:
            index = json.loads(_member(tar, "index.json"))
            manifests = index["manifests"]
            if len(manifests) != 1:
                raise BadImage(
                    f"the archive has {len(manifests)} manifests; it is to have one image, for one processor"
                )
            manifest = json.loads(_blob(tar, manifests[0], MANIFEST))
            config_blob = _blob(tar, manifest["config"], CONFIG)
            layers = tuple(_blob(tar, layer, LAYER) for layer in manifest["layers"])
        image = cls(config_blob, json.loads(config_blob), layers)
        diff_ids = image.config["rootfs"]["diff_ids"]
        if len(diff_ids) != len(layers):
            raise BadImage(f"the configuration tells of {len(diff_ids)} layers, the manifest of {len(layers)}")
        for layer, diff_id in zip(layers, diff_ids, strict=True):
            content = gzip.decompress(layer)
            if _digest(content) != diff_id:
                raise BadImage(f"a layer's content is {_digest(content)}; the configuration says {diff_id}")
            image.tree.lay(content)
        return image

    @property
    def settings(self) -> dict[str, Any]:
        """How a container is started (config.md, "config")."""
        return self.config["config"]

    @property
    def environment(self) -> dict[str, str]:
        return dict(variable.split("=", 1) for variable in self.settings.get("Env") or [])

    @property
    def compressed(self) -> int:
        """Bytes that a pull fetches, without the manifest: what a registry tells as the image's size."""
        return len(self.config_blob) + sum(map(len, self.layers))

    @property
    def uncompressed(self) -> int:
        """Bytes of its files."""
        return sum(len(entry.content) for entry in self.tree.files())

    def write_docker_archive(self, path: Path, tag: str) -> None:
        """The same image as `docker load` takes it from every Docker: one without the containerd image store looks for
        `manifest.json` (https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md), which OCI's layout has not."""
        names = [f"blobs/sha256/{hashlib.sha256(layer).hexdigest()}" for layer in self.layers]
        config_name = f"blobs/sha256/{hashlib.sha256(self.config_blob).hexdigest()}"
        manifest = [{"Config": config_name, "RepoTags": [tag], "Layers": names}]
        blobs = {config_name: self.config_blob, **dict(zip(names, self.layers, strict=True))}
        with tarfile.open(path, mode="w:") as tar:
            for name, content in {**blobs, "manifest.json": json.dumps(manifest).encode()}.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    # Some tools write `./index.json`.
    found = next((member for member in tar.getmembers() if member.name.removeprefix("./") == name), None)
    opened = tar.extractfile(found) if found and found.isreg() else None
    if opened is None:
        raise BadImage(f"the archive has no {name}")
    return opened.read()


def _blob(tar: tarfile.TarFile, descriptor: dict[str, Any], media_type: str) -> bytes:
    """The blob that a descriptor refers to, if it is that very one (descriptor.md)."""
    digest = str(descriptor["digest"])
    algorithm, _, value = digest.partition(":")
    if descriptor["mediaType"] != media_type:
        raise BadImage(f"{digest} is of type {descriptor['mediaType']}; expected {media_type}")
    if algorithm != "sha256":
        raise BadImage(f"{digest} is no SHA-256")
    content = _member(tar, f"blobs/sha256/{value}")
    if (_digest(content), len(content)) != (digest, descriptor["size"]):
        raise BadImage(f"{digest} of {descriptor['size']} bytes is {_digest(content)} of {len(content)} bytes")
    return content


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
