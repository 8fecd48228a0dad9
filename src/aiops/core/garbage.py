"""When Python looks for garbage that refers to itself: rarely, and never among what a server was started with.

Every look stops the process. One at everything takes tens of milliseconds here, with all modules loaded, and large
answers make so many objects that it comes with every few of them: a twentieth of the queries took twice their time.

Source: Python's `gc` module, `freeze` and `set_threshold`.
"""

import gc
from typing import Final

# New containers before the youngest are looked at, of a few hundred bytes each. Python's own is some hundreds or 2,000.
_YOUNG: Final = 20_000
_OLDER: Final = 10


def settle() -> None:
    """Once a server is up: what lives now is taken to live for good. What comes later is looked at as ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLDER, _OLDER)
