"""What all tests share: studies written to files, and a database in which a study was really trained."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import TINY, Done, run_dasbench
from hypothesis import settings
from postgres_server import PROGRAMS, new_database, postgres_server

from dasbench.catalog import KINDS

settings.register_profile(
    "any machine", deadline=None
)  # how long an example takes is the machine's affair
settings.load_profile("any machine")

os.environ.pop(
    "COLUMNS", None
)  # of whoever runs the tests, or of pytest-xdist: tables have the room that tests expect
os.environ.setdefault(
    "RAY_worker_niceness", "0"
)  # Ray's is 15: beside the tests of another process, next to nothing
if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # one process a core: threads of several would only wait for each other
    os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of what can be computed again: not the one of whoever runs the tests."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASBENCH_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def own_components() -> Iterator[None]:
    """Components that a test registers are gone after it; those of dasbench, imported meanwhile, stay."""
    before = {kind: dict(registry._entries) for kind, registry in KINDS.items()}
    yield
    for kind, registry in KINDS.items():
        for entry in registry.entries():
            if not entry.place.is_ours:
                del registry._entries[entry.name]
        registry._entries.update(before[kind])


@pytest.fixture
def one_thread_and_seed() -> Iterator[None]:
    """The same random numbers, and sums in the same order."""
    import torch  # not for tests that start programs alone

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[..., Path]:
    """Writes a study file and returns its path."""

    def write(text: str = TINY, name: str = "study.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def dasbench(tmp_path: Path) -> Callable[..., Done]:
    """Runs `dasbench ...` in a temporary folder."""
    return lambda *arguments, **options: run_dasbench(tmp_path, *arguments, **options)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with study.yaml and a results.db in which it was really trained, by the inline executor."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "study.yaml").write_text(TINY)
    done = run_dasbench(folder, "run", "study.yaml", "--executor", "inline")
    assert done.code == 0, done.err
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of our own."""
    if PROGRAMS is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres_server() as address:
        yield address


@pytest.fixture
def team_database(postgres: str) -> str:
    """An empty database on that server."""
    return new_database(postgres)
