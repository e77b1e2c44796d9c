"""What must never happen, refused by the database itself, and where a revision was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tunewright.review.store.columns import AnyJson, AnyText

revision = "0003"
down_revision = "0002"

_SQLITE = """
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
WHEN new.id > 0 AND EXISTS (SELECT 1 FROM audit WHERE id = new.id)
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END;

CREATE TRIGGER places_no_more BEFORE INSERT ON places
WHEN NOT EXISTS (SELECT 1 FROM queues JOIN items ON items.queue_id = queues.id
  WHERE items.id = new.item_id AND queues.id = new.queue_id AND new.place BETWEEN 1 AND queues.overlap)
BEGIN SELECT RAISE(ABORT, 'an item has no more places than its queue asks people for'); END;

CREATE TRIGGER places_no_move BEFORE UPDATE OF item_id, place, queue_id ON places
WHEN new.item_id <> old.item_id OR new.place <> old.place OR new.queue_id <> old.queue_id
BEGIN SELECT RAISE(ABORT, 'a place stays at its item'); END;

CREATE TRIGGER queues_no_fewer BEFORE UPDATE OF overlap ON queues WHEN new.overlap < old.overlap
BEGIN SELECT RAISE(ABORT, 'places that somebody may have begun are not taken away'); END;
"""
_POSTGRESQL = """
CREATE FUNCTION places_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF EXISTS (SELECT 1 FROM added LEFT JOIN queues ON queues.id = added.queue_id
    LEFT JOIN items ON items.id = added.item_id AND items.queue_id = added.queue_id
    WHERE items.id IS NULL OR queues.id IS NULL OR NOT added.place BETWEEN 1 AND queues.overlap)
  THEN
    RAISE EXCEPTION 'an item has no more places than its queue asks people for'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER places_no_more AFTER INSERT ON places REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION places_refuse();

CREATE FUNCTION places_stay() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a place stays at its item' USING ERRCODE = 'check_violation'; END $$;

CREATE TRIGGER places_no_move BEFORE UPDATE OF item_id, place, queue_id ON places FOR EACH ROW
WHEN (new.item_id <> old.item_id OR new.place <> old.place OR new.queue_id <> old.queue_id)
EXECUTE FUNCTION places_stay();

CREATE FUNCTION queues_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  RAISE EXCEPTION 'places that somebody may have begun are not taken away' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER queues_no_fewer BEFORE UPDATE OF overlap ON queues FOR EACH ROW
WHEN (new.overlap < old.overlap) EXECUTE FUNCTION queues_refuse();
"""
_AUDIT = sa.table(
    "audit",
    sa.column("id", sa.Integer),
    sa.column("action", sa.Text),
    sa.column("subject", AnyText),
    sa.column("detail", AnyJson),
)
_PEOPLE = sa.table("people", sa.column("id", sa.Integer), sa.column("name", AnyText))
_REVISIONS = sa.table(
    "revisions",
    sa.column("item_id", sa.Integer),
    sa.column("person_id", sa.Integer),
    sa.column("version", sa.Integer),
    sa.column("source", AnyText),
)


def upgrade() -> None:
    op.add_column("revisions", sa.Column("source", sa.Text(), nullable=False, server_default=""))
    op.create_index(
        "ix_heads_person_id_queue_id_decision_item_id",
        "heads",
        ["person_id", "queue_id", "decision", "item_id"],
    )
    connection = op.get_bind()
    _name_the_sources(connection)
    script = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    for statement in script.split("\n\n"):
        op.execute(statement)


def _name_the_sources(connection: sa.Connection) -> None:
    """Which of the revisions there are were brought in, as the audit says."""
    ids = {name: id for id, name in connection.execute(sa.select(_PEOPLE.c.id, _PEOPLE.c.name))}
    noted = connection.execute(
        sa.select(_AUDIT.c.subject, _AUDIT.c.detail).where(_AUDIT.c.action == "import result")
    )
    rows = [
        {
            "of_item": int(subject.removeprefix("item:")),
            "of_person": ids[detail["of"]],
            "of_version": detail["version"],
            "tool": detail.get("tool") or "another tool",
        }
        for subject, detail in noted
        if detail.get("of") in ids
    ]
    if rows:
        connection.execute(
            sa.update(_REVISIONS)
            .where(
                _REVISIONS.c.item_id == sa.bindparam("of_item"),
                _REVISIONS.c.person_id == sa.bindparam("of_person"),
                _REVISIONS.c.version == sa.bindparam("of_version"),
            )
            .values(source=sa.bindparam("tool")),
            rows,
        )
