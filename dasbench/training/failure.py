"""What went wrong with a trial, in words: an exception would keep the network and its memory."""

import socket
import traceback
from dataclasses import dataclass

from dasbench.blame import own_fault
from dasbench.errors import DasbenchError, DataError, DivergedError, OtherCodeError
from dasbench.faults import is_out_of_memory
from dasbench.records import Reason


@dataclass(frozen=True)
class Failure:
    """Why a trial did not come to its end.

    Args:
        reason: the class of the failure.
        words: message and traceback.
        refusal: why neither this trial nor others can be trained here as they were planned, `""` if
            they can.
    """

    reason: Reason
    words: str
    refusal: str = ""


def failure_of(error: BaseException, *, planned: bool = False) -> Failure:
    """A failure in words.

    Args:
        error: what was raised.
        planned: whether the trial belongs to a study whose data were sound when it was planned:
            data that broke since then halt the study, as each of its trials would fail on them.

    Example:
        >>> failure_of(MemoryError()).reason, failure_of(TimeoutError("too slow")).reason
        ('oom', 'timeout')
        >>> failure_of(DataError("cat/1.jpg: is damaged"), planned=True).refusal[:21]
        'cat/1.jpg: is damaged'
    """
    return Failure(_reason(error), _words_of(error), _refusal(error, planned=planned))


def _refusal(error: BaseException, *, planned: bool) -> str:
    """Why the study is to halt."""
    match error:
        case OtherCodeError():
            return str(error)
        case DataError() if planned:
            return (
                f"{error}\nThe study halts here, on {socket.gethostname()}. "
                "Mend the data and run the same command "
                "again: what is finished stays, and the other trials go on from their checkpoints."
            )
        case _:
            return ""


def _words_of(failure: BaseException) -> str:
    """The traceback, below a line about what the user's own code raised, and where."""
    whole = "".join(traceback.format_exception(failure))
    lead = own_fault(failure)
    if not lead:
        return whole
    if isinstance(failure, DasbenchError):
        lead = str(failure)
    return f"{lead}\n\n{whole}"


def _reason(failure: BaseException) -> Reason:
    match failure:
        case DivergedError():
            return "nan"
        case _ if is_out_of_memory(failure):
            return "oom"
        case TimeoutError():
            return "timeout"
        case _:
            return "error"
