"""The settings of `tunewright review`."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from tunewright.run.config import Config

DEFAULT_DB = "review.sqlite"
DEFAULT_PORT = 8377


class ReviewConfig(Config):
    """Where the page is kept and served.

    `data` is brought in when the database has not got it; `db` is a file or a URL; `url` is what people type
    when a proxy stands in front; `person` is whom the printed link lets in; `runs` are run folders whose
    reports the page may show.
    """

    data: Path | None = None
    name: str | None = None
    db: str = DEFAULT_DB
    host: str = "127.0.0.1"
    port: int = Field(DEFAULT_PORT, ge=0, le=65_535)
    workers: int = Field(1, ge=1, le=16)
    url: str | None = None
    person: str | None = None
    open_browser: bool = True
    runs: tuple[Path, ...] = ()

    @field_validator("url")
    @classmethod
    def _is_origin(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError("give the address without a path, such as https://review.example.org")
        return url.rstrip("/")

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the page: bound to loopback, and no proxy lets others in."""
        proxied = self.url is not None and not is_loopback(urlsplit(self.url).hostname or "")
        return is_loopback(self.host) and not proxied


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by itself. A name other than localhost is not: it may come to point
    elsewhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
