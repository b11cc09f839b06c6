"""Other packages keep silent: `quiet`."""

import logging
import os
import sys
import warnings
from collections.abc import Callable

ENVIRONMENT = {
    "PYTHONWARNINGS": "ignore",  # for processes started from here
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def quiet() -> Callable[[], None]:
    """Silences what other packages would print beside our own output; gives what lets it through again."""
    filters, disabled, hook = warnings.filters[:], logging.root.manager.disable, sys.unraisablehook
    environment = {name: os.environ.get(name) for name in ENVIRONMENT}

    def undo() -> None:
        warnings.filters[:] = filters  # type: ignore[index]
        logging.disable(disabled)
        sys.unraisablehook = hook
        for name, value in environment.items():
            os.environ.pop(name, None)
            os.environ |= {} if value is None else {name: value}

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    sys.unraisablehook = lambda _: None  # of what a library had half made when it failed, torch's readers say
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return undo
