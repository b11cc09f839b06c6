"""Draws the pictures of docs/gallery.md: what each kind of figure shows of the hybrid on the embedded pictures.

    python tools/gallery.py --runs runs/gallery --out docs/pictures       some five minutes of two cores

A run that is finished in `--runs` is not trained again.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

import promptzoo
from promptzoo.data.sources.digits import ClutteredDigits

TEST = 17  # the test picture that is looked at; its class is its last digit
OF_PICTURES = {
    "attention": {"bare": True},
    "kla": {"scores": True},
    "prompt-map": {},
    "grad-cam": {"bare": True},
    "graph": {"every": 6},
    "pca": {"bare": True},
}
OF_RUNS = ("tsne", "confusion", "curves")


def run(recipe: str, out: Path) -> Path:
    if not (out / "result.json").exists():
        promptzoo.train(recipe, out)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/gallery"), help="folder of the run")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"), help="folder of the pictures")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    hybrid = run("lore_sa2vp_hybrid", given.runs / "hybrid")
    picture = given.runs / "digit.png"
    ClutteredDigits().draw("test", TEST).save(picture)
    for kind, options in OF_PICTURES.items():
        promptzoo.figure(kind, hybrid, picture, out=given.out / f"{kind}.png", force=True, **options)
    for kind in OF_RUNS:
        promptzoo.figure(kind, hybrid, out=given.out / f"{kind}.png", force=True)


if __name__ == "__main__":
    main()
