"""Other packages keep silent: `quiet`."""

import logging
import os
import sys
import warnings


def quiet() -> None:
    """What other packages would print beside our own output; `--debug` lets it through."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    sys.unraisablehook = lambda _: None  # of what a library had half made when it failed, torch's readers say
    for name, value in {
        "PYTHONWARNINGS": "ignore",  # for processes started from here
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }.items():
        os.environ.setdefault(name, value)
