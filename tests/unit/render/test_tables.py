"""Tables in every width and format: no number and no word is cut, columns go in order, text is taken literally."""

from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dasbench.cli.options import table_options
from dasbench.errors import UsageError
from dasbench.render.tables.html import html
from dasbench.render.tables.latex import latex
from dasbench.render.tables.markdown import markdown
from dasbench.render.tables.printing import print_found, print_table, print_tables
from dasbench.render.tables.table import Column, Layout, Table
from dasbench.render.tables.terminal import print_to_terminal
from dasbench.render.tables.widths import fit_all_columns, fit_width, rooms_of, total_width
from dasbench.render.tables.words import LONGEST_WORD, wrapped

NAME = Column(key="variant", title="variant", is_text=True)
SCORE = Column(key="score", title="test top1 (%)")
PARAMS = Column(key="params", title="params (M)", priority=1)
SD = Column(key="sd", title="sd", priority=2)
WORST = Column(key="worst", title="worst", priority=3)
LABELS = ("first_norm=in second_norm=in", "none")
BOARD = Table(
    title="Which pair?",
    columns=[NAME, SCORE, WORST, SD, PARAMS],
    rows=[
        [LABELS[0], "98.76 ± 1.07", "97.51", "0.43", "0.761"],
        [LABELS[1], "9.10 ± 11.07", "1.00", "4.43", "0.700"],
    ],
    notes=[
        "The first sentence says what the interval is. The second sentence makes the note rather long."
    ],
    bold=[0],
)
HOSTILE = "[/] \x1b[31m $\\frac{$ =cmd() <b> &amp; a|b *c* `d` ~e~"

words = st.text(st.sampled_from("abc=._,中é"), min_size=1, max_size=50)
texts = st.lists(words, max_size=6).map(" ".join)
numbers = st.text(st.sampled_from("0123456789.±- "), min_size=1, max_size=14).map(str.strip)


@st.composite
def tables(draw):
    kinds = draw(st.lists(st.booleans(), min_size=1, max_size=6))
    columns = [
        Column(
            key=f"k{place}", title=draw(texts), is_text=is_text, priority=draw(st.integers(0, 4))
        )
        for place, is_text in enumerate(kinds)
    ]
    cells = st.tuples(*(texts if is_text else numbers for is_text in kinds))
    return Table(title="", columns=columns, rows=draw(st.lists(cells, max_size=3)))


def printed(capsys, monkeypatch, table, width, **options):
    monkeypatch.setenv("COLUMNS", str(width))
    print_to_terminal(table, **options)
    return capsys.readouterr().out


def cells_of(out):
    """The cells of a drawn table, line by line."""
    return [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in out.splitlines()
        if line.startswith("│")
    ]


def names_of(out):
    """The first column of a drawn table, its lines joined where the other columns are empty."""
    names = []
    for name, *others in cells_of(out):
        if any(others):
            names.append(name)
        else:
            names[-1] += f" {name}"
    return names


@given(text=texts, width=st.integers(1, 120), indent=st.integers(0, 2))
def test_lines_end_between_words(text, width, indent):
    lines = wrapped(text, width, indent=indent)

    short = [word for word in text.split() if cell_len(word) <= LONGEST_WORD]
    found = [word for line in lines for word in line.split()]
    assert "".join(found) == "".join(text.split())
    assert [word for word in short if word not in found] == []
    assert [line for line in lines if cell_len(line) > width and " " in line.strip()] == []


@given(table=tables(), width=st.integers(1, 200))
def test_no_number_is_cut_in_any_width(table, width):
    layout = fit_width(table, rooms_of(table), width=width)

    for place, wide in zip(layout.places, layout.widths, strict=True):
        if not table.columns[place].is_text:
            assert max([1, *(cell_len(cells[place]) for cells in table.rows)]) <= wide


@given(table=tables(), width=st.integers(1, 200))
def test_no_short_word_of_a_cell_is_cut_in_any_width(table, width):
    layout = fit_width(table, rooms_of(table), width=width)

    for place, wide in zip(layout.places, layout.widths, strict=True):
        for text in [table.columns[place].title, *(cells[place] for cells in table.rows)]:
            if table.columns[place].is_text or text == table.columns[place].title:
                assert max(map(cell_len, wrapped(text, wide))) <= wide


