"""The log once more, in the form of another tool: `Mirror`."""

import shutil
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.files import refused


class Mirror:
    """The log once more, for csv or TensorBoard; written anew from the log's lines when a run is resumed."""

    def __init__(self, word: str, out: Path, lines: list[dict[str, Any]]) -> None:
        self.logger: Any = None
        self.place = out / word
        if word == "none":
            return
        from lightning_fabric.loggers import CSVLogger, TensorBoardLogger

        shutil.rmtree(self.place, ignore_errors=True)
        try:
            self.logger = (CSVLogger if word == "csv" else TensorBoardLogger)(out, name=word, version="")
        except ModuleNotFoundError as error:
            raise ZooError("train.logger=tensorboard needs: pip install promptzoo[tensorboard]") from error
        for line in lines:
            self.add(line)

    def add(self, line: dict[str, Any]) -> None:
        """One epoch's line; nested figures get dotted names."""
        if self.logger is not None:
            try:
                self.logger.log_metrics(dict(numbers(line)), step=line["step"])
                self.logger.save()
            except OSError as error:
                raise ZooError(refused(self.place, error, 0)) from error

    def close(self) -> None:
        """Writes what is left."""
        if self.logger is not None:
            self.logger.finalize("success")


def numbers(line: dict[str, Any], name: str = "") -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for key, value in line.items():
        if isinstance(value, dict):
            found += numbers(value, f"{name}{key}.")
        elif isinstance(value, int | float):
            found.append((f"{name}{key}", value))
    return found
