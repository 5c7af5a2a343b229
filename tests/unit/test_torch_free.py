"""What is asked, known and shown, and every verb that only reads, never waits for torch."""

import json
import subprocess
import sys
from pathlib import Path

import dasbench

PACKAGE = Path(dasbench.__file__).parent
ROOMS = [
    "analysis",
    "blame",
    "callbacks",
    "catalog",
    "cli",
    "code",
    "confusion",
    "cores",
    "data_access",
    "errors",
    "faults",
    "paper",
    "plugins",
    "records",
    "components",
    "render",
    "results",
    "seeds",
    "spec",
    "views",
]
"""Rooms, and modules beside them, whose import must not take seconds."""

NEED_TORCH = {
    "dasbench.render.cost": "shows what was counted of networks that were built",
    "dasbench.render.data": "shows what was found in data sets that were loaded",
    "dasbench.render.sites": "shows the sites of a backbone that was built",
}
"""Modules that only verbs import which need torch themselves -> why."""

IMPORT_EACH = """
import importlib, json, sys

for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
    if "torch" in sys.modules:
        sys.exit(f"{name} imports torch")
"""


def modules_of(room: str) -> list[str]:
    folder = PACKAGE / room
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]
    paths = [file.relative_to(PACKAGE.parent).with_suffix("") for file in files]
    return [".".join(path.parts).removesuffix(".__init__") for path in paths]


def test_importing_what_reads_and_shows_does_not_import_torch():
    names = [name for room in ROOMS for name in modules_of(room) if name not in NEED_TORCH]

    command = [sys.executable, "-c", IMPORT_EACH, json.dumps(names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
