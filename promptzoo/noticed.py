"""What a library warns of, heard where nobody reads its screen: `noticing`.

Its noise stays off the screen; what says that numbers will be others than one thinks becomes a remark of ours.
"""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

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


#: The packages at work in a training; what others log, a server say, is none of ours.
PACKAGES = frozenset({
    "torch", "torchvision", "torch_geometric", "timm", "open_clip", "transformers", "tokenizers", "huggingface_hub",
    "datasets", "safetensors", "peft", "fvcore", "iopath", "lightning_fabric", "lightning_utilities", "sklearn",
    "scipy", "numpy", "PIL", "matplotlib", "plotly", "onnx", "onnxscript", "onnxruntime", "optuna", "ray",
    "submitit", "wandb", "mlflow", "tensorboard", "tensorflow", "urllib3", "filelock", "fsspec",
})  # fmt: skip


def theirs(record: logging.LogRecord) -> bool:
    """Whether one of these packages logs it: by its logger, or by its file where it uses the root's."""
    parts = Path(record.pathname).parts
    installed = [inside for place, inside in pairwise(parts) if place in ("site-packages", "dist-packages")]
    return not PACKAGES.isdisjoint([record.name.partition(".")[0], *installed])


class Aside(logging.Filter):
    """Keeps what they log from a handler, and what was `disabled` before."""

    def __init__(self, disabled: int) -> None:
        super().__init__()
        self.disabled = disabled

    def filter(self, record: logging.LogRecord) -> bool:
        return not theirs(record) and record.levelno > self.disabled


class Ear(logging.Handler):
    """Hears what other packages warn of, by their loggers and by `warnings`; keeps what matters, each once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if theirs(record):
            self.hear(record.getMessage())
        elif not self.others(logging.getLogger(record.name)) and (last := logging.lastResort) is not None:
            last.handle(record)  # as it would be if nobody heard it

    def others(self, logger: logging.Logger | None) -> bool:
        """Whether a logger has other handlers than this one."""
        while logger is not None:
            if any(one is not self for one in logger.handlers):
                return True
            logger = logger.parent if logger.propagate else None
        return False

    def hear(self, message: object, *where: object, **more: object) -> None:
        said = " ".join(str(message).split())[:300]
        if MATTERS.search(said) and not NOISE.search(said) and said not in self.kept:
            self.kept.append(said)


@contextmanager
def noticing() -> Iterator[list[str]]:
    """Within this context warnings are silent; those that matter stand in the list, which grows as they come.

    What others than the packages at work log goes where it went.
    """
    root, ear = logging.getLogger(), Ear()
    own = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger) and one.handlers]
    before, loggers = root.manager.disable, (root, *own)
    aside, handlers = Aside(before), [logging.lastResort, *(handler for one in loggers for handler in one.handlers)]
    logging.disable(logging.NOTSET)
    for handler in filter(None, handlers):
        handler.addFilter(aside)
    for logger in loggers:
        logger.addHandler(ear)
    try:
        with warnings.catch_warnings(action="default"):
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.showwarning = ear.hear
            yield ear.kept
    finally:
        for logger in loggers:
            logger.removeHandler(ear)
        for handler in filter(None, handlers):
            handler.removeFilter(aside)
        logging.disable(before)
