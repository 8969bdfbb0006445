"""Strict parsing of request bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from governance.domain.errors import DocumentTooLargeError, MalformedJsonError
from governance.domain.strict_json import MAX_DOCUMENT_BYTES, load_strict_json


class StrictJSONParser(BaseParser):
    """A parser that accepts JSON in UTF-8, at most 1 MiB, that can be stored without loss.

    Raises:
        InvalidInputError: `document_too_large`, `malformed_json` or `invalid_json`.
    """

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        # One byte above the limit shows that the body is too large, so the rest is not read.
        body = stream.read(MAX_DOCUMENT_BYTES + 1)
        if len(body) > MAX_DOCUMENT_BYTES:
            raise DocumentTooLargeError.whole("The document is larger than 1 MiB.")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedJsonError.whole(
                f"The body is not valid UTF-8 at byte {error.start}."
            ) from None
        return load_strict_json(text)