@given(table=tables(), width=st.integers(1, 200))
def test_a_table_fits_unless_only_columns_that_always_stay_are_left(table, width):
    layout = fit_width(table, rooms_of(table), width=width)

    fits = total_width(layout.widths) <= width
    assert fits or {table.columns[place].priority for place in layout.places} <= {0}


@given(table=tables(), width=st.integers(1, 200))
def test_columns_go_by_priority_and_of_equal_ones_the_right_one_first(table, width):
    layout = fit_width(table, rooms_of(table), width=width)

    order = sorted(
        range(len(table.columns)), key=lambda place: (table.columns[place].priority, place)
    )
    assert sorted(order[: len(layout.places)]) == list(layout.places)


@given(table=tables(), width=st.integers(1, 199))
def test_more_room_never_shows_fewer_columns(table, width):
    rooms = rooms_of(table)

    narrow, wide = (fit_width(table, rooms, width=room) for room in (width, width + 1))

    assert {*narrow.places} <= {*wide.places}


@given(table=tables())
def test_where_nobody_says_a_width_all_columns_are_there_and_names_take_one_line(table):
    layout = fit_all_columns(table, rooms_of(table), width=160)

    texts = [place for place, column in enumerate(table.columns) if column.is_text]
    assert [*layout.places] == [*range(len(table.columns))]
    for place in texts[:1]:
        assert (
            max(cell_len(cells[place]) for cells in (*table.rows, [""] * 9)) <= layout.widths[place]
        )


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (71, ""),
        (70, "worst"),
        (63, "worst"),
        (62, "worst, sd"),
        (56, "worst, sd"),
        (55, "worst, sd"),
        (42, "worst, sd"),
        (41, "worst, sd, params"),
    ],
)
def test_columns_of_two_and_more_go_before_a_name_takes_two_lines(
    capsys, monkeypatch, width, left_out
):
    out = printed(capsys, monkeypatch, BOARD, width)

    said = " ".join(out.split())
    assert said.partition("Left out: ")[2].partition(". `wide`")[0] == left_out
    assert names_of(out) == [*LABELS]
    assert (cells_of(out)[0][0] == LABELS[0]) == (width >= 56)
    assert max(map(len, out.splitlines())) <= width


def test_what_always_stays_is_drawn_wider_than_the_terminal(capsys, monkeypatch):
    out = printed(capsys, monkeypatch, BOARD, 20)

    assert names_of(out) == [*LABELS]
    assert cells_of(out)[0] == ["first_norm=in", "98.76 ± 1.07"]


def test_wide_shows_every_cell_in_one_line(capsys, monkeypatch):
    out = printed(capsys, monkeypatch, BOARD, 20, wide=True)

    assert cells_of(out) == [[*cells] for cells in BOARD.rows]
    assert "Left out" not in out


def test_notes_and_titles_end_between_words_and_hang(capsys, monkeypatch):
    out = printed(capsys, monkeypatch, BOARD, 40)

    assert out.splitlines()[-3:] == [
        "The first sentence says what the",
        "  interval is. The second sentence makes",
        "  the note rather long.",
    ]


def test_notes_that_nobody_gives_a_width_take_lines_of_120(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)

    print_to_terminal(Table(title="", columns=[], rows=[], notes=["word " * 100]))

    assert 110 < max(map(len, capsys.readouterr().out.splitlines())) <= 120


