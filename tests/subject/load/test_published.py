"""Downloads: whole and with the right hash, or not at all. No network is used."""

import hashlib
import io
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest

from snellen._errors import NetworkError, UsageError
from snellen.subject.load import published
from snellen.subject.load.published import PUBLISHED, cache_folder, fetch, is_url, published_weights

BODY = b"weights" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SNELLEN_CACHE", str(folder))
    return folder


@pytest.fixture
def url(tmp_path: Path) -> str:
    (tmp_path / "net.pth").write_bytes(BODY)
    return (tmp_path / "net.pth").as_uri()


class Response(io.BytesIO):
    """What urlopen returns, with a length that need not be true."""

    def __init__(self, body: bytes, length: int) -> None:
        super().__init__(body)
        self.headers = Message()
        self.headers["Content-Length"] = str(length)


def test_the_file_is_fetched_once_and_then_comes_from_the_cache(url: str, tmp_path: Path, cache: Path) -> None:
    calls: list[tuple[int, int | None]] = []
    first = fetch(url, sha256=DIGEST[:8], progress=lambda done, total: calls.append((done, total)))
    (tmp_path / "net.pth").unlink()
    assert fetch(url, sha256=DIGEST[:8]) == first == cache / "net.pth"
    assert first.read_bytes() == BODY
    assert calls[-1] == (len(BODY), len(BODY))


def test_a_wrong_hash_is_refused_and_nothing_is_left_behind(url: str, cache: Path) -> None:
    with pytest.raises(NetworkError, match=r"begin its SHA-256 with 00000000, got " + DIGEST[:16]):
        fetch(url, sha256="00000000")
    assert list(cache.iterdir()) == []


def test_a_download_cut_short_is_refused_and_nothing_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_a, **_k: Response(BODY[:100], len(BODY)))
    with pytest.raises(NetworkError, match="ended after 100 of 7,000 bytes"):
        fetch("https://example.org/net.pth")
    assert list(cache.iterdir()) == []


def test_offline_names_the_url_and_where_to_put_the_file(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def offline(*_arguments: object, **_settings: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    with pytest.raises(NetworkError) as caught:
        published_weights("vgg16")
    assert PUBLISHED["vgg16"] in str(caught.value)
    assert str(cache / "vgg16-397923af.pth") in str(caught.value)


def test_a_file_put_there_by_hand_is_checked_too(url: str, cache: Path) -> None:
    cache.mkdir()
    (cache / "net.pth").write_bytes(b"something else")
    with pytest.raises(NetworkError, match="Delete it"):
        fetch(url, sha256=DIGEST[:8])
    (cache / "net.pth").write_bytes(BODY)
    assert fetch(url, sha256=DIGEST[:8]).read_bytes() == BODY


def test_two_urls_with_one_file_name_are_kept_apart(tmp_path: Path) -> None:
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.pt").write_text(folder)
        paths.append(fetch((tmp_path / folder / "net.pt").as_uri()))
    assert [path.read_text() for path in paths] == ["a", "b"]


def test_an_interrupted_download_leaves_nothing_behind(url: str, cache: Path) -> None:
    def interrupt(_done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(url, progress=interrupt)
    assert list(cache.iterdir()) == []


def test_published_names_ask_for_the_hash_in_their_file_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, str] = {}

    def remember(url: str, *, sha256: str, progress: object) -> Path:
        assert progress is None
        asked[url] = sha256
        return Path(url)

    monkeypatch.setattr(published, "fetch", remember)
    for name in PUBLISHED:
        published_weights(name)
    assert asked["https://download.pytorch.org/models/vgg16_bn-6c64b313.pth"] == "6c64b313"
    assert len(asked) == 8
    assert all(f"-{prefix}.pth" in address and len(prefix) == 8 for address, prefix in asked.items())


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError, match="did you mean vgg16"):
        published_weights("vgg161")


def test_the_cache_is_in_the_home_folder_unless_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SNELLEN_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "snellen"


def test_urls_are_told_from_paths() -> None:
    assert [is_url(s) for s in ("https://a/b", "file:///a", "a/b.pt", Path("http://a"))] == [
        True,
        True,
        False,
        False,
    ]
