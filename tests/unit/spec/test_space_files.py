"""Search spaces are files of axes that studies share."""

from pathlib import Path

import pytest

from dasbench.catalog import known_names
from dasbench.checks import check_components
from dasbench.errors import StudyError
from dasbench.spec.load import load_study

ROOT = Path(__file__).parents[3]
STUDY = """\
name: x
question: Which?
base:
  backbone: {name: resnet18, width: 4, stem: small}
  gate: das
  dataset: {name: digits, image_size: 16}
space: das_gate
"""


def write(folder, space, study=STUDY):
    (folder / "search_spaces").mkdir()
    (folder / "search_spaces" / "das_gate.yaml").write_text(space)
    (folder / "studies").mkdir()
    path = folder / "studies" / "x.yaml"
    path.write_text(study)
    return path


def test_a_space_adds_its_axes_to_the_studys_own(tmp_path):
    space = "name: das_gate\nabout: Two.\naxes:\n  - {key: gate.kernel, values: [3, 5]}\n"
    path = write(tmp_path, space, STUDY + "axes:\n  - {key: gate.alpha, values: [0.1, 0.2]}\n")

    study = load_study(path, known=known_names())

    assert [axis.key for axis in study.axes] == ["gate.alpha", "gate.kernel"]
    assert len(list(study.variants())) == 4


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ("name: other\nabout: x\naxes: []\n", "das_gate.yaml:1: name: must be the file's name"),
        (
            "name: das_gate\nabout: x\naxes:\n  - {key: a, valus: [1]}\n",
            "das_gate.yaml:4: axes[0].valus: unknown key",
        ),
        ("name: das_gate\naxes: []\n", "about: is required"),
    ],
)
def test_faults_of_a_space_are_found_in_its_own_file(tmp_path, space, words):
    with pytest.raises(StudyError) as error:
        load_study(write(tmp_path, space), known=known_names())

    assert words in str(error.value)


def test_an_unknown_space_is_answered_with_the_nearest(tmp_path):
    path = write(
        tmp_path, "name: das_gate\nabout: x\naxes: []\n", STUDY.replace("das_gate", "das_gat")
    )

    with pytest.raises(
        StudyError,
        match=r"x\.yaml:7: space: unknown search space 'das_gat'\. Did you mean 'das_gate'\?",
    ):
        load_study(path, known=known_names())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "search_spaces").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_search_space_holds_only_variants_that_differ(tmp_path, path):
    study = tmp_path / "x.yaml"
    study.write_text(STUDY.replace("das_gate", str(path)))

    loaded = load_study(study, known=known_names())

    check_components(loaded)
    variants = [str(sorted(variant.items())) for variant in loaded.variants()]
    assert len(variants) == len(set(variants)) > 10


def test_a_part_that_a_design_lacks_cannot_vary(tmp_path):
    axes = "  - {key: gate.design, values: [c, e]}\n  - {key: gate.kernel, values: [3, 5]}\n"
    space = f"name: das_gate\nabout: x\naxes:\n{axes}"
    study = load_study(write(tmp_path, space), known=known_names())

    with pytest.raises(
        StudyError, match=r"changes nothing in this variant \(das\(design=e, kernel=3\)\)"
    ):
        check_components(study)
