"""What a library warns of, heard where nobody reads its screen: `noticing`.

Its noise stays off the screen; what says that numbers will be others than one thinks becomes a remark of ours.
"""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

#: What such a warning is about; the rest is noise.
MATTERS = re.compile(
    r"mismatch|missing|unexpected|not (be )?(loaded|used|initiali)|incorrect|broadcast|converge|fall(ing)? ?back"
    r"|truncat|overflow|invalid value|divide by zero|nan\b|ignored|discard|corrupt",
    re.IGNORECASE,
)
NOISE = re.compile(r"No pretrained weights|deterministic|num_workers|worker process|\bfork|TypedStorage", re.IGNORECASE)


class Ear(logging.Handler):
    """Keeps what loggers of other packages warn of."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@contextmanager
def noticing() -> Iterator[list[str]]:
    """Within this context warnings are silent; those that matter stand in the list at its end, each once, as a line."""
    heard: list[str] = []
    found: list[str] = []
    root, ear = logging.getLogger(), Ear(heard)
    before, handlers = logging.root.manager.disable, root.handlers[:]
    logging.disable(logging.NOTSET)
    root.handlers = [ear]
    try:
        with warnings.catch_warnings(record=True, action="always") as warned:
            yield found
        heard += [str(one.message) for one in warned if not issubclass(one.category, DeprecationWarning)]
    finally:
        root.handlers = handlers
        logging.disable(before)
        told = [" ".join(one.split())[:300] for one in heard if MATTERS.search(one) and not NOISE.search(one)]
        found += dict.fromkeys(told)
