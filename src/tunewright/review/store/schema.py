"""The tables, as the newest migration leaves them (a test compares the two).

Everything that must never happen is a constraint here: more people on an item than places, two places of one
person on an item, two ratings of one answer by one rater. Times are seconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from tunewright.review.store.columns import AnyJson, AnyText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

people = Table(
    "people",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", AnyText, nullable=False),
    Column("folded_name", AnyText, nullable=False, unique=True),  # Ann and ann are one
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),  # argon2; "" where no password is good
    Column("is_active", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("secret_sha256", Text, primary_key=True),
    Column("person_id", ForeignKey(people.c.id), nullable=False, index=True),
    Column("begun_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("person_id", ForeignKey(people.c.id), nullable=False, index=True),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("folded_name", AnyText, nullable=False),
    Column("address", AnyText, nullable=False),
    Column("at", Float, nullable=False),
    Index(None, "folded_name", "at"),
    Index(None, "address", "at"),
)

queues = Table(
    "queues",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", AnyText, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("overlap", Integer, nullable=False),
    Column("num_items", Integer, nullable=False),
    Column("study", AnyText, nullable=False),
    Column("experiment", Boolean, nullable=False),
    Column("criteria", AnyJson, nullable=False),
    Column("questions", AnyJson, nullable=False),  # of a study: its question set
    Column("seed", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
)

# Whom a lead gave a queue to; a queue without a row is for everybody who may revise.
queue_people = Table(
    "queue_people",
    metadata,
    Column("queue_id", ForeignKey(queues.c.id), primary_key=True),
    Column("person_id", ForeignKey(people.c.id), primary_key=True),
)

items = Table(
    "items",
    metadata,
    Column(
        "id", Integer, primary_key=True, autoincrement=False
    ),  # given by the import, in the order of the file
    Column("queue_id", ForeignKey(queues.c.id), nullable=False),
    Column("key", AnyText, nullable=False),
    Column("original", AnyJson, nullable=False),
    Column("draft", AnyJson),
    Column("draft_reason", AnyText, nullable=False),
    Column("findings", AnyJson, nullable=False),
    Column("history", AnyJson, nullable=False),
    Column("meta", AnyJson, nullable=False),
    Column("lineage", AnyJson, nullable=False),
    Column("arm", Text),
    UniqueConstraint("queue_id", "key"),
    Index(None, "key"),
)

# A seat at an item. It can be taken when `free_at` is not null and past: 0 is free, later is a lease's end,
# null is somebody's for good, because they saved.
places = Table(
    "places",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("queue_id", ForeignKey(queues.c.id), nullable=False),
    Column("person_id", ForeignKey(people.c.id)),
    Column("free_at", Float),
    UniqueConstraint("item_id", "person_id"),
    CheckConstraint("person_id IS NOT NULL OR free_at IS NOT NULL", name="done_by_somebody"),
)
Index("ix_places_person", places.c.person_id, places.c.queue_id, places.c.item_id)
Index(
    "ix_places_open",
    places.c.queue_id,
    places.c.item_id,
    places.c.place,
    sqlite_where=places.c.free_at.is_not(None),
    postgresql_where=places.c.free_at.is_not(None),
)

# Where one person stands on one item. `version` counts saves and undos; `current` is the version of the
# revision that counts, 0 when none does.
heads = Table(
    "heads",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("person_id", ForeignKey(people.c.id), primary_key=True),
    Column("queue_id", ForeignKey(queues.c.id), nullable=False),
    Column("version", Integer, nullable=False),
    Column("current", Integer, nullable=False),
    Column("decision", Text, nullable=False),  # of the revision that counts, "" when none does
    Column("at", Float, nullable=False),
    Index(None, "person_id", "item_id"),
    Index(None, "person_id", "queue_id", "decision", "item_id"),  # holds all that counting their work asks
    Index(None, "decision", "item_id"),
    Index(None, "queue_id", "item_id"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("person_id", ForeignKey(people.c.id), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("before", Integer, nullable=False),  # the version that an undo goes back to
    Column("decision", Text, nullable=False),
    Column("texts", AnyJson, nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("seconds_open", Float, nullable=False),
    Column("at", Float, nullable=False),
    Column("shown_draft", Boolean, nullable=False),
    Column("source", AnyText, nullable=False, server_default=""),  # the tool it came from; "": made here
)

autosaves = Table(
    "autosaves",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("person_id", ForeignKey(people.c.id), primary_key=True),
    Column("texts", AnyJson, nullable=False),
    Column("at", Float, nullable=False),
)

# The different words of everything that was written on an item. On SQLite the full-text table `search_index`
# lies over it and follows it by triggers, on PostgreSQL the index `ix_search_texts_words`.
search_texts = Table(
    "search_texts",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("words", Text, nullable=False),
)

samples = Table(
    "samples",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("queue_id", ForeignKey(queues.c.id), nullable=False, index=True),
    Column("why", Text, nullable=False),  # drawn, flagged, again, drawn again: see owner_rows
    Column("person_id", ForeignKey(people.c.id)),  # the owner looking, or who decided
    Column("free_at", Float),  # as in places
    Column("is_good", Boolean),
    Column("reason", AnyText, nullable=False),
    Column("at", Float, nullable=False),
)

rate_items = Table(
    "rate_items",
    metadata,
    Column("queue_id", ForeignKey(queues.c.id), primary_key=True),
    Column("item", AnyText, primary_key=True),
    Column(
        "kind", Text, nullable=False
    ),  # main, repeat, gold, training: for the lead, never for a page of raters
    Column("prompt", AnyJson, nullable=False),
    Column("answers", AnyJson, nullable=False),
    Column("expected", AnyJson, nullable=False),  # of training items: what is shown after rating
)

tasks = Table(
    "tasks",
    metadata,
    Column("queue_id", Integer, primary_key=True),
    Column("rater", AnyText, primary_key=True),
    Column("item", AnyText, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("part", Text, nullable=False),
    Column("answers", AnyJson, nullable=False),  # codes in the order drawn for this rater
    Column("comment", AnyText, nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_done", Boolean, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("at", Float),
    UniqueConstraint("queue_id", "rater", "place"),
    ForeignKeyConstraint(["queue_id", "item"], [rate_items.c.queue_id, rate_items.c.item]),
)

ratings = Table(
    "ratings",
    metadata,
    Column("queue_id", Integer, primary_key=True),
    Column("item", AnyText, primary_key=True),
    Column("answer", AnyText, primary_key=True),  # the blind code, "" for a question about a pair
    Column("rater", AnyText, primary_key=True),
    Column("question", AnyText, primary_key=True),
    Column("value", AnyJson, nullable=False),
    Column("at", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    ForeignKeyConstraint(
        ["queue_id", "rater", "item"],
        [tasks.c.queue_id, tasks.c.rater, tasks.c.item],
        name="fk_ratings_tasks",
    ),
)

adjudications = Table(
    "adjudications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("queue_id", ForeignKey(queues.c.id), nullable=False),
    Column("item", AnyText, nullable=False),
    Column("answer", AnyText, nullable=False),
    Column("question", AnyText, nullable=False),
    Column("value", AnyJson, nullable=False),
    Column("person_id", ForeignKey(people.c.id), nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("at", Float, nullable=False),
    Index(None, "queue_id", "item"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("person", AnyText, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", AnyText, nullable=False),
    Column("detail", AnyJson, nullable=False),
    Index(None, "subject", "id"),
    Index(None, "person", "id"),
    sqlite_autoincrement=True,
)
