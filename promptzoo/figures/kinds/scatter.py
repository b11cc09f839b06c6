"""What the runs of a folder came to against what they cost."""

from pathlib import Path

import numpy as np

from promptzoo.costs.gather import Gathering
from promptzoo.costs.rows import sets
from promptzoo.figures.panels import Found, Standings
from promptzoo.figures.scatter import scatter


def find(folder: Path, trust_code: bool = False) -> Found:
    """The scatter of `report --runs FOLDER --plot` alone, over tuned parameters; bars are deviations over seeds."""
    gathering = Gathering()
    gathering.finished_runs(folder, trust_code)
    rows, run = gathering.rows, sets(gathering.rows)
    told = scatter(rows, "tuned", run[0] if run else None)
    arrays = {"tuned": np.array(told.x), "accuracy": np.array(told.y), "std": np.array(told.spreads)}
    arrays["names"] = np.array([row.report.name for row in told.rows])
    remarks = [f"{path} is skipped: {reason}" for path, reason in gathering.skipped]
    return Found([[Standings(rows=rows)]], arrays, remarks=remarks)
