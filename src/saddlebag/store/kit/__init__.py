"""The kit's parts: what every store must do, as plain test methods; `saddlebag.store.testing` puts them together.

Belongs here: promises of `saddlebag.store.base`. May not know: SQL, pytest, any implementation.
"""

from __future__ import annotations
