"""Run by Alembic: takes the missing steps on the connection, and in the transaction, of `migrate`."""

from __future__ import annotations

from alembic import context

from tunewright.review.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
