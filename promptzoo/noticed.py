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
    r"mismatch|missing|unexpected|not (be )?(loaded|used|kept|initiali)|incorrect|broadcast|converge|fall(ing)? ?back"
    r"|truncat|overflow|invalid value|divide by zero|nan\b|ignored|discard|corrupt",
    re.IGNORECASE,
)
NOISE = re.compile(
    r"No pretrained weights|Failed to download|deterministic|num_workers|worker process|\bfork|TypedStorage",
    re.IGNORECASE,
)


class Ear(logging.Handler):
    """Hears what other packages warn of, by their loggers and by `warnings`; keeps what matters, each once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.hear(record.getMessage())

    def hear(self, message: object, *where: object, **more: object) -> None:
        said = " ".join(str(message).split())[:300]
        if MATTERS.search(said) and not NOISE.search(said) and said not in self.kept:
            self.kept.append(said)


@contextmanager
def noticing() -> Iterator[list[str]]:
    """Within this context warnings are silent; those that matter stand in the list, which grows as they come."""
    root, ear = logging.getLogger(), Ear()
    own = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger) and one.handlers]
    before, handlers = root.manager.disable, {one: one.handlers for one in (root, *own)}
    logging.disable(logging.NOTSET)
    for logger in handlers:
        logger.handlers = [ear]
    try:
        with warnings.catch_warnings(action="default"):
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.showwarning = ear.hear
            yield ear.kept
    finally:
        for logger, its in handlers.items():
            logger.handlers = its
        logging.disable(before)
