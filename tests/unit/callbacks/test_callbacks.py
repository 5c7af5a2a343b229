"""Trackers hear what happens to a study's trials, and no study is harmed by what they raise."""

import logging
import math
import subprocess
import sys

import pytest

from dasbench.callbacks.multiplexer import Callbacks, make_callbacks
from dasbench.catalog import CALLBACKS
from dasbench.counting import count_cost
from dasbench.errors import UsageError
from dasbench.prepare import prepare
from dasbench.records import Epoch, Outcome
from dasbench.results.store import open_store
from dasbench.run import run_study
from dasbench.search.executors.executor import Interrupt
from dasbench.search.executors.inline import Inline
from dasbench.spec.study import Study
from dasbench.spec.trial import Choice, Trial


class Display:
    """A watcher that counts what it hears."""

    def __init__(self):
        self.heard = []

    def planned(self, agenda, states):
        self.heard.append("planned")

    def added(self, states):
        self.heard.append("added")

    def looked(self, look):
        self.heard.append("looked")

    def reported(self, key, epoch):
        self.heard.append("reported")

    def finished(self, outcome):
        self.heard.append(outcome.status)


class Broken(Display):
    """A callback that raises at one event."""

    def __init__(self, event):
        super().__init__()
        self.event = event

    def reported(self, key, epoch):
        super().reported(key, epoch)
        if self.event == "reported":
            raise ConnectionError("no route\nto [/] host")

    def close(self):
        self.heard.append("close")
        if self.event == "close":
            raise ConnectionError("gone")


def study(**fields):
    base = Trial(
        backbone={"name": "resnet18", "width": 2}, dataset={"name": "digits", "image_size": 8}
    )
    axes = [{"key": "backbone.width", "values": [2, 4]}]
    return Study.model_validate(
        {"name": "widths", "question": "How wide?", "base": base, "axes": axes, **fields}
    )


def job(trial, report, cost=None):
    """Two epochs; the wider network fails after them."""
    curve = tuple(Epoch(n, {"train_loss": 1.0 / n, "val_top1": 50.0 + n}) for n in (1, 2))
    for epoch in curve:
        report(epoch)
    if trial.backbone.params["width"] == 4:
        return Outcome(
            key=trial.key, status="failed", reason="nan", error="the loss is nan", epochs=curve
        )
    metrics = {"top1": 51.5, "val_top1": 52.0, "loss": math.nan}
    return Outcome(
        key=trial.key,
        status="done",
        metrics=metrics,
        epochs=curve,
        cost=count_cost(trial),
        seconds=2.5,
    )


def interrupted(trial, report, cost=None):
    """One epoch, and then somebody asks to stop."""
    report(Epoch(1, {"train_loss": 1.0, "val_top1": 51.0}))
    return Outcome(key=trial.key, status="interrupted", epochs=(Epoch(1, {"val_top1": 51.0}),))


def run(folder, callbacks, work=job):
    """Run the study; returns its agenda, the display and the summary."""
    display, prepared = Display(), prepare(study())
    with open_store(folder / "results.db") as store, Callbacks(display, callbacks) as watcher:
        options = {"watcher": watcher, "interrupt": Interrupt(), "forget": [].append}
        summary = run_study(prepared, store, Inline(), work, **options)
    return prepared.agenda, display, summary


def test_a_callback_hears_what_the_display_hears(tmp_path):
    callback = Broken(event=None)

    _, display, _ = run(tmp_path, {"one": callback})

    assert callback.heard == [*display.heard, "close"]
    assert display.heard == [
        "planned",
        "reported",
        "reported",
        "done",
        "reported",
        "reported",
        "failed",
    ]


@pytest.mark.parametrize("event", ["reported", "close"])
def test_a_callback_that_fails_is_logged_once_and_harms_nothing(tmp_path, caplog, event):
    broken, sound = Broken(event), Broken(event=None)
    with caplog.at_level(logging.WARNING):
        _, display, summary = run(tmp_path, {"1. broken": broken, "2. sound": sound})

    assert sorted(summary.states.values()) == ["done", "failed"]
    assert sound.heard == [*display.heard, "close"]
    [record] = caplog.records
    assert record.getMessage().startswith(
        "callback 1. broken failed and hears nothing more of this run: ConnectionErr"
    )
    assert "\n" not in record.getMessage()


def test_a_callback_that_fails_hears_nothing_more_but_is_closed(tmp_path):
    broken = Broken("reported")

    run(tmp_path, {"broken": broken})

    assert broken.heard == ["planned", "reported", "close"]


def test_an_interrupt_passes_through_a_callback(tmp_path):
    class Stopped(Broken):
        def reported(self, key, epoch):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, {"stopped": Stopped(event=None)})


def test_a_failure_of_the_display_is_no_callbacks_failure(monkeypatch):
    watcher = Callbacks(Display(), {})
    monkeypatch.setattr(watcher._watcher, "finished", None)

    with pytest.raises(TypeError):
        watcher.finished(Outcome(key="0", status="done"))


