"""Whom a queue is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "queue_people",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_queue_people_queue_id_queues"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_queue_people_person_id_people"),
        sa.PrimaryKeyConstraint("queue_id", "person_id", name="pk_queue_people"),
    )
