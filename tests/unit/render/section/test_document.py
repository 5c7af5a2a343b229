"""The document of a report compiles, alone and in another document."""

import os
import shutil
import subprocess

import pytest
from fabricated_reports import BAD, CLOSE, GOOD, LOOKS, hostile_study, write

from dasbench.render.section.report import report
from dasbench.render.text.tex import tex


@pytest.mark.parametrize(
    ("text", "source"),
    [("\u00e9", r"\'{e}"), ("\u0416", r"\texttt{U+0416}\allowbreak{}"), ("--", "-{}-"), ("[", "{[}"),
     ("\u03bb\u039b", r"$\lambda$$\Lambda$"), ("\u2013", "--"), ("?`", "?{}`"),
     ("\ud800", r"\texttt{U+D800}\allowbreak{}")],
)  # fmt: skip
def test_characters_beyond_ascii_become_commands(text, source):
    assert tex(text) == source


def compiled(folder, document="document.tex"):
    """The log of a run of pdflatex."""
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-recommended)")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document],
        cwd=folder, capture_output=True, check=False, timeout=200, env={**os.environ, "max_print_line": "1000"},
    )  # fmt: skip
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-3000:]
    return log


@pytest.mark.slow
def test_the_document_compiles_with_hostile_names(db, tmp_path):
    hostile_study(db)
    report(db, "names", tmp_path / "out")

    log = compiled(tmp_path / "out")

    assert "pareto.pdf" in log
    assert "Missing character" not in log


@pytest.mark.slow
def test_the_section_can_be_read_into_another_document(db, tmp_path):
    write(db, "gates", {"se": GOOD, "none": BAD, "cbam": {**CLOSE, 2: None}}, looks=LOOKS)
    report(db, "gates", tmp_path / "out")
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}\newcommand{\dasbenchfigures}{out/figures}"
        r"\begin{document}\input{out/section}See Table~\ref{tab:gates-scores}."
        r"\bibliographystyle{plain}\bibliography{out/references}\end{document}"
    )

    compiled(tmp_path, "paper.tex")
    subprocess.run(["bibtex", "paper"], cwd=tmp_path, capture_output=True, check=True, timeout=60)
    compiled(tmp_path, "paper.tex")
    log = compiled(tmp_path, "paper.tex")

    assert "undefined references" not in log