def test_names_take_one_line_where_nobody_gives_a_width(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    label = " ".join(f"axis{number}.parameter={number}" for number in range(12))

    print_to_terminal(Table(title="", columns=[NAME, SCORE, SD], rows=[[label, "1.0", "2.0"]]))

    assert cells_of(capsys.readouterr().out) == [[label, "1.0", "2.0"]]


@pytest.mark.parametrize("columns", ["0", "-3", "wide", ""])
def test_columns_that_are_no_width_are_passed_over(capsys, monkeypatch, columns):
    out = printed(capsys, monkeypatch, BOARD, columns)

    assert cells_of(out) == [[*cells] for cells in BOARD.rows]


@pytest.mark.parametrize("width", [1, 2, 3, 10, 200])
def test_tables_without_rows_columns_or_anything_are_printed(capsys, monkeypatch, width):
    without_rows = printed(
        capsys, monkeypatch, Table(title="", columns=[NAME, SCORE], rows=[]), width
    )
    without_columns = printed(
        capsys, monkeypatch, Table(title="t", columns=[], rows=[], notes=["a note"]), width
    )
    without_anything = printed(capsys, monkeypatch, Table(title="", columns=[], rows=[]), width)

    assert "variant" in without_rows
    assert without_columns.split() == ["t", "a", "note"]
    assert without_anything == ""


def test_a_table_of_one_column_wraps_it(capsys, monkeypatch):
    out = printed(
        capsys, monkeypatch, Table(title="", columns=[NAME], rows=[["one two three"]]), 12
    )

    assert cells_of(out) == [["one two"], ["three"]]


def test_a_word_of_200_characters_is_folded_where_it_does_not_fit(capsys, monkeypatch):
    word = "".join(str(number % 10) for number in range(200))
    table = Table(title="", columns=[NAME, SCORE], rows=[[word, "1.0 ± 0.1"]])

    out = printed(capsys, monkeypatch, table, 80)

    assert max(map(len, out.splitlines())) <= 80
    assert "".join(name for name, _ in cells_of(out)) == word


def test_names_without_blanks_give_way_to_numbers(capsys, monkeypatch):
    names = [58 * "y", "日本語のとても長いゲートの名前でございます", "none"]
    table = Table(
        title="",
        columns=[NAME, SCORE, PARAMS],
        rows=[[name, "98.76 ± 1.07", "0.761"] for name in names],
    )

    out = printed(capsys, monkeypatch, table, 50)

    assert max(map(cell_len, out.splitlines())) <= 50
    assert "params" in out
    assert "".join(name for name, *_ in cells_of(out)) == "".join(names)


def test_wide_characters_stay_in_line(capsys, monkeypatch):
    table = Table(
        title="", columns=[NAME, SCORE], rows=[["數據=中文 注意力=門", "1.0"], ["a", "2.0"]]
    )

    out = printed(capsys, monkeypatch, table, 21)

    assert {cell_len(line) for line in out.splitlines()} == {20}
    assert names_of(out) == ["數據=中文 注意力=門", "a"]


def test_columns_are_those_that_are_named_in_their_order(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10")

    print_table(BOARD, Layout(columns=["worst", "variant", "worst"]))

    out = capsys.readouterr().out
    assert cells_of(out)[:2] == [["97.51", "first_norm=in"], ["", "second_norm=in"]]
    assert "Left out" not in out


@pytest.mark.parametrize("format_", ["table", "md", "latex", "html"])
def test_an_unknown_column_is_named_with_the_nearest_and_all_that_are_known(format_):
    with pytest.raises(
        UsageError,
        match=r"`columns`: unknown column 'scor'. Did you mean 'score'\? Known: params, sc",
    ):
        print_table(BOARD, Layout(format_=format_, columns=["variant", "scor"]))


def test_of_several_tables_those_with_a_named_column_are_printed(capsys):
    other = Table(
        title="Other", columns=[Column(key="axis", title="axis", is_text=True)], rows=[["lr"]]
    )
    said = Table(title="", columns=[], rows=[], notes=["Said anyway."])

    print_tables([BOARD, other, said], Layout(columns=["axis"]))

    out = capsys.readouterr().out
    assert "Which pair?" not in out
    assert cells_of(out) == [["lr"]]
    assert out.endswith("\n\nSaid anyway.\n")


def test_columns_are_refused_beside_formats_that_hold_every_field():
    import click

    command = click.command()(
        table_options("table", "json", "csv")(lambda layout: print_table(BOARD, layout))
    )

    refused = CliRunner().invoke(command, ["--columns", "sd", "--json"])
    printed = CliRunner().invoke(command, ["--columns", " sd , variant"])

    assert isinstance(refused.exception, UsageError)
    assert (
        str(refused.exception)
        == "--columns chooses columns of a table; json holds every field, leave it out."
    )
    assert cells_of(printed.stdout)[0] == ["0.43", LABELS[0]]


def test_only_what_was_asked_for_is_laid_out(capsys):
    def refuse():
        raise AssertionError("nobody asked for it")

    print_found(Layout(format_="json"), tables=refuse, records=lambda: [{"n": 3}])
    print_found(Layout(format_="md"), tables=lambda: [BOARD], records=refuse)

    assert '"n": 3' in capsys.readouterr().out


def test_text_does_nothing_to_a_terminal(capsys, monkeypatch):
    out = printed(
        capsys,
        monkeypatch,
        Table(title=HOSTILE, columns=[NAME], rows=[[HOSTILE]], notes=[HOSTILE]),
        200,
    )

    assert "\x1b" not in out
    assert out.count(HOSTILE.replace("\x1b", "\\x1b")) == 3


def test_markdown_takes_text_literally_and_shows_all_columns():
    table = Table(
        title=HOSTILE, columns=[NAME, SD], rows=[[HOSTILE, "1"]], notes=[HOSTILE, "so"], bold=[0]
    )

    title, _, head, rule, row, _, *notes = markdown(table).splitlines()

    safe = r"\[/\] \\x1b\[31m \$\\frac{\$ =cmd() &lt;b&gt; &amp;amp; a\|b \*c\* \`d\` \~e\~"
    assert (title, head, rule) == (f"**{safe}**", "| variant | sd |", "| --- | ---: |")
    assert row == f"| **{safe}** | 1 |"
    assert notes == [f"- {safe}", "- so"]


def test_latex_is_bold_up_to_the_first_number_and_in_ascii():
    source = latex(BOARD)

    rows = [line.strip() for line in source.splitlines() if "norm" in line or "none" in line]
    assert rows == [
        r"\textbf{first\_norm=in second\_norm=in} & \textbf{98.76 $\pm$ 1.07} & 97.51 & 0.43 & 0.761 \\",
        r"none & 9.10 $\pm$ 11.07 & 1.00 & 4.43 & 0.700 \\",
    ]
    assert r"\begin{tabular}{lrrrr}" in source
    assert r"\caption{Which pair? The first" in source
    assert source.endswith("\n" + r"\end{table}")


def test_notes_alone_are_text_in_every_format(capsys, monkeypatch):
    alone = Table(title="", columns=[], rows=[], notes=["a_b wins.", "So it is."])

    assert markdown(alone) == "- a\\_b wins.\n- So it is."
    assert latex(alone) == "a\\_b wins.\nSo it is."
    assert "<p>a_b wins.</p>\n<p>So it is.</p>" in html([alone])
    assert printed(capsys, monkeypatch, alone, 80) == "a_b wins.\nSo it is.\n"


def test_latex_takes_text_literally():
    source = latex(Table(title=HOSTILE, columns=[NAME], rows=[[HOSTILE], ["β --x"]], notes=[]))

    assert (
        r"{[}/] \textbackslash{}x1b{[}31m \$\textbackslash{}frac\{\$ =cmd() \textless{}b\textgreater{} \&amp;"
        in source
    )
    assert r"$\beta$ -{}-x \\" in source


class Reader(HTMLParser):
    """What a browser would read: the tags, and the texts by the tag they stand in."""

    def __init__(self):
        super().__init__()
        self.tags, self.texts = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.tags[-1], data.strip()))


def test_html_is_one_page_of_all_tables_that_takes_text_literally():
    hostile = Table(
        title=HOSTILE,
        columns=[NAME, SD],
        rows=[["<script>alert(1)</script> ±", "中"]],
        notes=[HOSTILE],
    )

    page = html([BOARD, hostile])
    reader = Reader()
    reader.feed(page)

    assert reader.tags.count("table") == 2
    assert {*reader.tags}.isdisjoint({"script", "b", "link", "img"})
    assert ("title", "Which pair?") in reader.texts
    assert ("h1", HOSTILE.replace("\x1b", "\\x1b")) in reader.texts
    assert ("th", "<script>alert(1)</script> ±") in reader.texts
    assert ("td", "中") in reader.texts
    assert page.isascii()


def test_html_of_no_table_is_a_page():
    assert "<title>dasbench</title>" in html([])