@pytest.mark.parametrize("name", CALLBACKS.names())
def test_a_missing_package_is_named_with_the_command_that_installs_it(name, monkeypatch):
    CALLBACKS[name]  # the component itself imports without the package
    hidden = dict.fromkeys([name], None)
    monkeypatch.setattr(
        "dasbench.callbacks.callback.find_spec", lambda module: hidden.get(module, object())
    )

    with pytest.raises(
        UsageError, match=rf"callback '{name}' needs .*pip install 'dasbench\[{name}\]'"
    ):
        make_callbacks([Choice(name=name)])


def test_a_callback_may_be_named_twice():
    pytest.importorskip("tensorboard")
    twice = [
        Choice(name="tensorboard", params={"folder": "a"}),
        Choice(name="tensorboard", params={"folder": "b"}),
    ]

    assert len(make_callbacks(twice)) == 2


@pytest.fixture
def scalars():
    """Reads the event files of a folder back, as TensorBoard does."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def read(folder):
        events = accumulator.EventAccumulator(str(folder))
        events.Reload()
        return events

    return read


def test_tensorboard_gets_a_run_for_each_trial(tmp_path, scalars):
    agenda, _, _ = run(
        tmp_path,
        make_callbacks([Choice(name="tensorboard", params={"folder": str(tmp_path / "tb")})]),
    )

    names = {key: f"{item.label}_seed=0_{key}" for key, item in agenda.items.items()}
    assert {path.name for path in (tmp_path / "tb" / "widths").iterdir()} == set(names.values())
    first = next(iter(agenda.items.values()))
    done, failed = (scalars(tmp_path / "tb" / "widths" / name) for name in names.values())
    assert [(event.step, event.value) for event in done.Scalars("val_top1")] == [
        (1, 51.0),
        (2, 52.0),
    ]
    assert done.Scalars("final/top1")[0].value == 51.5
    assert done.Scalars("final/macs_full")[0].value == count_cost(first.trial).macs_full
    assert done.SummaryMetadata("_hparams_/session_start_info").plugin_data.plugin_name == "hparams"
    assert failed.Tensors("status/text_summary")[0].tensor_proto.string_val == [b"failed (nan)"]


def test_tensorboard_goes_on_where_an_interrupted_trial_stopped(tmp_path, scalars):
    choice = [Choice(name="tensorboard", params={"folder": str(tmp_path / "tb"), "hparams": False})]
    run(tmp_path, make_callbacks(choice), interrupted)

    agenda, _, _ = run(tmp_path, make_callbacks(choice))

    folders = sorted((tmp_path / "tb" / "widths").iterdir())
    assert len(folders) == len(agenda.items)
    assert [event.step for event in scalars(folders[0]).Scalars("val_top1")] == [1, 1, 2]


@pytest.mark.parametrize(
    "label", ["../../etc", "[/] \x1b[31m", "$\\frac{$", "=cmd()", "a" * 500, "..", ""]
)
def test_no_label_leads_out_of_tensorboards_folder(tmp_path, label):
    from dasbench.callbacks.tensorboard import folder_name

    name = folder_name(label)

    (tmp_path / name).mkdir()
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "default"])
def test_mlflow_gets_a_run_for_each_trial(tmp_path, monkeypatch, kind):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    uri = "sqlite:///mlflow.db" if kind == "default" else f"sqlite:///{tmp_path}/other.db"
    choice = Choice(name="mlflow", params={} if kind == "default" else {"uri": uri})
    run(tmp_path, make_callbacks([choice]), interrupted)

    agenda, _, _ = run(tmp_path, make_callbacks([choice]))

    client = mlflow.MlflowClient(tracking_uri=uri)
    runs = {run.data.tags["dasbench.key"]: run for run in client.search_runs([_experiment(client)])}
    done, failed = (runs[key] for key in agenda.items)
    assert len(runs) == 2
    assert (done.info.status, failed.info.status) == ("FINISHED", "FAILED")
    assert done.data.params["backbone.width"] == "2"
    assert done.data.metrics["final/top1"] == 51.5
    assert math.isnan(done.data.metrics["final/loss"])
    history = client.get_metric_history(done.info.run_id, "val_top1")
    assert sorted({(point.step, point.value) for point in history}) == [(1, 51.0), (2, 52.0)]
    assert failed.data.tags["dasbench.reason"] == "nan"


def _experiment(client):
    return client.get_experiment_by_name("widths").experiment_id


@pytest.mark.slow
def test_wandb_writes_a_run_for_each_trial_without_a_network(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")

    agenda, _, summary = run(
        tmp_path, make_callbacks([Choice(name="wandb", params={"folder": str(tmp_path)})])
    )

    files = [path.name for path in (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")]
    assert sorted(files) == sorted(f"run-{key}.wandb" for key in agenda.items)
    assert sorted(summary.states.values()) == ["done", "failed"]


def test_components_import_no_tracker_and_no_torch_before_they_are_used():
    code = """
import sys
from dasbench.catalog import CALLBACKS
assert [CALLBACKS[name].summary for name in CALLBACKS.names()]
print({"wandb", "mlflow", "tensorboard", "torch"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout.strip(), done.stderr) == ("set()", "")
