"""What went wrong with a trial, in words: to keep the exception would keep the network and its memory."""

import traceback
from dataclasses import dataclass

from dasbench.blame import own_fault
from dasbench.errors import DasbenchError, DivergedError, OtherCodeError
from dasbench.faults import is_out_of_memory
from dasbench.records import Reason


@dataclass(frozen=True)
class Failure:
    """Why a trial did not come to its end.

    Args:
        reason: the class of the failure.
        words: message and traceback.
        refusal: why the trial may not be trained here, `""` if it was.
    """

    reason: Reason
    words: str
    refusal: str = ""


def failure_of(error: BaseException) -> Failure:
    """A failure in words.

    Example:
        >>> failure_of(MemoryError()).reason, failure_of(TimeoutError("too slow")).reason
        ('oom', 'timeout')
    """
    refusal = str(error) if isinstance(error, OtherCodeError) else ""
    return Failure(_reason(error), _words_of(error), refusal)


def _words_of(failure: BaseException) -> str:
    """The traceback; before it, in a line, what the user's own code raised, in which component and where."""
    whole = "".join(traceback.format_exception(failure))
    own = own_fault(failure)
    if not own:
        return whole
    lead = str(failure) if isinstance(failure, DasbenchError) else own
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
