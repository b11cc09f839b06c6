"""What two recipes say differently: `differences`."""

from typing import Any

from promptzoo.errors import shown


def differences(old: Any, new: Any, key: str = "") -> list[str]:
    """A sentence for each key that changed, `train.lr is 0.1, was 0.01`; `old` and `new` are plain values."""
    if isinstance(old, dict) and isinstance(new, dict):
        words = [*old, *(word for word in new if word not in old)]
        return [one for word in words for one in differences(old.get(word), new.get(word), f"{key}.{word}".lstrip("."))]
    return [] if old == new else [f"{key} is {shown(new)}, was {shown(old)}"]
