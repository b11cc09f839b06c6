"""Opens a frozen backbone by name and adopts it."""

from promptzoo.backbones.adopt import Adopted, AdoptionError
from promptzoo.backbones.hollow import open_hollow
from promptzoo.backbones.open import Backbone, adopt, open_towers

__all__ = ["Adopted", "AdoptionError", "Backbone", "adopt", "open_hollow", "open_towers"]
