"""A process that trains one trial of several: it gets ready, waits for a line on its standard input, and starts.

It is told the trial, the device and its share of the GPU's memory as JSON in its first argument. It
says `ready`, and at the end its outcome as a line of JSON.
"""

import json
import sys
from dataclasses import dataclass

import on_gpu.noise  # noqa: F401 - registers the data set
from dasbench.datasets.choice import load_dataset
from dasbench.devices import device_of, start_on
from dasbench.spec.trial import Trial
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime


@dataclass(frozen=True)
class Task:
    """What the process is to do.

    Args:
        trial: as JSON.
        device: as in `Runtime`.
        gpu_share: as in `Runtime`.
    """

    trial: str
    device: str
    gpu_share: float


def main() -> None:
    task = Task(**json.loads(sys.argv[1]))
    trial = Trial.model_validate_json(task.trial)
    load_dataset(trial.dataset)
    start_on(device_of(task.device))
    print("ready", flush=True)
    if not sys.stdin.readline():
        return  # whoever started it is gone
    outcome = run_trial(trial, runtime=Runtime(device=task.device, gpu_share=task.gpu_share))
    speeds = [epoch.metrics["images_per_s"] for epoch in outcome.epochs]
    print(
        json.dumps({"status": outcome.status, "speeds": speeds, "error": outcome.error[-600:]}),
        flush=True,
    )


if __name__ == "__main__":
    main()
