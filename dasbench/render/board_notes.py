"""The sentences below a leaderboard and below the table of scores in a paper."""

from collections.abc import Iterable, Iterator

from dasbench.render.board_columns import num_stopped
from dasbench.render.noise import noise_notes
from dasbench.render.text.words import counted
from dasbench.render.verdicts import one_seed_note
from dasbench.views.board import Board
from dasbench.views.lines import Line
from dasbench.views.units import difference_unit

INTERVALS = "±: half of the 95 % t interval of the mean over n seeds."
DIFFERENT_SEEDS = (
    "The variants have different seeds: any two are compared over the seeds that both have."
)
NO_TRIAL = "There is no trial to show."
AGAIN = "Trained again, the last result counts"


def rank_notes(board: Board) -> Iterator[str]:
    """What a rank is, how the tests behind it are corrected, and what they rest on."""
    ranked = counted(board.num_ranked, "variant")
    tested = f"Holm over all pairs of {ranked}"
    if not board.has_all_pairs:
        tested = f"Bonferroni over all pairs of {ranked}; only the first lines were tested"
    yield f"Rank: the ranks that tests over common seeds leave open ({tested})."
    wild = [line.entry.label for line in board.standing if line.is_wild]
    yield from noise_notes(board.noise, wild, difference_unit(board.unit))


def noise_note(board: Board) -> str:
    """What is said of single seeds, with the best score's planning floor where that is known."""
    return one_seed_note(board.floor, difference_unit(board.unit))


def trial_notes(lines: Iterable[Line]) -> Iterator[str]:
    """What became of trials that a scheduler ended, or that a search picked."""
    lines = list(lines)
    if any(map(num_stopped, lines)):
        yield "Stopped trials were ended by a scheduler; they are counted and give no score."
    if any(line.entry.selected for line in lines):
        yield "What a search picked was trained again: its scores are those of fresh seeds."


def cost_note(board: Board) -> str:
    """How costs are counted."""
    return f"FLOPs: a multiply-add counts once. Costs in the '{board.convention}' convention."
