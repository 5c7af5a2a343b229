"""Executors before anything runs: what they refuse, how trials are handed out, how a machine is divided."""

import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dasbench import devices
from dasbench.cli.running.workers import default_workers, warn_of_too_many
from dasbench.cores import quota_cores, usable_cores
from dasbench.errors import MachineError, UsageError
from dasbench.records import Epoch, Outcome
from dasbench.search.executors import ray_folder as ray_folders
from dasbench.search.executors.executor import Assignment, Interrupt
from dasbench.search.executors.inline import Inline
from dasbench.search.executors.ray_folder import longest_place, ray_folder
from dasbench.search.executors.ray_session import StandingIn, own_ray
from dasbench.search.executors.ray_tune import RayTune
from dasbench.search.executors.share import Share
from dasbench.spec.trial import Trial

BASE = Trial(backbone="resnet18", dataset="digits")


@pytest.fixture(autouse=True)
def environment():
    """What Ray's switches leave in the environment of this process would reach the tests after this one."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def trials(number: int):
    return iter([Assignment(BASE.with_values({"seed": seed})) for seed in range(number)])


class Tally:
    """A listener that writes down what it hears."""

    def __init__(self):
        self.epochs = []
        self.outcomes = []

    def reported(self, key, epoch):
        self.epochs.append((key, epoch.number))

    def finished(self, outcome):
        self.outcomes.append(outcome)


def quick(trial, report, cost=None):
    report(Epoch(1, {"val_top1": 1.0}))
    return Outcome(key=trial.key, status="done")


def test_the_plain_loop_refuses_a_scheduler_and_says_who_does_not():
    with pytest.raises(UsageError, match="scheduler 'asha' needs `executor` ray"):
        Inline(scheduler="asha")


def test_the_plain_loop_runs_all_in_order():
    tally = Tally()

    Inline().run(trials(3), quick, tally, Interrupt())

    assert [outcome.key for outcome in tally.outcomes] == [each.trial.key for each in trials(3)]
    assert len(tally.epochs) == 3


def test_the_plain_loop_stops_when_its_gpu_is_broken_and_what_it_trained_is_kept(monkeypatch):
    tally = Tally()
    monkeypatch.setattr(devices, "is_broken", lambda: len(tally.outcomes) == 2)

    with pytest.raises(
        MachineError,
        match=f"after trial {list(trials(2))[1].trial.key} this process can no longer use",
    ):
        Inline().run(trials(4), quick, tally, Interrupt())

    assert [outcome.key for outcome in tally.outcomes] == [each.trial.key for each in trials(2)]


@pytest.mark.parametrize(
    "address", ["nowhere", "localhost:", "localhost:0", "localhost:99999", "", " "]
)
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(UsageError, match=r"`address` '.*': write HOST:PORT"):
        RayTune(address=address).run(trials(1), quick, Tally(), Interrupt())


def test_an_address_where_nobody_answers_is_refused_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(UsageError, match="no Ray answers there"):
            RayTune(address=address).run(trials(1), quick, Tally(), Interrupt())


def test_rays_client_is_refused_with_what_works():
    with pytest.raises(UsageError, match="`address` auto"):
        RayTune(address="ray://head:10001").run(trials(1), quick, Tally(), Interrupt())


def test_making_the_executor_does_not_import_ray():
    code = "import sys; from dasbench.search.executors.ray_tune import RayTune; RayTune(); sys.exit('ray' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_cluster_keeps_the_users_own_token():
    code = (
        "import os; from dasbench.search.executors.ray_session import set_switches; set_switches('head:6379');"
        "assert os.environ['RAY_AUTH_TOKEN'] == 'mine'; set_switches(None);"
        "assert os.environ['RAY_AUTH_TOKEN'] != 'mine' and os.environ['RAY_AUTH_MODE'] == 'token'"
    )
    environment = {"RAY_AUTH_TOKEN": "mine", "PATH": ""}

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@given(
    cpus=st.integers(1, 64),
    gpus=st.sampled_from([0, 0.1, 0.25, 0.3333, 0.5, 1, 2]),
    cores=st.integers(0, 512),
    cards=st.integers(0, 16),
)
def test_what_fits_never_exceeds_the_machine_and_one_more_would(cpus, gpus, cores, cards):
    number = Share(cpus, gpus).times_in(cores, cards)

    assert number * cpus <= cores
    assert number * gpus <= cards + 1e-6
    assert (number + 1) * cpus > cores or (number + 1) * gpus > cards


@given(gpus=st.sampled_from([0.01, 0.1, 0.25, 0.3333, 0.5, 1, 2]), cores=st.integers(1, 64))
def test_cores_alone_limit_what_fits_while_the_gpus_are_not_known(gpus, cores):
    assert Share(1, gpus).times_in(cores, math.inf) == cores


@given(
    gpus=st.sampled_from([0.01, 0.05, 0.25, 0.3333, 0.5, 1]),
    trials=st.integers(1, 64),
    cards=st.integers(1, 8),
)
def test_a_spread_share_fills_all_gpus_alike_and_is_never_smaller(gpus, trials, cards):
    spread = Share(1, gpus).spread(trials, cards)

    on_each = int(1 / spread.gpus + 1e-9)
    assert spread.gpus >= gpus
    assert on_each <= math.ceil(trials / cards)
    assert on_each * cards >= min(trials, int(1 / gpus + 1e-9) * cards)
    assert spread.spread(trials, cards) == spread


@pytest.mark.parametrize("gpus", [0, 2, 4])
def test_whole_gpus_are_not_spread(gpus):
    assert Share(1, gpus).spread(4, 2) == Share(1, gpus)


def test_a_share_says_what_it_is():
    assert str(Share(1)) == "1 core"
    assert str(Share(4, 0.5)) == "4 cores and 0.5 GPU"
    assert str(Share(1, 2)) == "1 core and 2 GPUs"


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("max 100000", 1 << 20),
        ("400000 100000", 4),
        ("10000 100000", 1),
        ("", 1 << 20),
        ("x y", 1 << 20),
    ],
)
def test_a_containers_limit_is_whole_cores(text, cores):
    assert quota_cores(text) == cores


@pytest.mark.parametrize("cpus", [1, 2, 3, 1000])
def test_by_default_workers_and_their_threads_fit_the_machine(cpus):
    workers = default_workers(cpus)

    assert workers >= 1
    assert workers == 1 or workers * cpus <= usable_cores()


def test_more_workers_than_cores_is_a_warning_that_names_what_is_as_fast(capsys):
    warn_of_too_many(usable_cores() + 1, 1)

    said = capsys.readouterr().err
    assert f"--workers {usable_cores() + 1}" in said
    assert f"{usable_cores()} is as fast" in said


def test_as_many_workers_as_cores_is_no_reason_to_warn(capsys):
    warn_of_too_many(default_workers(1), 1)
    warn_of_too_many(1, 10_000)

    assert capsys.readouterr().err == ""


def feed(source, interrupt=None, **options):
    from dasbench.search.executors.ray_feed import Feed  # imports Ray

    made = Feed(source, interrupt or Interrupt(), **options)
    made.refill(1000)
    return made


def test_trials_are_handed_out_until_there_are_no_more():
    source = feed(trials(2))

    given = [source.suggest(str(number)) for number in range(3)]

    assert [config["key"] for config in given[:2]] == [each.trial.key for each in trials(2)]
    assert (given[2], source.exhausted) == (source.FINISHED, True)


def test_a_source_that_has_nothing_just_now_is_asked_again():
    source = feed(iter([None, *trials(1)]))

    assert source.suggest("a") is None
    assert source.suggest("b")["key"] == next(trials(1)).trial.key


def test_no_more_than_the_workers_are_out_at_once():
    source = feed(trials(3), workers=2)

    given = [source.suggest(name) for name in "abc"]
    source.on_trial_complete("a")

    assert given[2] is None
    assert source.suggest("d")["key"] == list(trials(3))[2].trial.key


def test_a_round_ends_without_taking_a_trial_too_many():
    source = feed(trials(3))
    source.refill(2)
    first = [source.suggest(name) for name in "abc"]
    source.refill(2)

    assert (first[2], source.exhausted) == (source.FINISHED, False)
    assert source.suggest("d")["key"] == list(trials(3))[2].trial.key


def test_after_an_interrupt_nothing_is_handed_out():
    interrupt = Interrupt()
    source = feed(trials(3), interrupt)
    interrupt.signal = 2

    assert source.suggest("a") == source.FINISHED
    assert source.exhausted


def test_ray_gets_a_folder_whose_sockets_the_system_takes(monkeypatch, tmp_path):
    long = tmp_path / "scratch" / "people" / "somebody" / "slurm_jobdir" / "1355700"
    long.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setattr(tempfile, "tempdir", None)

    folder = Path(ray_folder())
    session = folder / "ray" / "session_2026-01-01_00-00-00_000000_4194304" / "sockets"
    session.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(session / "plasma_store"))

    shutil.rmtree(folder)
    assert len(os.fsencode(folder.parent)) <= longest_place()


def test_the_usual_place_for_temporary_files_comes_first(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as short:
        monkeypatch.setenv("TMPDIR", short)

        folder = Path(ray_folder())

        assert folder.parent == Path(short)


def test_without_a_place_for_ray_every_reason_is_named(monkeypatch, tmp_path):
    places = [str(tmp_path / ("long" * 20)), "/proc"]
    monkeypatch.setattr(ray_folders, "_places", lambda: places)

    with pytest.raises(MachineError) as refused:
        ray_folder()

    assert f"{places[0]} is longer than {longest_place()} bytes" in str(refused.value)
    assert "/proc: " in str(refused.value)
    assert "`executor` inline" in str(refused.value)
    assert MachineError.exit_code == 3


class StubbornRay:
    """A Ray that says something and does not start, after it has taken the signals."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.stood_in = ""

    def init(self, **_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.stood_in = str(Path.cwd())
        raise self.error

    def shutdown(self): ...


@pytest.mark.parametrize(
    "error",
    [
        OSError("validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes"),
        RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.9"),
        ConnectionError("Could not find any running Ray instance."),
        ValueError("The configured object store size exceeds /dev/shm"),
        Exception("The current node timed out during startup"),
        AssertionError(),
        SystemExit(1),
    ],
)
def test_whatever_ray_says_at_its_start_is_passed_on_with_what_helps(monkeypatch, error):
    ray = StubbornRay(error)
    monkeypatch.setitem(sys.modules, "ray", ray)
    handler = signal.getsignal(signal.SIGTERM)

    with pytest.raises(MachineError) as refused, own_ray(Share(), workers=1):
        pytest.fail("it does not start")

    assert str(error).partition("\n")[0] in str(refused.value)
    assert "/dev/shm" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert signal.getsignal(signal.SIGTERM) is handler
    assert not Path(ray.stood_in).exists()


def test_workers_start_in_an_empty_folder_and_work_where_the_user_stands(monkeypatch, tmp_path):
    ray = StubbornRay(OSError("enough"))
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(MachineError), own_ray(Share(), workers=1):
        pass
    after = Path.cwd()
    StandingIn(tmp_path.parent, quick)(BASE, lambda _: "continue")

    assert Path(ray.stood_in) != after == tmp_path
    assert Path.cwd() == tmp_path.parent
