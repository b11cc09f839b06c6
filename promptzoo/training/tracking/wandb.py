"""Weights & Biases: `Wandb`."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from promptzoo.errors import ZooError, told
from promptzoo.extras import package
from promptzoo.model.logger import Beginning, Logger
from promptzoo.training.tracking.once import kept


class Wandb(Logger):
    """A run of Weights & Biases: its recipe, versions, curves and figures; `mode: offline` needs no network.

    What it writes lies in the run's folder, `wandb/`; `wandb sync` sends what was made offline.  A run that goes on is
    the same one there.
    """

    run: Any

    def __init__(
        self,
        *,
        project: str = "promptzoo",
        entity: str | None = None,
        group: str | None = None,
        mode: Literal["online", "offline"] | None = None,
    ) -> None:
        self.asked = {"project": project, "entity": entity, "group": group, "mode": mode}

    def begin(self, run: Beginning) -> None:
        wandb = package("wandb", "tracking")
        name, new = kept(run.folder / "wandb" / "run", lambda: secrets.token_hex(4))
        settings = wandb.Settings(silent=True, console="off", quiet=True, disable_code=True, disable_git=True)
        config = {**run.recipe, "versions": dict(run.versions)}
        try:
            self.run = wandb.init(
                **self.asked, id=name, name=run.name, dir=run.folder, resume="allow", config=config, settings=settings
            )
        except wandb.errors.Error as error:
            way = "run wandb login, or write {logger: wandb, mode: offline}"
            raise ZooError(f"wandb cannot start: {told(error)}", key="train.logger", remedy=way) from error
        for step, figures in run.told if new else ():
            self.add(figures, step)

    def add(self, figures: Mapping[str, float], step: int) -> None:
        self.run.log(dict(figures), step=step)

    def picture(self, file: Path) -> None:
        if file.suffix == ".png":
            self.run.log({file.stem: package("wandb", "tracking").Image(str(file))})

    def end(self, figures: Mapping[str, float], step: int) -> None:
        self.run.summary.update(dict(figures))

    def close(self, finished: bool) -> None:
        self.run.finish(exit_code=0 if finished else 1)
