"""Pictures: where they are from, which of them, how they are cut and batched."""

from promptzoo.data.cache import Cache
from promptzoo.data.contents import fingerprint
from promptzoo.data.dataset import Dataset
from promptzoo.data.difficulty import centroid_distance, easiest, hardest, herding
from promptzoo.data.fewshot import few_shot
from promptzoo.data.loader import Batch, Loader
from promptzoo.data.picture import Picture
from promptzoo.data.sources.folder import PictureFolder
from promptzoo.data.splits import Splits, split
from promptzoo.data.transforms import crop_flip, evaluation

__all__ = [
    "Batch",
    "Cache",
    "Dataset",
    "Loader",
    "Picture",
    "PictureFolder",
    "Splits",
    "centroid_distance",
    "crop_flip",
    "easiest",
    "evaluation",
    "few_shot",
    "fingerprint",
    "hardest",
    "herding",
    "split",
]
