"""Shipped files, the user's folder, and downloads against a real HTTP server on the loopback interface."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deepstroke.errors import InputError
from deepstroke.resources import download, require_sha256, resources_folder, sha256_of, user_folder

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Behaviour:
    """What the server does, and which ranges it was asked for."""

    content: bytes = CONTENT
    ranges: bool = True
    break_after: int | None = None
    asked: list[str | None] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    behaviour: Behaviour


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        behaviour = self.server.behaviour
        asked = self.headers.get("Range")
        behaviour.asked.append(asked)
        if self.path != "/file.bin":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and behaviour.ranges else 0
        if start and start >= len(behaviour.content):
            self.send_error(416)
            return
        body = behaviour.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: behaviour.break_after])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Behaviour]]:
    """The address of a file and what the server does with it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with _Server(("127.0.0.1", 0), _Handler) as running:
        running.behaviour = Behaviour()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/file.bin", running.behaviour
        running.shutdown()
        thread.join()


def test_a_download_arrives_whole_and_tells_how_far_it_is(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    address, _ = server
    told: list[float] = []
    download(address, SHA256, tmp_path / "new" / "file.bin", lambda fraction, text: told.append(fraction))
    assert (tmp_path / "new" / "file.bin").read_bytes() == CONTENT
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file.bin"]


def test_a_file_that_is_here_is_not_fetched_again(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    address, behaviour = server
    (tmp_path / "file.bin").write_bytes(CONTENT)
    download(address, SHA256, tmp_path / "file.bin")
    assert behaviour.asked == []


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_or_starts_again(server: tuple[str, Behaviour], tmp_path: Path, ranges: bool) -> None:
    address, behaviour = server
    behaviour.ranges, behaviour.break_after = ranges, 300_000
    with pytest.raises(InputError, match=r"file\.bin could not be fetched .*run it again.*--from FOLDER"):
        download(address, SHA256, tmp_path / "file.bin")
    assert not (tmp_path / "file.bin").exists()
    came = (tmp_path / "file.bin.part").stat().st_size
    assert 0 < came <= 300_000
    behaviour.break_after = None
    download(address, SHA256, tmp_path / "file.bin")
    assert behaviour.asked == [None, f"bytes={came}-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_part_of_another_file_is_thrown_away(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    address, _ = server
    (tmp_path / "file.bin.part").write_bytes(b"something else")
    download(address, SHA256, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_taken(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    address, behaviour = server
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    download(address, SHA256, tmp_path / "file.bin")
    assert behaviour.asked == [f"bytes={len(CONTENT)}-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_another_file_than_expected_is_refused(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    address, behaviour = server
    behaviour.content = b"altered" + CONTENT[7:]
    with pytest.raises(InputError, match=r"file\.bin holds another file than expected: sha256 .*--from FOLDER"):
        download(address, SHA256, tmp_path / "file.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_of_the_server_is_named(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    address, _ = server
    with pytest.raises(InputError, match=r"the server says 404 Not Found"):
        download(address.replace("file.bin", "absent.bin"), SHA256, tmp_path / "absent.bin")


def test_without_a_connection_the_other_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:1/file\.bin .*\(no connection\).*--from FOLDER"):
        download("http://127.0.0.1:1/file.bin", SHA256, tmp_path / "file.bin")


def test_an_altered_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"abc")
    assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    require_sha256(path, sha256_of(path).upper())
    path.write_bytes(b"abd")
    with pytest.raises(InputError, match=r"weights\.bin is altered or damaged"):
        require_sha256(path, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    with pytest.raises(InputError, match=r"absent\.bin can't be read"):
        sha256_of(tmp_path / "absent.bin")


def test_shipped_files_lie_in_the_checkout_or_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEEPSTROKE_RESOURCES", raising=False)
    assert (resources_folder() / "Atlas").is_dir()
    monkeypatch.setenv("DEEPSTROKE_RESOURCES", str(tmp_path))
    assert resources_folder() == tmp_path
    monkeypatch.setenv("DEEPSTROKE_RESOURCES", str(tmp_path / "absent"))
    with pytest.raises(InputError, match=r"no folder .*absent; install again or set DEEPSTROKE_RESOURCES"):
        resources_folder()


def test_the_user_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path / "own"))
    assert user_folder() == tmp_path / "own"
    monkeypatch.delenv("DEEPSTROKE_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_folder().name == "deepstroke"
