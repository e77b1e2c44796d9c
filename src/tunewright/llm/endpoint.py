"""Any OpenAI-compatible endpoint, asked through the `openai` SDK and with its environment variables.

The SDK builds the request, signs it and keeps the connections; it runs on its aiohttp client, which costs
half the CPU of its default one. Retries are the loop's, reading replies is `chat_api`'s. What is decided here
is what a failure means: to wait (Busy), to try again (Broken), to give this request up (Refused), or that no
call will ever succeed (ModelError).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from tunewright.errors import ModelError
from tunewright.llm.chat_api import Complaint, Feature, body_of, encoded, reply_of_body
from tunewright.llm.reply import Answer, Broken, Busy, Reply
from tunewright.llm.request import Request
from tunewright.llm.retry_after import retry_after_seconds

if TYPE_CHECKING:
    import httpx2
    import openai

    from tunewright.llm.probe import Honours

DEADLINE_SECONDS = 120.0
MAX_REPLY_BYTES = 8 << 20

_CONNECT_SECONDS = 10.0
_MOST_AT_ONCE = 1024  # connections; how many calls run at once is the loop's business
# Compressed replies are not asked for. One that comes anyway may unpack to a thousand times its size.
_COMPRESSED_SHARE = 64
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_DUMMY_KEY = "none"
_LEAST_KEY_CHARS = 16
_MOST_MODELS_NAMED = 10


class EndpointBackend:
    """Answers one request per call through an endpoint's `/chat/completions`.

    `base_url` and `api_key` default to OPENAI_BASE_URL and OPENAI_API_KEY; the SDK's other variables apply
    too. A key is needed for api.openai.com only; other endpoints get a dummy when none is set.
    `deadline_seconds` is for a whole call, to the last byte of the reply. What the endpoint was found to
    refuse, by `probe` or by a call, is not sent any more: see `refused`. Belongs to the event loop of its
    first call and must be closed there.
    """

    batch_size = 1
    max_concurrency: int | None = None

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        revision: str = "",
        deadline_seconds: float = DEADLINE_SECONDS,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        honours: Honours | None = None,
    ) -> None:
        self.name = name
        self.model = f"openai:{name}"
        self.revision = revision
        self._address = base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        if not self._address.startswith(("http://", "https://")):
            raise ModelError(f"base_url {self._address!r} must begin with http:// or https://")
        self.refused: dict[Feature, str] = {}  # what is not sent, and why
        self.honours = honours
        self._deadline_seconds = deadline_seconds
        self._max_reply_bytes = max_reply_bytes
        self._given_key = api_key or ""
        self._secret: bytes | None = None
        self._client: openai.AsyncOpenAI | None = None

    @property
    def base_url(self) -> str:
        """The address as messages may show it: without a user name and password in it."""
        scheme, _, rest = self._address.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"

    @property
    def honours(self) -> Honours | None:
        """What `probe` found; setting it makes this backend leave out what is refused."""
        return self._honours

    @honours.setter
    def honours(self, honours: Honours | None) -> None:
        self._honours = honours
        if honours is not None:
            self.refused.update(honours.refused())

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """The answer to the one request."""
        (request,) = requests
        return [await self._answer(request)]

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
            await asyncio.sleep(0)  # lets the loop close the sockets

    async def _answer(self, request: Request) -> Answer:
        """Ask; when the endpoint does not take a feature of the request, ask again without it.

        What had to be left out is remembered once the request went through without it. Ends, because a
        feature that is not in the body is never complained about.
        """
        begin = time.monotonic()
        left_out: dict[Feature, str] = {}
        try:
            async with asyncio.timeout(self._deadline_seconds):
                while True:
                    body = body_of(request, self.name, without=self.refused.keys() | left_out.keys())
                    response = await self.post(body)
                    if response.is_success:
                        break
                    complaint = Complaint.of(response.status_code, response.content)
                    feature = complaint.unwanted(body)
                    if feature is None:
                        return await self._failure(complaint, response)
                    left_out[feature] = f"HTTP {complaint.status}: {complaint.message}"
        except TimeoutError:
            return Broken(f"no whole reply within {self._deadline_seconds:g} s", is_slow=True)
        except NoResponse as failure:
            return failure.answer
        answer = reply_of_body(response.content, request.messages, seconds=time.monotonic() - begin)
        if isinstance(answer, Reply):
            self.refused.update(left_out)
        return answer

    async def post(self, body: Mapping[str, Any]) -> httpx2.Response:
        """One call with this body, whatever its status; the reply is read and free of the key.

        Raises NoResponse, or ModelError when there can never be one (a wrong address, a bad certificate).
        """
        return await self._call("POST", "/chat/completions", encoded(body))

    async def _call(self, method: str, path: str, content: bytes | None = None) -> httpx2.Response:
        client = self._opened()
        import aiohttp
        import httpx2
        import openai

        try:
            if content is None:
                return await client.get(path, cast_to=httpx2.Response)
            return await client.post(path, cast_to=httpx2.Response, content=content)
        except openai.APIStatusError as error:
            return _as_httpx2(error.response)
        except _TooLong:
            problem = f"the reply is longer than {self._max_reply_bytes:,} bytes, it was not read to the end"
            raise NoResponse(Broken(problem)) from None
        except (
            openai.OpenAIError,
            httpx2.HTTPError,
            httpx2.InvalidURL,
            aiohttp.ClientError,
            OSError,
        ) as error:
            raise NoResponse(self._without_response(error)) from None

    def _opened(self) -> openai.AsyncOpenAI:
        """The one client, made inside the running loop. No await here: first calls come many at once."""
        if self._client is None:
            try:
                import aiohttp  # noqa: F401 -- the SDK's client needs it
                import httpx2
                import openai
            except ImportError as error:
                raise ModelError(
                    f"openai:{self.name} needs the packages openai and aiohttp ({error}): "
                    "pip install 'openai[aiohttp]'"
                ) from None
            key = self._key()
            connections = httpx2.Limits(
                max_connections=_MOST_AT_ONCE, max_keepalive_connections=_MOST_AT_ONCE
            )
            http_client = openai.DefaultAioHttpClient(
                timeout=httpx2.Timeout(self._deadline_seconds, connect=_CONNECT_SECONDS),
                limits=connections,
                follow_redirects=False,
                trust_env=urlsplit(self._address).hostname not in _LOOPBACK,  # no proxy to oneself
                event_hooks={"response": [self._guard]},
            )
            self._client = openai.AsyncOpenAI(
                api_key=key,
                base_url=self._address,
                max_retries=0,
                http_client=http_client,
                default_headers={"Accept-Encoding": "identity", "Content-Type": "application/json"},
            )
        return self._client

    async def _guard(self, response: httpx2.Response) -> None:
        """Before a body is read: make sure that it stays within bounds and shows no key."""
        import httpx2

        is_compressed = "content-encoding" in response.headers
        most = self._max_reply_bytes // (_COMPRESSED_SHARE if is_compressed else 1)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _guarded_stream()(response.stream, most, self._secret)

    def _key(self) -> str:
        key = (self._given_key or os.environ.get("OPENAI_API_KEY") or "").strip()
        if key:
            self._secret = key.encode("utf-8")
            return key
        if "//api.openai.com" in self._address:
            raise ModelError(
                f"openai:{self.name} needs a key: set the environment variable OPENAI_API_KEY, or name "
                "another endpoint with --base-url (or OPENAI_BASE_URL)"
            )
        return _DUMMY_KEY

    async def _failure(self, complaint: Complaint, response: httpx2.Response) -> Answer:
        """What a bad status means. Raises ModelError when no other request would do better."""
        status = complaint.status
        said = f"{self.base_url} answers HTTP {status}: {complaint.message}"
        if complaint.is_about_money:
            raise ModelError(f"{said}; the account has no money or quota left")
        if status in (401, 403):
            raise ModelError(f"{said}; check the key in the environment variable OPENAI_API_KEY")
        if status == 405 or complaint.is_about_model(self.name):
            raise ModelError(f"{said}; {await self._models_sentence()}")
        if 300 <= status < 400:
            to = response.headers.get("location", "")
            raise ModelError(f"{self.base_url} redirects to {to!r}: give the final address as --base-url")
        return complaint.answer(retry_after_seconds=retry_after_seconds(response.headers))

    async def _models_sentence(self) -> str:
        names = await self.models()
        if not names:
            return "check the model's name and the base URL, which usually ends in /v1"
        more = f" and {len(names) - _MOST_MODELS_NAMED} more" if len(names) > _MOST_MODELS_NAMED else ""
        return f"it has the models {', '.join(names[:_MOST_MODELS_NAMED])}{more}"

    async def models(self) -> list[str]:
        """The names of the models that the endpoint lists; empty when it does not say."""
        with contextlib.suppress(NoResponse, TimeoutError, orjson.JSONDecodeError, KeyError, TypeError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                response = await self._call("GET", "/models")
                return [str(one["id"]) for one in orjson.loads(response.content)["data"]]
        return []

    def _without_response(self, error: Exception) -> Answer:
        """What it means that there was no HTTP response. The SDK's layers are read from the inside out."""
        import aiohttp
        import httpx2

        causes = list(_causes(error))

        def any_is(*kinds: type[BaseException]) -> bool:
            return any(isinstance(cause, kinds) for cause in causes)

        words = next((str(cause) for cause in reversed(causes) if str(cause)), type(error).__name__)
        why = " ".join(words.split()).removeprefix("400, message: ")
        is_plain = any("WRONG_VERSION_NUMBER" in str(getattr(cause, "reason", "")) for cause in causes)
        if is_plain or any_is(ssl.SSLCertVerificationError, aiohttp.ClientConnectorCertificateError):
            raise ModelError(
                f"{self.base_url}: no secure connection ({why}); check the address and certificates"
            )
        if any_is(httpx2.InvalidURL, httpx2.UnsupportedProtocol):
            raise ModelError(f"base_url {self.base_url!r} is no address: {why}")
        if any_is(aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, ConnectionRefusedError):
            return Busy(f"{self.base_url} does not answer ({why})")
        if any_is(httpx2.ReadTimeout):
            return Broken(f"no whole reply within {self._deadline_seconds:g} s", is_slow=True)
        return Broken(f"the connection broke before the reply was whole ({why})")


