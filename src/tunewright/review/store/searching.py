"""What a search looks for: words, by their beginnings, without difference of large and small letters.

Every item has one row with the words of its key, its texts and everything that experts made of it. Scripts
written without spaces are cut into pairs of characters instead. Whole texts in a trigram index allow parts of
words too, but take longer to index than the rest of an import (measured at 100,000 items: 20 s against 3 s).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Select, bindparam, column, func, literal_column, select
from sqlalchemy import table as any_table
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import TSQUERY

from tunewright.review.model import Texts
from tunewright.review.store.database import Database
from tunewright.review.store.schema import search_texts

_FEW = 2000  # items with rare words are looked up one by one
SEARCHED_CHARS = 20_000  # of each field; a text of 1 MB would slow down every save of it
_LONGEST_WORD = 60  # a longer one is cut into several, which a search for it is too
_ASCII_WORD = re.compile(f"[a-z0-9]{{1,{_LONGEST_WORD}}}")
_WORD = re.compile(rf"[^\W_]{{1,{_LONGEST_WORD}}}")
# Han, kana, Thai, Lao, Myanmar, Khmer: no spaces between words
_NO_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_index = any_table("search_index", column("rowid"))  # SQLite's full-text table over search_texts


def words_of(key: str, *versions: Texts) -> str:
    """The different words of a key and texts in searched form, with spaces between them."""
    found: dict[str, None] = {}
    for part in {key: None} | {value: None for texts in versions for value in texts.values()}:
        found.update(dict.fromkeys(words(part[:SEARCHED_CHARS])))
    return " ".join(found)


def words(text: str) -> list[str]:
    """The words of a text as they are indexed."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [word for run in _WORD.findall(folded) for word in _words_of_run(run)]


def add_words(connection: Connection, item_id: int, texts: Texts) -> None:
    """Let the item be found by these texts as well."""
    there = connection.execute(
        select(search_texts.c.words).where(search_texts.c.item_id == item_id)
    ).scalar_one()
    known = set(there.split(" "))
    new = [word for word in words_of("", texts).split(" ") if word not in known]
    if new:
        connection.execute(
            search_texts.update()
            .where(search_texts.c.item_id == item_id)
            .values(words=" ".join([there, *new]))
        )


def with_words(
    connection: Connection, db: Database, found: Select[int], item_id: ColumnElement[int], text: str
) -> Select[int]:
    """`found`, of the items only that have a word beginning with each word of `text`."""
    sought = list(dict.fromkeys(words(text)))
    if not sought:
        return found.where(literal_column("1") == 0)  # signs only: in no word
    if db.is_sqlite:
        match = " AND ".join(f'"{word}"*' for word in sought)
        return found.join(_index, _index.c.rowid == item_id).where(
            literal_column("search_index").op("MATCH")(bindparam("match", match))
        )
    query = " & ".join(f"'{word}':*" for word in sought)
    vector = func.array_to_tsvector(func.string_to_array(search_texts.c.words, literal_column("' '")))
    matches = vector.op("@@")(bindparam("match", query, TSQUERY))
    # the planner takes rare words for common ones, and would read item after item until it has a page of them
    connection.execute(sql("SET LOCAL enable_seqscan = off"))
    few = connection.execute(select(search_texts.c.item_id).where(matches).limit(_FEW)).scalars().all()
    connection.execute(sql("SET LOCAL enable_seqscan = on"))
    if len(few) < _FEW:
        return found.where(item_id.in_(few))
    return found.join(search_texts, search_texts.c.item_id == item_id).where(matches)


def _words_of_run(run: str) -> Iterable[str]:
    end = 0
    for match in _NO_SPACES.finditer(run):
        if match.start() > end:
            yield run[end : match.start()]
        signs = match[0]
        yield from (signs[place : place + 2] for place in range(max(1, len(signs) - 1)))
        end = match.end()
    if end < len(run):
        yield run[end:]
