"""The bundled digits: scikit-learn's, without the second that it takes to import it."""

import subprocess
import sys
from importlib.machinery import ModuleSpec

import numpy as np
from sklearn.datasets import load_digits

from dasbench.datasets import digits


def test_they_are_the_digits_that_scikit_learn_loads():
    bunch = load_digits()

    originals = digits._originals()

    assert np.array_equal(originals.images, bunch.images)
    assert np.array_equal(originals.target, bunch.target)


def test_they_are_read_without_importing_scikit_learn():
    code = "import sys; from dasbench.datasets.digits import digits; digits(); print('sklearn' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_where_the_file_has_moved_scikit_learn_finds_it(tmp_path, monkeypatch):
    elsewhere = ModuleSpec("sklearn", None, is_package=True)
    elsewhere.submodule_search_locations = [str(tmp_path)]
    read = digits.digits(image_size=8).fingerprint
    monkeypatch.setattr(digits, "find_spec", lambda _name: elsewhere)

    assert digits.digits(image_size=8).fingerprint == read
