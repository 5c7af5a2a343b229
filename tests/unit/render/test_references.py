"""References say what a component's source says, and nothing more."""

import re

import pytest

from dasbench.catalog import KINDS
from dasbench.render.section.bibliography import (
    bib_text,
    bibtex,
    is_reference,
    make_citations,
    references_in,
    references_of,
)
from dasbench.views.sources import UsedComponent, num_stages, used_components


def component(source, kind="gate", name="se"):
    return UsedComponent(kind=kind, name=name, trials=1, source=source)


@pytest.mark.parametrize(
    ("source", "authors", "others", "year", "title", "arxiv", "note"),
    [
        ("Hu et al. 2018, Squeeze-and-excitation networks, arXiv 1709.01507, section 3",
         ["Hu"], True, "2018", "Squeeze-and-excitation networks", "1709.01507", "arXiv 1709.01507, section 3"),
        ("Hu, Shen, Sun 2018, Squeeze-and-Excitation Networks, CVPR, arXiv 1709.01507",
         ["Hu", "Shen", "Sun"], False, "2018", "", "1709.01507",
         "Squeeze-and-Excitation Networks, CVPR, arXiv 1709.01507"),
        ("Khosla, Jayadevaprakash, Yao and Fei-Fei 2011, Novel dataset, CVPR",
         ["Khosla", "Jayadevaprakash", "Yao", "Fei-Fei"], False, "2011", "", "", "Novel dataset, CVPR"),
        ("Xiao, Rasul and Vollgraf 2017, Fashion-MNIST (arXiv:1708.07747)",
         ["Xiao", "Rasul", "Vollgraf"], False, "2017", "Fashion-MNIST", "1708.07747", "(arXiv:1708.07747)"),
        ("Fu et al. 2021, Scene segmentation, doi 10.1109/TNNLS.2020.3006524, the modules",
         ["Fu"], True, "2021", "Scene segmentation", "", "doi 10.1109/TNNLS.2020.3006524, the modules"),
        ("Watanabe, 2023, arXiv 2304.11127", ["Watanabe"], False, "2023", "", "2304.11127", "arXiv 2304.11127"),
        ("van der Maaten and O'Brien 2008, A map", ["van der Maaten", "O'Brien"], False, "2008", "", "", "A map"),
        ("Doe 2020, A gate like arXiv 1234.56789", ["Doe"], False, "2020", "", "",
         "A gate like arXiv 1234.56789"),
        ("M\u00fcller 2020", ["M\u00fcller"], False, "2020", "", "", ""),
    ],
)  # fmt: skip
def test_what_is_regular_is_parsed(source, authors, others, year, title, arxiv, note):
    (found,) = references_in(source)

    assert (list(found.authors), found.others, found.year) == (authors, others, year)
    assert (found.title, found.arxiv, found.note) == (title, arxiv, note)
    assert found.text == source


@pytest.mark.parametrize(
    "source",
    [
        "Salajegheh, Asadi, Saryazdi, Mudur: DAS: A Deformable Attention, sections 3.1 and 4.3",
        "Deb, K. 2002, A fast and elitist algorithm",
        "Jane Doe 2020, A gate",
        "See Smith 2019",
        "Based on the gate of Smith 2019, arXiv 1901.00001",
        "https://example.org/gate",
        "A gate of 1999",
        "\u4e2d\u6587 2020, a gate",
        "2020",
    ],
)
def test_what_is_doubtful_is_a_note_as_a_whole(source):
    found = references_in(source)

    assert [one.note or one.text for one in found] == [source] or found[0].text == source
    assert not any(one.title for one in found)
    assert "".join(one.text for one in found) == source


def test_several_references_of_one_source_are_entries_of_their_own_and_nothing_is_lost():
    source = "Bergstra et al., 2011, NeurIPS; Watanabe, 2023, arXiv 2304.11127; optuna.samplers.TPESampler"

    found = references_in(source)

    assert [one.authors for one in found] == [["Bergstra"], ["Watanabe"]]
    assert "; ".join(one.text for one in found) == source
    assert found[1].note == "arXiv 2304.11127; optuna.samplers.TPESampler"


def test_a_number_that_stands_behind_is_not_that_of_the_paper():
    (found,) = references_in(
        "Li et al., 2018, JMLR 18(185); asynchronous as in arXiv 1810.05934; ray.tune"
    )

    assert found.arxiv == ""
    assert found.note == "JMLR 18(185); asynchronous as in arXiv 1810.05934; ray.tune"


