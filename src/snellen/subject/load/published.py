"""Published weights: downloaded once into a cache, whole and with the right hash, or not at all."""

import hashlib
import http.client
import os
import re
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO
from urllib.parse import unquote, urlparse

from snellen._errors import NetworkError, unknown

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far and, where the server tells, the bytes in all."""

_CHUNK = 1 << 20
_TIMEOUT = 30.0

PUBLISHED: Mapping[str, str] = MappingProxyType(
    {
        file.partition("-")[0]: f"https://download.pytorch.org/models/{file}.pth"
        for file in (
            "vgg11-8a719046",
            "vgg13-19584684",
            "vgg16-397923af",
            "vgg19-dcbb9e9d",
            "vgg11_bn-6002323d",
            "vgg13_bn-abd245e5",
            "vgg16_bn-6c64b313",
            "vgg19_bn-c79401a0",
        )
    }
)
"""ImageNet weights by the name of their network; each file name ends in the first 8 digits of its SHA-256."""


def cache_folder() -> Path:
    """Where downloads are kept: ``$SNELLEN_CACHE``, else ``~/.cache/snellen``."""
    chosen = os.environ.get("SNELLEN_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "snellen"


def is_url(source: str | os.PathLike[str]) -> bool:
    """Whether this names something to fetch: it begins with ``http://``, ``https://`` or ``file://``."""
    return isinstance(source, str) and source.startswith(("http://", "https://", "file://"))


def published_weights(name: str, *, progress: Progress | None = None) -> Path:
    """The file of a network's published ImageNet weights, downloaded if it is not yet in the cache.

    Args:
        name: a name of :data:`PUBLISHED`, such as ``vgg16``.
        progress: called with (bytes so far, bytes in all or None).

    Raises:
        UsageError: no weights are published under this name.
        NetworkError: offline, or the file is not what was published.

    >>> published_weights("vgg16")  # doctest: +SKIP
    PosixPath('/home/me/.cache/snellen/vgg16-397923af.pth')
    """
    if name not in PUBLISHED:
        raise unknown("published weights", name, PUBLISHED)
    url = PUBLISHED[name]
    return fetch(url, sha256=_hash(url), progress=progress)


def is_published(name: str, file: str | os.PathLike[str]) -> bool:
    """Whether a file, whatever it is called, has the hash of a network's published weights."""
    if not Path(file).is_file():
        return False
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest().startswith(_hash(PUBLISHED[name]))


def _hash(url: str) -> str:
    """The first digits of the file's SHA-256, which these URLs carry in their name."""
    digits = re.search(r"-([0-9a-f]{8})\.pth$", url)
    return digits[1] if digits else ""


def fetch(url: str, *, sha256: str = "", progress: Progress | None = None) -> Path:
    """The file behind a URL, from the cache if it is there.

    The download is written beside its final name, flushed to the disk, checked and only then renamed: a file
    in the cache is always whole. A file that somebody put there by hand is checked in the same way.

    Args:
        url: ``http://``, ``https://`` or ``file://``.
        sha256: the digits with which the file's SHA-256 must begin; without them nothing is checked, and the
            cached name carries a mark of the URL so that two files of the same name are not confused.
        progress: called with (bytes so far, bytes in all or None).

    Raises:
        NetworkError: it cannot be fetched, is cut short, or has another hash; nothing is left behind.

    >>> fetch("https://example.org/net.safetensors")  # doctest: +SKIP
    PosixPath('/home/me/.cache/snellen/1c2f3a4b-net.safetensors')
    """
    name = Path(unquote(urlparse(url).path)).name or "weights"
    if not sha256:
        name = f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{name}"
    target = cache_folder() / name
    if target.exists():
        _check_cached(target, url, sha256)
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(url, target, sha256, progress)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NetworkError(
            f"cannot fetch {url}: {type(error).__name__}: {error}. "
            f"Without a network connection, get the file elsewhere and put it at {target}"
        ) from error
    return target


def _check_cached(target: Path, url: str, sha256: str) -> None:
    if not sha256:
        return
    with target.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(sha256):
        raise NetworkError(
            f"{target} should begin its SHA-256 with {sha256}, got {found[:16]}...: it is not the file "
            f"published at {url}, or was cut short. Delete it, and it will be downloaded again."
        )


def _download(url: str, target: Path, sha256: str, progress: Progress | None) -> None:
    handle, aside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            found = _receive(url, file, progress)
            file.flush()
            os.fsync(file.fileno())
        if not found.startswith(sha256):
            raise NetworkError(
                f"the file at {url} should begin its SHA-256 with {sha256}, got {found[:16]}...: it was "
                f"changed or damaged on its way and is not kept. Try again, or put the right file at {target}"
            )
        Path(aside).replace(target)
    finally:
        with suppress(FileNotFoundError):
            Path(aside).unlink()


def _receive(url: str, file: IO[bytes], progress: Progress | None) -> str:
    """Write the body into the file; its SHA-256."""
    digest, received = hashlib.sha256(), 0
    with closing(urllib.request.urlopen(url, timeout=_TIMEOUT)) as response:
        stated = response.headers.get("Content-Length")
        total = int(stated) if stated else None
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            if progress is not None:
                progress(received, total)
    if total is not None and received != total:
        raise OSError(f"the connection ended after {received:,} of {total:,} bytes")
    return digest.hexdigest()
