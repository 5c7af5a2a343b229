"""Where data lie is said on the command line or in the environment; missing data end a command before it begins."""

import pytest
from fabricated_data import fabricate_folder

from dasbench.cli import cli, run_command
from dasbench.results.reading import read_store

STUDY = """\
name: own
question: Does it run on my photographs?
base:
  backbone: {name: resnet18, width: 2, stem: small}
  dataset: {name: image_folder, root: photos, image_size: 16}
  training: {epochs: 1}
seeds: 1
"""


@pytest.mark.parametrize(
    "verb", [*(pytest.param(verb, marks=pytest.mark.slow) for verb in ("plan", "check")), "run"]
)
def test_missing_data_end_a_command_with_3_and_leave_nothing_behind(
    write_study, dasbench, tmp_path, verb
):
    write_study(STUDY)

    done = dasbench(verb, "study.yaml")

    assert done.code == 3
    assert str(tmp_path / "data" / "photos") in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.slow
def test_a_study_finds_its_data_below_the_data_root(write_study, dasbench, tmp_path):
    write_study(STUDY)
    fabricate_folder(tmp_path / "mine" / "photos")

    done = dasbench(
        "run", "study.yaml", "--executor", "inline", "--data-root", "mine", "--loaders", 2
    )
    again = dasbench(
        "run", "study.yaml", "--executor", "inline", DASBENCH_DATA=str(tmp_path / "mine")
    )

    assert done.code == 0, done.err
    assert "1 ran now" in done.out
    assert "0 ran now" in again.out


@pytest.mark.slow
def test_workers_of_ray_read_below_the_same_data_root(write_study, dasbench, tmp_path):
    write_study(STUDY)
    fabricate_folder(tmp_path / "mine" / "photos")

    done = dasbench("run", "study.yaml", "--workers", 1, "--data-root", "mine")

    assert done.code == 0, done.err


@pytest.mark.slow
def test_ray_with_any_number_of_loaders_gives_the_rows_of_the_plain_loop(
    write_study, dasbench, tmp_path
):
    write_study(STUDY.replace("seeds: 1", "seeds: 2"))
    fabricate_folder(tmp_path / "data" / "photos")

    plain = dasbench(
        "run", "study.yaml", "--executor", "inline", "--loaders", 0, "--db", "plain.db"
    )
    ray = dasbench("run", "study.yaml", "--workers", 2, "--loaders", 3, "--db", "ray.db")
    rows = []
    for name in ("plain.db", "ray.db"):
        with read_store(tmp_path / name) as reader:
            rows.append({row.key: (row.state, row.metrics) for row in reader.rows("own")})

    assert (plain.code, ray.code) == (0, 0), plain.err + ray.err
    assert rows[0] == rows[1]
    assert {state for state, _ in rows[0].values()} == {"done"}


@pytest.mark.parametrize(
    "verb", [*(pytest.param(verb, marks=pytest.mark.slow) for verb in ("plan", "check")), "run"]
)
def test_a_download_is_asked_for_by_an_option(verb):
    assert "--download" in {
        option for parameter in cli.get_command(None, verb).params for option in parameter.opts
    }


def test_the_option_reaches_torchvision(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(
        "torchvision.datasets.CIFAR10", lambda root, **options: asked.append((root, options))
    )
    (tmp_path / "study.yaml").write_text(
        STUDY.replace("image_folder, root: photos, image_size: 16", "cifar10")
    )

    for options in ([], ["--download"]):
        arguments = [
            "run",
            str(tmp_path / "study.yaml"),
            "--data-root",
            str(tmp_path),
            "--db",
            str(tmp_path / "x.db"),
        ]
        assert run_command([*arguments, *options]) == 3
        assert "is missing" in capsys.readouterr().err

    assert asked == [(str(tmp_path), {"download": True})]
