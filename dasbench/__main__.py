"""`python -m dasbench` is `dasbench`."""

from dasbench.cli import main

if __name__ == "__main__":
    main()
