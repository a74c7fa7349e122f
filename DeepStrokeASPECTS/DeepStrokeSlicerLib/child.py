"""The first file of a child process: runs `deepstroke`, and ends with Slicer if Slicer ends without a word.

Called as ``python child.py PID ARGUMENTS...`` with the process id of Slicer.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

_LOOK_SECONDS = 2.0


def end_with(pid: int) -> None:
    """Wait until a process is gone, then end this one and all of its group."""
    while is_running(pid):
        time.sleep(_LOOK_SECONDS)
    if sys.platform != "win32" and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def is_running(pid: int) -> bool:
    """Whether a process is there."""
    if sys.platform == "win32":
        import psutil

        return psutil.pid_exists(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # It is there and belongs to another user.
        return True
    return True


def main() -> int:
    """Run `deepstroke` with the arguments after the process id."""
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != Path(__file__).resolve().parent]
    threading.Thread(target=end_with, args=(int(sys.argv[1]),), daemon=True).start()
    from deepstroke.cli import main as run

    return run(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
