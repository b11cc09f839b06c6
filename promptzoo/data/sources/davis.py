"""DAVIS: videos with a mask for every frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from promptzoo.data.annotated import folder, inside, lines
from promptzoo.data.sources.folder import subfolders
from promptzoo.errors import ZooError

LAYOUT = "DAVIS should be <root>/JPEGImages/480p/<sequence>/*.jpg and <root>/Annotations/480p/<sequence>/*.png"
RESOLUTION = "480p"


@dataclass(frozen=True)
class Video:
    """A sequence: the files of its frames, in order, and of the masks that there are, by the frame's name."""

    name: str
    frames: tuple[Path, ...]
    masks: dict[str, Path]


class Davis:
    """Perazzi et al. 2016 (DAVIS) and Pont-Tuset et al. 2017 (DAVIS 2017) arXiv:1704.00675: `videos`, paths alone.

    The sequences are those of the list of `year` and `split`, of whichever list is there, or all where there is none;
    `sequences` names some of them.  Frames and masks belong together by their names, wherever the numbers begin.
    Raises `ZooError` for a frame or mask that is missing.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        split: str = "val",
        year: Literal[2016, 2017] | None = None,
        sequences: Sequence[str] | None = None,
    ) -> None:
        self.root = folder(root, LAYOUT)
        self.frames, self.annotations = (self.root / one / RESOLUTION for one in ("JPEGImages", "Annotations"))
        for place in (self.frames, self.annotations):
            if not place.is_dir():
                raise ZooError(f"{self.root} has no {place.relative_to(self.root)}; {LAYOUT}")
        names, self.list = self.listed(inside(split, self.root), year)
        for name in sequences or ():
            if name not in names:
                said = f"{self.root} has no sequence '{name}'"
                raise ZooError(said, key="data.sequences", given=name, possible=names)
        self.videos = [self.video(name) for name in (sequences or names)]

    def listed(self, split: str, year: int | None) -> tuple[list[str], str]:
        """The names of the sequences, and which list they are from."""
        lists = {2017: f"ImageSets/2017/{split}.txt", 2016: f"ImageSets/{RESOLUTION}/{split}.txt"}
        there = [one for one in lists if (self.root / lists[one]).is_file() and year in (None, one)]
        if not there and (year is not None or (self.root / "ImageSets").is_dir()):
            wanted = " or ".join(name for one, name in lists.items() if year in (None, one))
            raise ZooError(f"{self.root} has no list {wanted}")
        if not there:
            return sorted(subfolders(self.frames)), "all folders"
        file = self.root / lists[there[0]]
        if there[0] == 2017:
            return [inside(line, file) for line in lines(file)], lists[2017]
        return list(dict.fromkeys(self.sequence_of(line, file) for line in lines(file))), lists[2016]

    def sequence_of(self, line: str, file: Path) -> str:
        """The sequence of a line of 2016, `/JPEGImages/480p/bear/00000.jpg /Annotations/...`."""
        parts = line.split()[0].strip("/").split("/")
        if len(parts) != 4 or parts[:2] != ["JPEGImages", RESOLUTION]:
            raise ZooError(
                f"{file}: a line should be /JPEGImages/{RESOLUTION}/<sequence>/<frame>.jpg and its mask, got {line!r}"
            )
        if not self.frames.joinpath(inside(parts[2], file), inside(parts[3], file)).is_file():
            raise ZooError(f"{file} lists a missing frame: {line.split()[0]}")
        return parts[2]

    def video(self, name: str) -> Video:
        """One sequence; its pictures are not opened."""
        frames, masks = (
            {one.stem: one for one in sorted((place / name).glob(f"*{ending}"))}
            for place, ending in ((self.frames, ".jpg"), (self.annotations, ".png"))
        )
        if not frames:
            raise ZooError(f"no frames in {self.frames / name}; {LAYOUT}")
        if alone := [one for one in masks if one not in frames]:
            raise ZooError(f"no such frame: {self.frames / name / alone[0]}.jpg, which has the mask {masks[alone[0]]}")
        first = next(iter(frames))
        if first not in masks:
            raise ZooError(f"no such mask: {self.annotations / name / first}.png, needed for the first frame")
        if len(masks) < 3:
            raise ZooError(
                f"the sequence {name} has {len(masks)} masks; figures cover the frames between the first and the last"
            )
        return Video(name, tuple(frames.values()), masks)
