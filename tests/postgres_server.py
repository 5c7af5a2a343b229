"""A real PostgreSQL server that a test starts on the loopback interface and stops again."""

import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = next(
    (p.parent for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None
)
"""Where Debian puts initdb and postgres; None where they are not installed."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """A server on a free port with its files in a temporary folder; it refuses to run as root, who hands it on."""
    assert PROGRAMS is not None
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    as_user: dict[str, Any] = (
        {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        if os.geteuid() == 0
        else {}
    )
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, account.pw_uid, account.pw_gid)
        data = f"{folder}/data"
        initdb: list[str | Path] = [
            PROGRAMS / "initdb",
            "-D",
            data,
            "-U",
            "das",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_user)
        command: list[str | Path] = [
            PROGRAMS / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-k",
            folder,
            "-h",
            "127.0.0.1",
            "-F",
        ]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=folder, **as_user)
        try:
            ready = [PROGRAMS / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            deadline = time.monotonic() + 30
            while subprocess.run(ready, check=False).returncode:
                assert server.poll() is None, "the server ended"
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.05)
            yield f"postgresql://das@127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGINT)  # disconnects everybody
            server.wait(30)


def new_database(server: str) -> str:
    """The address of an empty database on a server."""
    import psycopg

    name = f"das_{os.urandom(4).hex()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"
