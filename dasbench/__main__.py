"""`python -m dasbench` is `dasbench`: the folder that one stands in does not come before the libraries."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        here = sys.path.pop(0)  # which -m put there
        if __file__.startswith(here):  # a checkout that is not installed
            sys.path.append(here)
    from dasbench.cli import main

    main()
