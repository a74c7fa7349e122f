"""Starts a real Orthanc, stores files to it by C-STORE, fetches them back, and prints what it holds as JSON.

Run in a network namespace without interfaces but loopback: ``unshare -rn python phantoms_orthanc.py FOLDER FILE...``.
"""

from __future__ import annotations

import fcntl
import io
import json
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pydicom

HTTP, DICOM = 18042, 14242
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1


def raise_loopback() -> None:
    """Bring up the loopback of a new namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))


def configure(folder: Path) -> Path:
    folder.mkdir()
    settings = {
        "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "Plugins": [],
        "HttpPort": HTTP, "DicomPort": DICOM, "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "DicomAet": "ORTHANC", "DicomCheckCalledAet": False, "DicomAlwaysAllowStore": True,
    }  # fmt: skip
    path = folder / "orthanc.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return path


def fetch(address: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}{address}", timeout=60) as response:
        return response.read()


def ask(address: str) -> Any:
    return json.loads(fetch(address))


def wait_until_it_answers(server: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            fetch("/system")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.3)
    raise SystemExit("Orthanc did not start")


def describe(paths: list[Path]) -> dict[str, Any]:
    """What is stored, and which files came back with another content."""
    sent = {str(dataset.SOPInstanceUID): dataset for dataset in map(pydicom.dcmread, paths)}
    instances, differing = [], []
    for instance in ask("/instances"):
        back = pydicom.dcmread(io.BytesIO(fetch(f"/instances/{instance}/file")))
        instances.append({"modality": back.Modality, "syntax": back.file_meta.TransferSyntaxUID})
        if back != sent.get(str(back.SOPInstanceUID)):
            differing.append(str(back.SOPInstanceUID))
    return {
        "instances": instances, "differing": differing, "studies": len(ask("/studies")), "series": len(ask("/series")),
    }  # fmt: skip


def main(folder: Path, paths: list[Path]) -> None:
    raise_loopback()
    with (folder.parent / "orthanc.log").open("wb") as log:
        server = subprocess.Popen(["Orthanc", str(configure(folder))], stdout=log, stderr=log)
        try:
            wait_until_it_answers(server)
            send = ["storescu", "-R", "-aec", "ORTHANC", "127.0.0.1", str(DICOM), *map(str, paths)]
            subprocess.run(send, check=True, capture_output=True)
            sys.stdout.write(json.dumps(describe(paths)) + "\n")
        finally:
            server.terminate()
            server.wait(timeout=60)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
