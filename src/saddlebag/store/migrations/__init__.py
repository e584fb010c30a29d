"""The steps from each schema version to the next, oldest first in `versions/`.

Belongs here: Alembic steps, written once and never changed after release. May not know: today's declarations.
"""

from __future__ import annotations
