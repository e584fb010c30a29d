"""Alembic's way in: it runs the steps on the connection that `saddlebag.store.versions` gives it.

Belongs here: nothing else. There is no offline mode and no alembic.ini.
"""

from __future__ import annotations

from alembic import context

connection = context.config.attributes.get("connection")
if connection is not None:
    context.configure(connection=connection, render_as_batch=True)
    context.run_migrations()
