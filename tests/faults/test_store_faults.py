"""What happens to results when processes die, disks fill up and files are not what they should be."""

import multiprocessing
import os
import pwd
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dasbench.errors import LockedError, StoreError
from dasbench.records import Epoch, Outcome
from dasbench.results.locks import Heartbeat
from dasbench.results.planning import Member
from dasbench.results.reading import read_store
from dasbench.results.store import open_store

FORK = multiprocessing.get_context("fork")

HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def plan(path: Path, keys: list[str]) -> None:
    with open_store(path) as store:
        store.plan("norms", members=[Member(key=key, spec={}) for key in keys])


def done(key: str, error: str = "") -> Outcome:
    curve = (Epoch(1, {"top1": 71.0}),)
    return Outcome(key=key, status="done", metrics={"top1": 71.0}, epochs=curve, error=error)


def finish(path: Path, output: int) -> None:
    """Be a driver: run what is pending, and say which results were committed."""
    with open_store(path) as store, store.lock("norms"):
        store.sweep()
        for row in store.rows("norms"):
            attempt = store.claim(row.key, "norms") if row.state == "pending" else None
            if attempt is not None:
                store.add_epoch(row.key, attempt, Epoch(1, {"top1": 1.0}))
                store.add(done(row.key), attempt)
                os.write(output, f"{row.key}\n".encode())


@contextmanager
def child(work: Callable[[Path, int], None], path: Path) -> Iterator[tuple[int, int]]:
    """A process that does some work; yields its id and what it writes, kills it at the end and leaves it unburied."""
    reading, writing = os.pipe()
    process = FORK.Process(target=work, args=(path, writing))
    process.start()
    os.close(writing)
    assert process.pid is not None
    try:
        yield process.pid, reading
    finally:
        process.kill()
        process.join()
        os.close(reading)


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Another program holds the database for some time."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path, str(seconds)], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        yield
    finally:
        holder.kill()
        holder.communicate()


def read_all(descriptor: int) -> str:
    text = b""
    while part := os.read(descriptor, 65536):
        text += part
    return text.decode()


def states(path: Path) -> dict[str, str]:
    with read_store(path) as reader:
        return {row.key: row.state for row in reader.rows("norms")}


def quick_check(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("PRAGMA quick_check")]


