"""How long the first look at photographs takes, for 1,000 files: read, decoded, and when they are known.

    python benchmarks/first_look.py                # 1,000 files; about half a minute on two cores

The files are JPEGs of 500x375 pixels, as photographs of the web are. They were just written, so
that no disk is waited for. Each figure is the median of five runs; those for larger sets are
computed from it.
"""

import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import monotonic

import numpy as np
from PIL import Image

from dasbench.cores import usable_cores
from dasbench.data_access import Look, reading_data
from dasbench.datasets.looking.first_look import FileList, first_look

NUMBER = 1000
RUNS = 5
OTHERS = (50_000, 1_300_000)


def photograph(path: Path, number: int) -> None:
    """A JPEG with detail at every scale."""
    random = np.random.default_rng(number)
    pixels = np.zeros((375, 500, 3))
    for side in (4, 16, 64, 250):
        coarse = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
        pixels += (
            np.asarray(Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC)) / 4
        )
    Image.fromarray(pixels.astype(np.uint8)).save(path, quality=92)


def seconds(files: FileList, look: Look, cache: Path) -> float:
    """Time of one look, of what was never seen if the cache is empty."""
    os.environ["DASBENCH_CACHE"] = str(cache)
    with reading_data(look=look):
        start = monotonic()
        first_look([files])
        return monotonic() - start


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [f"{number:04d}.jpg" for number in range(NUMBER)]
        for number, file in enumerate(names):
            photograph(folder / file, number)
        files = FileList(folder, names)
        size = sum((folder / file).stat().st_size for file in names) / NUMBER
        times: dict[str, list[float]] = {"read": [], "decoded": [], "known": []}
        for run in range(RUNS):
            times["read"].append(seconds(files, "bytes", folder / f"cache {run}"))
            times["decoded"].append(seconds(files, "pixels", folder / f"other cache {run}"))
            times["known"].append(seconds(files, "pixels", folder / f"other cache {run}"))
    sys.stdout.write(
        f"{NUMBER} JPEGs of 500x375, {size / 1000:.0f} kB each, {usable_cores()} cores\n"
    )
    for what, measured in times.items():
        one = median(measured)
        rest = "  ".join(f"{number:,}: {one * number / NUMBER / 60:.1f} min" for number in OTHERS)
        spread = f"{min(measured):.2f} to {max(measured):.2f}"
        sys.stdout.write(f"{what:8} {one:.2f} s ({spread})  computed: {rest}\n")


if __name__ == "__main__":
    main()
