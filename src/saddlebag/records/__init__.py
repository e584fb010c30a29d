"""Records: the one read and write path, authorise, validate, merge, render, store, log.

Floor 3. Services, sync and the bridge all write through it, so a rule enforced here holds for each of them.
"""

from __future__ import annotations
