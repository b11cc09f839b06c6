"""MLflow: `MLflow`."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError, told
from promptzoo.extras import package
from promptzoo.model.logger import Beginning, Logger
from promptzoo.training.tracking.once import kept

LONGEST = 500  # letters of a parameter, which its oldest servers take


class MLflow(Logger):
    """A run of MLflow: its recipe as parameters, versions as tags, curves and figures.

    `tracking` is the server's or database's address; else MLFLOW_TRACKING_URI, else `sqlite:///mlflow.db` where the
    command is given, which `mlflow ui --backend-store-uri` shows.  A run that goes on is the same one there.
    """

    def __init__(self, *, experiment: str = "promptzoo", tracking: str | None = None) -> None:
        self.experiment = experiment
        self.tracking = tracking or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"

    def begin(self, run: Beginning) -> None:
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        mlflow = package("mlflow", "tracking")
        try:
            self.client = mlflow.MlflowClient(tracking_uri=self.tracking)
            tags = {word: str(value) for word, value in run.versions.items() if value is not None}
            self.run, new = kept(run.folder / "mlflow" / "run", lambda: self.create(mlflow, run.name, tags))
            self.client.update_run(self.run, status="RUNNING")
            for word, value in flat(run.recipe) if new else ():
                self.client.log_param(self.run, word, str(value)[:LONGEST])
        except mlflow.exceptions.MlflowException as error:
            said = f"MLflow cannot start at {self.tracking}: {told(error)}"
            raise ZooError(said, key="train.logger", given=self.tracking) from error
        for step, figures in run.told if new else ():
            self.add(figures, step)

    def create(self, mlflow: Any, name: str, tags: Mapping[str, str]) -> str:
        """A new run there; several may find that there is no experiment yet."""
        found = self.client.get_experiment_by_name(self.experiment)
        if found is None:
            try:
                self.client.create_experiment(self.experiment)
            except mlflow.exceptions.MlflowException:
                if self.client.get_experiment_by_name(self.experiment) is None:
                    raise
            found = self.client.get_experiment_by_name(self.experiment)
        return str(self.client.create_run(found.experiment_id, run_name=name, tags=dict(tags)).info.run_id)

    def add(self, figures: Mapping[str, float], step: int) -> None:
        metric, now = package("mlflow.entities", "tracking").Metric, int(1000 * time.time())
        self.client.log_batch(self.run, metrics=[metric(word, value, now, step) for word, value in figures.items()])

    def picture(self, file: Path) -> None:
        self.client.log_artifact(self.run, str(file))

    def end(self, figures: Mapping[str, float], step: int) -> None:
        known = self.client.get_run(self.run).data.metrics  # by the last epoch, or when a figure was drawn before
        self.add({word: value for word, value in figures.items() if known.get(word) != value}, step)

    def close(self, finished: bool) -> None:
        self.client.set_terminated(self.run, "FINISHED" if finished else "KILLED")


def flat(told: Mapping[str, Any], name: str = "") -> list[tuple[str, Any]]:
    """Every word of a recipe under a dotted name."""
    found: list[tuple[str, Any]] = []
    for key, value in told.items():
        found += flat(value, f"{name}{key}.") if isinstance(value, dict) and value else [(f"{name}{key}", value)]
    return found