@pytest.mark.parametrize(
    "source", ["the user", "exhaustive enumeration", "", "the backbone as published"]
)
def test_what_names_nobody_is_not_cited(source):
    assert not is_reference(source)
    assert make_citations([component(source)]) == []


def test_components_of_one_source_are_cited_together_and_listed_once():
    source = "He et al. 2016, Deep residual learning, arXiv 1512.03385"
    components = [component(source, "backbone", name) for name in ("resnet18", "resnet34")]

    citations = make_citations(components)

    assert [citation.what for citation in citations] == ["backbones resnet18 and resnet34"]
    assert len(references_of(citations)) == 1


def test_keys_are_unique_where_authors_year_and_title_begin_alike():
    texts = [
        f"Hu et al. 2018, Squeeze again, arXiv 1709.01507, section {number}" for number in (1, 2, 3)
    ]

    citations = make_citations(
        [component(text, name=str(place)) for place, text in enumerate(texts)]
    )

    keys = [one.key for one in references_of(citations)]
    assert keys == [
        "dasbench-hu2018squeeze",
        "dasbench-hu2018squeeze-2",
        "dasbench-hu2018squeeze-3",
    ]


HOSTILE = ["}{ 50 % & $x$ _ # ~ ^ \\ Doe 2020", "Doe 2020, {A} \"gate\" @misc{x, arXiv 2001.00001", "A\x1b[31m{ 1",
           "\u4e2d\u6587 \u00df \U0001f642 2020", "M\u00fcller 2020, \u00c9t\u00e9 {, arXiv 2001.00002"]  # fmt: skip


@pytest.mark.parametrize("source", HOSTILE)
def test_entries_are_ascii_with_balanced_braces(source):
    text = bibtex(references_in(source))

    assert text.isascii()
    assert text.isprintable() or set(text) - {"\n"} == {one for one in text if one.isprintable()}
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert re.findall(r"(?m)^@misc\{[a-z0-9-]+,$", text)
    assert text.count("\n@") == 0


def test_a_title_keeps_its_capitals_and_authors_are_told_apart():
    text = bibtex(references_in("Hu, Shen and Sun 2018, CBAM of ResNet, arXiv 1709.01507"))

    assert "author = {Hu and Shen and Sun}," in text
    assert "title = {{CBAM of ResNet}}," in text
    assert "eprint = {1709.01507}," in text
    assert "archiveprefix = {arXiv}," in text


def test_braces_in_a_text_are_commands():
    assert bib_text("{") == r"\textbraceleft{}"


@pytest.mark.parametrize("kind", ["gate", "backbone", "dataset", "sampler", "scheduler"])
def test_the_source_of_every_component_is_found_without_importing_it(kind):
    names = KINDS[kind].names()
    specs = (
        {name: {kind: {"name": name}} for name in names}
        if kind not in ("sampler", "scheduler")
        else {}
    )
    documents = [{kind: name} for name in names if name != "none"] if not specs else [{}]

    found = {
        one.name: one.source
        for document in documents
        for one in used_components(specs, {}, document)
    }

    assert found == {name: KINDS[kind][name].source for name in found}
    assert set(found) >= set(names) - {"none"}


def test_a_backbone_whose_stages_are_computed_has_no_number_of_them():
    assert num_stages("resnet50") == 4
    assert num_stages("mobilenet_v2") is None


def test_trials_that_wait_do_not_hide_what_others_recorded_of_a_component():
    own = {"name": "freq", "source": "Doe 2024", "git_commit": "a1", "git_dirty": False}
    specs = {"a": {"gate": {"name": "freq"}}, "b": {"gate": {"name": "freq"}}}

    found = used_components(specs, {"a": {"components": {"gate": own}}}, {})

    assert found == [
        UsedComponent(
            kind="gate",
            name="freq",
            trials=1,
            source="Doe 2024",
            is_own=True,
            git_commit="a1",
            git_dirty=False,
        )
    ]


def test_a_component_that_changed_between_trials_is_told_with_both_commits():
    own = {
        key: {"name": "freq", "source": "", "git_commit": key, "git_dirty": False}
        for key in ("a1", "b2")
    }
    specs = {key: {"gate": {"name": "freq"}} for key in own}

    found = used_components(
        specs, {key: {"components": {"gate": record}} for key, record in own.items()}, {}
    )

    assert [one.git_commit for one in found] == ["a1", "b2"]
