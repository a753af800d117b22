"""One HTTP request with limits on all that a broken or hostile answer could draw out. Redirects are not followed.

botocore's own session, so that certificates, proxies and `AWS_CA_BUNDLE` count as they do for every other call to AWS.
"""

from __future__ import annotations

import json
import os
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

_CONNECT_LIMIT_SECONDS = 10
_READ_LIMIT_SECONDS = 30
_TOTAL_LIMIT_SECONDS = 60
_LONGEST_BODY_BYTES = 4 * 1024 * 1024


class Unreachable(Exception):
    """There was no whole answer. Whether the request was carried out is not known."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; `ValueError` if it is none."""
        return json.loads(self.body)


def insist_on_tls(url: str) -> str:
    """Returns a URL that secrets can be sent to: over TLS, or to this machine. `ValueError` otherwise."""
    parts = urllib.parse.urlsplit(url)
    if not parts.hostname or parts.username is not None:
        raise ValueError(f"{url!r} is not the URL of a service")
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError(f"{url!r} would carry secrets in the clear: it has to begin with https://")
    return url


def send(request: AWSRequest) -> Answer:
    """Any status is an answer."""
    deadline = time.monotonic() + _TOTAL_LIMIT_SECONDS
    session = URLLib3Session(
        # As `True` would do, which alone leaves the bundle of the environment aside.
        verify=os.environ.get("AWS_CA_BUNDLE") or True,
        proxies=get_environ_proxies(request.url),
        timeout=(_CONNECT_LIMIT_SECONDS, _READ_LIMIT_SECONDS),
    )
    request.stream_output = True
    try:
        response = session.send(request.prepare())
        body = b""
        for piece in response.raw.stream(64 * 1024, decode_content=True):
            body += piece
            if len(body) > _LONGEST_BODY_BYTES:
                raise Unreachable(f"the answer is longer than {_LONGEST_BODY_BYTES} bytes")
            if time.monotonic() > deadline:
                raise Unreachable(f"the answer had no end after {_TOTAL_LIMIT_SECONDS} s")
    # botocore has no one name for it: a refused connection is a BotoCoreError like any other, and no HTTPClientError.
    except (BotoCoreError, HTTPError, OSError) as error:
        raise Unreachable(str(error)) from error
    finally:
        session.close()
    return Answer(response.status_code, response.headers, body)
