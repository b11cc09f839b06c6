"""Loggers that write files into the run's folder, by Lightning's: `CSV`, `TensorBoard`."""

import shutil
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from promptzoo.extras import package
from promptzoo.files import as_json
from promptzoo.model.logger import Beginning, Logger


class Files(Logger):
    """A folder beside the log, written anew from the log's lines when a run goes on."""

    word: str
    made: Any

    @abstractmethod
    def open(self, run: Beginning) -> Any:
        """Lightning's logger."""

    def begin(self, run: Beginning) -> None:
        shutil.rmtree(run.folder / self.word, ignore_errors=True)
        self.made = self.open(run)
        for step, figures in run.told:
            self.add(figures, step)

    def add(self, figures: Mapping[str, float], step: int) -> None:
        self.made.log_metrics(dict(figures), step=step)
        self.made.save()

    def end(self, figures: Mapping[str, float], step: int) -> None:
        self.add(figures, step)

    def close(self, finished: bool) -> None:
        self.made.finalize("success" if finished else "aborted")


class CSV(Files):
    """`csv/metrics.csv`: a row for each epoch, and one for the end."""

    word = "csv"

    def open(self, run: Beginning) -> Any:
        return package("lightning_fabric.loggers", "").CSVLogger(run.folder, name=self.word, version="")


class TensorBoard(Files):
    """`tensorboard/events*`, with the recipe as text."""

    word = "tensorboard"

    def open(self, run: Beginning) -> Any:
        package("tensorboard", "tensorboard")
        made = package("lightning_fabric.loggers", "").TensorBoardLogger(run.folder, name=self.word, version="")
        made.experiment.add_text("recipe", f"```json\n{as_json(dict(run.recipe), indent=2)}\n```")
        return made

    def picture(self, file: Any) -> None:
        if file.suffix == ".png":
            import numpy as np
            from PIL import Image

            with Image.open(file) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            self.made.experiment.add_image(file.stem, pixels, dataformats="HWC")