class NoResponse(Exception):
    """There is no HTTP response to look at; `answer` says what that means."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


class _TooLong(Exception):
    """A body went past the limit."""


def _as_httpx2(response: Any) -> httpx2.Response:
    """The SDK can also run on the older httpx and types its errors so; this backend never does."""
    import httpx2

    assert isinstance(response, httpx2.Response)
    return response


@functools.cache
def _guarded_stream() -> Callable[[httpx2.AsyncByteStream, int, bytes | None], httpx2.AsyncByteStream]:
    """Made when first needed: its base class is imported only when an endpoint is asked."""
    import httpx2

    class GuardedStream(httpx2.AsyncByteStream):
        def __init__(self, inner: httpx2.AsyncByteStream, max_bytes: int, secret: bytes | None) -> None:
            self._inner, self._max_bytes, self._secret = inner, max_bytes, secret

        async def __aiter__(self) -> AsyncIterator[bytes]:
            chunks, num_bytes = [], 0
            async for chunk in self._inner:
                num_bytes += len(chunk)
                if num_bytes > self._max_bytes:
                    raise _TooLong
                chunks.append(chunk)
            body = b"".join(chunks)
            # A key as short as "none" or "1" is a server's dummy, and a word of many replies.
            is_secret = self._secret is not None and len(self._secret) >= _LEAST_KEY_CHARS
            yield body.replace(self._secret or b"", b"[key]") if is_secret else body

        async def aclose(self) -> None:
            await self._inner.aclose()

    return GuardedStream


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, outermost first."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
