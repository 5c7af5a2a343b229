"""`python -m dasbench` is `dasbench`: the folder that one stands in does not come before the libraries."""

import os
import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        here = sys.path.pop(0)  # which -m put there
        if os.path.dirname(os.path.dirname(__file__)) == here:  # noqa: PTH120 - a checkout, perhaps not installed
            sys.path.append(here)
    from dasbench.cli import main

    main()
