"""`python -m dasbench` is `dasbench`: the folder one stands in does not hide the libraries."""

import os
import sys
from importlib.machinery import PathFinder


def search_last(here: str) -> None:
    """Search a folder after the libraries, if it holds the dasbench that runs.

    Workers have to find the same one.

    Args:
        here: the folder that one stands in.
    """
    installed = PathFinder.find_spec("dasbench", sys.path)
    # nothing else is imported before the path is right, not even pathlib
    package = os.path.dirname(__file__)  # noqa: PTH120
    beside = os.path.dirname(package)  # noqa: PTH120
    if beside == here and (installed is None or installed.origin != f"{package}/__init__.py"):
        sys.path.append(here)
        paths = filter(None, (here, os.environ.get("PYTHONPATH")))
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)


if __name__ == "__main__":
    if not sys.flags.safe_path:
        search_last(sys.path.pop(0))  # which -m put there
    from dasbench.cli import main

    main()