class TestProcessesThatDie:
    @pytest.mark.slow
    def test_a_writer_that_is_killed_at_any_moment_loses_no_committed_result(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "results.db"
        plan(path, [f"{number:04x}" for number in range(600)])
        moments = random.Random(7)

        committed: list[str] = []
        for _ in range(30):
            with child(finish, path) as (pid, output):
                first = os.read(output, 5)
                time.sleep(moments.uniform(0, 0.04))
                os.kill(pid, signal.SIGKILL)
                committed += (first.decode() + read_all(output)).split()

        assert quick_check(path) == ["ok"]
        assert {states(path)[key] for key in committed} == {"done"}
        assert len(committed) == len(set(committed)), "a key was trained twice"

    def test_a_creator_that_is_killed_at_any_moment_leaves_nothing_or_a_whole_database(
        self, tmp_path: Path
    ) -> None:
        moments = random.Random(7)
        for number in range(12):
            path = tmp_path / f"{number}.db"
            with child(lambda place, _: open_store(place).close(), path) as (pid, _):
                time.sleep(moments.uniform(0, 0.15))
                os.kill(pid, signal.SIGKILL)

            plan(path, ["aa01"])
            assert states(path) == {"aa01": "pending"}

    def test_eight_drivers_never_claim_a_trial_twice(self, tmp_path: Path) -> None:
        path = tmp_path / "results.db"
        keys = [f"{number:04x}" for number in range(80)]
        plan(path, keys)

        def claim_all(place: Path, output: int) -> None:
            with open_store(place) as store:
                for key in random.Random(os.getpid()).sample(keys, len(keys)):
                    attempt = store.claim(key, "norms")
                    if attempt is not None:
                        assert store.add(done(key), attempt)
                        os.write(output, f"{key}\n".encode())

        reading, writing = os.pipe()
        drivers = [FORK.Process(target=claim_all, args=(path, writing)) for _ in range(8)]
        for driver in drivers:
            driver.start()
        os.close(writing)
        claimed = read_all(reading).split()
        os.close(reading)
        for driver in drivers:
            driver.join()

        assert sorted(claimed) == keys
        assert [driver.exitcode for driver in drivers] == [0] * 8

    def test_a_study_is_held_while_its_driver_lives_and_free_once_it_is_killed(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "results.db"
        plan(path, ["aa01", "aa02"])

        def hold(place: Path, output: int) -> None:
            with open_store(place) as store, store.lock("norms"):
                store.claim("aa01", "norms")
                os.write(output, b"held\n")
                time.sleep(60)

        with open_store(path) as store, child(hold, path) as (pid, output):
            os.read(output, 5)
            with pytest.raises(LockedError, match=f"process {pid} on host"):
                store.lock("norms").__enter__()
            assert store.sweep() == []

            os.kill(pid, signal.SIGKILL)
            os.waitid(
                os.P_PID, pid, os.WEXITED | os.WNOWAIT
            )  # it is dead, but nobody has buried it yet
            with store.lock("norms"):
                assert store.sweep() == ["aa01"]

    def test_a_driver_elsewhere_is_dead_once_its_lease_has_run_out(self, tmp_path: Path) -> None:
        path = tmp_path / "results.db"
        plan(path, ["aa01"])
        with open_store(path) as elsewhere, open_store(path) as store:
            elsewhere.owner = replace(elsewhere.owner, host="elsewhere")
            elsewhere.claim("aa01", "norms")
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("UPDATE das_trials SET lease = '2020-01-01T00:00:00.000+00:00'")

            assert store.sweep() == ["aa01"]

    def test_a_heartbeat_goes_on_after_a_failure_and_ends_when_stopped(self) -> None:
        beats = 0
        enough = threading.Event()

        def pulse() -> None:
            nonlocal beats
            beats += 1
            if beats > 2:
                enough.set()
            raise StoreError("locked")

        heartbeat = Heartbeat(pulse, every_s=0.001)
        heartbeat.start()
        assert enough.wait(10)
        heartbeat.stop()

        assert not [
            thread for thread in threading.enumerate() if thread.name == "dasbench-heartbeat"
        ]


class TestADatabaseThatIsLocked:
    def test_a_result_waits_until_the_database_is_free(self, tmp_path: Path) -> None:
        path = tmp_path / "results.db"
        plan(path, ["aa01"])
        with open_store(path) as store:
            attempt = store.claim("aa01", "norms")
            with locked(path, 2.5):
                began = time.monotonic()
                assert store.add(done("aa01"), attempt)

        assert time.monotonic() - began > 2
        assert states(path) == {"aa01": "done"}

    def test_a_result_that_cannot_be_written_is_spooled_and_merged_at_the_next_opening(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "results.db"
        plan(path, ["aa01"])
        with open_store(path, patience_s=0.2) as store:
            attempt = store.claim("aa01", "norms")
            with (
                locked(path, 60),
                pytest.raises(StoreError, match=r"still locked .* waits in .*results\.db\.spool"),
            ):
                store.add(done("aa01"), attempt)
        assert states(path) == {"aa01": "pending"}

        open_store(path).close()

        assert states(path) == {"aa01": "done"}
        assert not path.with_name("results.db.spool").exists()

    def test_reading_does_not_wait_for_a_writer(self, tmp_path: Path) -> None:
        path = tmp_path / "results.db"
        plan(path, ["aa01"])

        with locked(path, 60):
            assert states(path) == {"aa01": "pending"}

    def test_a_spooled_result_is_dropped_if_its_trial_was_started_again(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "results.db"
        plan(path, ["aa01"])
        with open_store(path, patience_s=0.2) as store:
            attempt = store.claim("aa01", "norms")
            with locked(path, 60), pytest.raises(StoreError):
                store.add(done("aa01"), attempt)
            store.release("aa01", attempt)
            store.claim("aa01", "norms")

            open_store(path).close()

            assert store.states(["aa01"])["aa01"].state == "running"

    def test_a_spool_that_was_cut_off_gives_what_it_still_has(self, tmp_path: Path) -> None:
        path = tmp_path / "results.db"
        plan(path, ["aa01", "aa02"])
        with open_store(path, patience_s=0.2) as store:
            attempts = {key: store.claim(key, "norms") for key in ("aa01", "aa02")}
            with locked(path, 60):
                for key, attempt in attempts.items():
                    with pytest.raises(StoreError):
                        store.add(done(key), attempt)
        spool = path.with_name("results.db.spool")
        os.truncate(spool, spool.stat().st_size - 40)

        open_store(path).close()

        assert states(path) == {"aa01": "done", "aa02": "pending"}


class TestADiskThatIsFull:
    """Emulated by a limit on the size of files, which needs no rights; the kernel says `file too large`."""

    def test_results_before_it_are_kept_and_the_next_run_completes(self, tmp_path: Path) -> None:
        path = tmp_path / "results.db"
        keys = [f"{number:04x}" for number in range(30)]
        plan(path, keys)

        def fill(place: Path, output: int) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
            with open_store(place) as store:
                try:
                    for key in keys:
                        attempt = store.claim(key, "norms")
                        assert attempt is not None
                        store.add(done(key, error="x" * 50_000), attempt)
                        os.write(output, f"{key}\n".encode())
                except StoreError as error:
                    os.write(output, f"! {error}".encode())

        with child(fill, path) as (_, output):
            committed, _, message = read_all(output).partition("! ")

        assert "the disk is full or faulty" in message
        assert "bytes are free. Make room" in message
        assert quick_check(path) == ["ok"]
        assert 0 < len(committed.split()) < 30
        assert {states(path)[key] for key in committed.split()} == {"done"}
        with child(finish, path) as (_, output):
            read_all(output)
        assert set(states(path).values()) == {"done"}

    def test_a_database_that_cannot_be_created_leaves_nothing(self, tmp_path: Path) -> None:
        def create(place: Path, output: int) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
            try:
                open_store(place)
            except StoreError as error:
                os.write(output, str(error).encode())

        with child(create, tmp_path / "results.db") as (_, output):
            message = read_all(output)

        assert "the disk is full or faulty" in message
        assert list(tmp_path.iterdir()) == []


def _zero(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("variant,seed,top1\n" * 100)


def _short(path: Path) -> None:
    os.truncate(path, 100)


def _half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


class TestAFileThatIsNoDatabase:
    @pytest.mark.parametrize("use", [open_store, read_store])
    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (_zero, "it has zero bytes; .* bytes are free now"),
            (_text, "it is not a SQLite database"),
            (_short, "the database is damaged"),
            (_half, "the database is damaged"),
            (_cut, "the database is damaged"),
        ],
    )
    def test_it_is_refused_and_left_as_it_is(
        self, tmp_path: Path, spoil, message: str, use
    ) -> None:
        path = tmp_path / "results.db"
        plan(path, ["aa01"])
        spoil(path)
        before = path.read_bytes()

        with pytest.raises(StoreError, match=f"{path}: {message}") as refusal:
            use(path)
        assert refusal.value.exit_code == 3
        assert path.read_bytes() == before

    def test_a_damaged_page_is_found_before_anything_is_written(self, tmp_path: Path) -> None:
        path = tmp_path / "results.db"
        plan(path, [f"{number:04x}" for number in range(500)])
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(b"\xff" * 8192)
        before = path.read_bytes()

        with pytest.raises(StoreError, match="the database is damaged"):
            open_store(path)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("use", [open_store, read_store])
    def test_a_directory_is_refused(self, tmp_path: Path, use) -> None:
        with pytest.raises(
            StoreError, match=r"it is a directory\. Name a file in it: `db` .*results\.db"
        ):
            use(tmp_path)

    @pytest.mark.parametrize("use", [open_store, read_store])
    def test_a_missing_folder_is_named(self, tmp_path: Path, use) -> None:
        with pytest.raises(
            StoreError, match=r"the folder '.*none' does not exist\. Create it: mkdir -p"
        ):
            use(tmp_path / "none" / "results.db")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("use", [open_store, read_store])
    def test_a_pipe_is_refused(self, tmp_path: Path, use) -> None:
        os.mkfifo(tmp_path / "results.db")

        with pytest.raises(StoreError, match="it is a pipe or a device"):
            use(tmp_path / "results.db")

    def test_reading_where_nothing_is_creates_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(
            StoreError, match=r"there are no results yet\. Run a study first: dasbench run"
        ):
            read_store(tmp_path / "results.db")
        assert list(tmp_path.iterdir()) == []


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_other_user(work: Callable[[Path], object], path: Path) -> str:
    """What a function says when it runs without any right to write, which root always has."""
    if os.geteuid() != 0:
        path.chmod(0o444)
        path.parent.chmod(0o555)

    def run(place: Path, output: int) -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setuid(pwd.getpwnam("nobody").pw_uid)
        try:
            os.write(output, str(work(place)).encode())
        except StoreError as error:
            os.write(output, str(error).encode())

    with child(run, path) as (_, output):
        said = read_all(output)
    path.parent.chmod(0o755)
    return said


class TestAFolderThatIsReadOnly:
    def test_writing_is_refused_with_a_remedy(self, public: Path) -> None:
        path = public / "results.db"
        plan(path, ["aa01"])
        before = path.read_bytes()

        said = as_other_user(open_store, path)

        assert "the file or its folder is read-only. Make both writable" in said
        assert path.read_bytes() == before

    def test_creating_is_refused(self, public: Path) -> None:
        public.chmod(0o555)

        said = as_other_user(open_store, public / "results.db")

        assert (
            "results.db: it cannot be opened. Check that the file and its folder belong to you"
            in said
        )

    def test_reading_works_and_leaves_no_file(self, public: Path) -> None:
        path = public / "results.db"
        plan(path, ["aa01"])

        assert as_other_user(states, path) == "{'aa01': 'pending'}"
        assert [file.name for file in public.iterdir()] == ["results.db"]

    def test_results_that_are_still_in_the_log_are_never_silently_left_out(
        self, public: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "results.db"
        with open_store(path) as store:
            store.plan("norms", members=[Member(key="aa01", spec={})])
            shutil.copy(path, public)
            shutil.copy(tmp_path / "results.db-wal", public)

        said = as_other_user(states, public / "results.db")

        assert said == "{'aa01': 'pending'}" or "it cannot be opened" in said
