"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SQLITE = """
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END;

CREATE VIRTUAL TABLE search_index USING fts5(
  words, content='search_texts', content_rowid='item_id', columnsize=0, detail=none, tokenize='ascii');

CREATE TRIGGER search_added AFTER INSERT ON search_texts
BEGIN INSERT INTO search_index (rowid, words) VALUES (new.item_id, new.words); END;

CREATE TRIGGER search_changed AFTER UPDATE ON search_texts
BEGIN
  INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', old.item_id, old.words);
  INSERT INTO search_index (rowid, words) VALUES (new.item_id, new.words);
END;
"""
_POSTGRESQL = """
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit is only ever added to'; END $$;

CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();

CREATE INDEX ix_search_texts_words ON search_texts
USING gin (array_to_tsvector(string_to_array(words, ' ')));
"""


def upgrade() -> None:
    _tables()
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    script = _SQLITE if is_sqlite else _POSTGRESQL
    for statement in script.split("\n\n"):
        op.execute(statement)


def _tables() -> None:
    open_ = sa.text("free_at IS NOT NULL")
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_person_id", "audit", ["person", "id"])
    op.create_index("ix_audit_subject_id", "audit", ["subject", "id"])
    op.create_table(
        "login_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_failures"),
    )
    op.create_index("ix_login_failures_address_at", "login_failures", ["address", "at"])
    op.create_index("ix_login_failures_folded_name_at", "login_failures", ["folded_name", "at"])
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("folded_name", name="uq_people_folded_name"),
    )
    op.create_table(
        "queues",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("num_items", sa.Integer(), nullable=False),
        sa.Column("study", sa.Text(), nullable=False),
        sa.Column("experiment", sa.Boolean(), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=False),
        sa.Column("questions", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_queues"),
        sa.UniqueConstraint("name", name="uq_queues_name"),
    )
    op.create_table(
        "adjudications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_adjudications_person_id_people"),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_adjudications_queue_id_queues"),
        sa.PrimaryKeyConstraint("id", name="pk_adjudications"),
    )
    op.create_index("ix_adjudications_queue_id_item", "adjudications", ["queue_id", "item"])
    op.create_table(
        "items",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=True),
        sa.Column("draft_reason", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("history", sa.Text(), nullable=False),
        sa.Column("meta", sa.Text(), nullable=False),
        sa.Column("lineage", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_items_queue_id_queues"),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
        sa.UniqueConstraint("queue_id", "key", name="uq_items_queue_id_key"),
    )
    op.create_index("ix_items_key", "items", ["key"])
    op.create_table(
        "links",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_links_person_id_people"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_links"),
    )
    op.create_index("ix_links_person_id", "links", ["person_id"])
    op.create_table(
        "rate_items",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_rate_items_queue_id_queues"),
        sa.PrimaryKeyConstraint("queue_id", "item", name="pk_rate_items"),
    )
    op.create_table(
        "sessions",
        sa.Column("secret_sha256", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sessions_person_id_people"),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_sessions"),
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"])
    op.create_table(
        "autosaves",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_autosaves_item_id_items"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_autosaves_person_id_people"),
        sa.PrimaryKeyConstraint("item_id", "person_id", name="pk_autosaves"),
    )
    op.create_table(
        "heads",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("current", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_heads_item_id_items"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_heads_person_id_people"),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_heads_queue_id_queues"),
        sa.PrimaryKeyConstraint("item_id", "person_id", name="pk_heads"),
    )
    op.create_index("ix_heads_decision_item_id", "heads", ["decision", "item_id"])
    op.create_index("ix_heads_person_id_item_id", "heads", ["person_id", "item_id"])
    op.create_index("ix_heads_queue_id_item_id", "heads", ["queue_id", "item_id"])
    op.create_table(
        "places",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("free_at", sa.Float(), nullable=True),
        sa.CheckConstraint("person_id IS NOT NULL OR free_at IS NOT NULL", name="ck_places_done_by_somebody"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_places_item_id_items"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_places_person_id_people"),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_places_queue_id_queues"),
        sa.PrimaryKeyConstraint("item_id", "place", name="pk_places"),
        sa.UniqueConstraint("item_id", "person_id", name="uq_places_item_id_person_id"),
    )
    op.create_index(
        "ix_places_open",
        "places",
        ["queue_id", "item_id", "place"],
        sqlite_where=open_,
        postgresql_where=open_,
    )
    op.create_index("ix_places_person", "places", ["person_id", "queue_id", "item_id"])
    op.create_table(
        "revisions",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("seconds_open", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("shown_draft", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_revisions_item_id_items"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_revisions_person_id_people"),
        sa.PrimaryKeyConstraint("item_id", "person_id", "version", name="pk_revisions"),
    )
    op.create_table(
        "samples",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("free_at", sa.Float(), nullable=True),
        sa.Column("is_good", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_samples_item_id_items"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_samples_person_id_people"),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_samples_queue_id_queues"),
        sa.PrimaryKeyConstraint("item_id", name="pk_samples"),
    )
    op.create_index("ix_samples_queue_id", "samples", ["queue_id"])
    op.create_table(
        "search_texts",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_search_texts_item_id_items"),
        sa.PrimaryKeyConstraint("item_id", name="pk_search_texts"),
    )
    op.create_table(
        "tasks",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("rater", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["queue_id", "item"],
            ["rate_items.queue_id", "rate_items.item"],
            name="fk_tasks_queue_id_item_rate_items",
        ),
        sa.PrimaryKeyConstraint("queue_id", "rater", "item", name="pk_tasks"),
        sa.UniqueConstraint("queue_id", "rater", "place", name="uq_tasks_queue_id_rater_place"),
    )
    op.create_table(
        "ratings",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("rater", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["queue_id", "rater", "item"],
            ["tasks.queue_id", "tasks.rater", "tasks.item"],
            name="fk_ratings_tasks",
        ),
        sa.PrimaryKeyConstraint("queue_id", "item", "answer", "rater", "question", name="pk_ratings"),
    )
