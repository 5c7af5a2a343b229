"""The command line as a user runs it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TINY = """\
name: tiny
question: Does it run? [bold] $x^2$ =1+1
base:
  backbone: {name: resnet18, width: 4, stem: small}
  dataset: {name: digits, image_size: 8}
  training: {epochs: 2, lr: 0.05}
axes:
  - {key: backbone.width, values: [2, 4]}
seeds: 2
"""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def run_dasbench(
    folder: Path, *arguments: object, timeout: float = 240, **environment: str
) -> Done:
    """Run `dasbench ...` in a folder; a traceback on screen is never right."""
    done = subprocess.run(
        [sys.executable, "-m", "dasbench", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=timeout,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)
