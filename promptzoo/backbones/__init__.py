"""Opens a frozen backbone by name and adopts it."""

from promptzoo.backbones.adopt.account import Adopted, AdoptionError
from promptzoo.backbones.hollow import hollowed
from promptzoo.backbones.open import Backbone, adopt_with, open_with

__all__ = ["Adopted", "AdoptionError", "Backbone", "adopt_with", "hollowed", "open_with"]
