"""The two files in docs/ that are generated from the API's code: openapi.yaml and errors.md.

`python -m tests.api.reference` (`make schema`) writes them; with `--check` (`make check`) it
compares them instead and, if one is stale, shows the first lines that differ and exits with 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"
LINES_SHOWN = 20

INTRODUCTION = """# Error codes of the API

Reference: every error `code`, what it means, what to do, and which calls return it. `make schema`
generates this page from the errors' classes in `governance/domain/errors/` and
`governance/api/errors.py`.

```json
{"type": "urn:govsite:problem:step_out_of_order", "title": "Step out of order", "status": 409,
 "detail": "Step 0 is due, not step 1.", "code": "step_out_of_order",
 "details": {"step_index": 1, "current_step": 0}}
```

Every error is a problem document (RFC 9457, `application/problem+json`):

* `code` is for programs. A code keeps its status and its meaning within v1. New codes may be added:
  treat an unknown code by its status.
* `detail` is a sentence for people; its wording may change.
* `errors` is a list of `{"path", "message"}`, one for each invalid field of the input.
* `details` holds further values, as described below.

A POST that returns 4xx or `busy` has itself changed nothing. After a lost connection, a 500 or
`database_unavailable` it is unknown whether the change was made: send the same request with the
same `Idempotency-Key`, and it is carried out once.
[api.md](api.md#retry-safely-idempotency-key) says which responses are stored.
"""

OTHER_CODES = """
## Commands and pages

The API does not return these. A command prints the code after its message, which says what to do;
the JSON of a command has it as `code`.

| code | meaning |
|---|---|
"""


def schema_document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    from drf_spectacular.generators import SchemaGenerator

    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return document


def schema_file() -> str:
    """Return the text of docs/openapi.yaml, after validating it against OpenAPI."""
    from drf_spectacular.renderers import OpenApiYamlRenderer
    from drf_spectacular.validation import validate_schema

    document = schema_document()
    validate_schema(document)
    text: str = OpenApiYamlRenderer().render(document, renderer_context={}).decode()
    return text


def errors_file() -> str:
    """Return the text of docs/errors.md: each code's status, meaning, remedy and operations."""
    from governance.api.declared_errors import STATUS_TEXTS
    from governance.domain.errors import every_error

    declared = list(every_error())
    callers = callers_by_error(schema_document())
    parts = [INTRODUCTION]
    for status, (_, words) in STATUS_TEXTS.items():
        parts.append(f"\n## {status}\n\n{words}\n\n")
        parts.append("| code | meaning | what to do | returned by |\n|---|---|---|---|\n")
        parts.extend(
            f"| `{error.code}` | {error.meaning()} | {error.advice} |"
            f" {', '.join(callers[status, error.code])} |\n"
            for error in declared
            if error.http_status == status and (status, error.code) in callers
        )
    parts.append(OTHER_CODES)
    others = {
        error.code: f"| `{error.code}` | {error.meaning()} |\n"
        for error in reversed(declared)
        if (error.http_status, error.code) not in callers
    }
    parts.extend(others[code] for code in sorted(others))
    return "".join(parts)


def callers_by_error(document: dict[str, Any]) -> dict[tuple[int, str], list[str]]:
    """Return, by status and code, who returns an error: kinds of calls, and single operations."""
    from governance.api import declared_errors

    kinds = {
        "every call": declared_errors.ERRORS_OF_EVERY_CALL,
        "every list": declared_errors.ERRORS_OF_EVERY_LIST,
        "every path with an id": declared_errors.ERRORS_OF_EVERY_ID,
        "every POST": declared_errors.ERRORS_OF_EVERY_POST,
        "every path": declared_errors.UNROUTED_ERRORS,
    }
    callers: dict[tuple[int, str], list[str]] = {}
    for words, errors in kinds.items():
        for error in errors:
            callers.setdefault((error.http_status, error.code), []).append(words)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            common = declared_errors.common_errors(
                method=method.upper(), has_id="{" in path, is_list=True
            )
            own = codes_of(operation, document) - {(e.http_status, e.code) for e in common}
            for key in own:
                callers.setdefault(key, []).append(f"`{operation['operationId']}`")
    return callers


def codes_of(operation: dict[str, Any], document: dict[str, Any]) -> set[tuple[int, str]]:
    """Return the errors that the document has for an operation, as status and code."""
    found = set()
    for status, response in operation["responses"].items():
        name = response.get("$ref", "").rpartition("/")[2]
        content = document["components"]["responses"].get(name, response).get("content", {})
        if problem := content.get("application/problem+json"):
            _, narrowed = problem["schema"]["allOf"]
            found |= {(int(status), code) for code in narrowed["properties"]["code"]["enum"]}
    return found


FILES: dict[str, Callable[[], str]] = {"openapi.yaml": schema_file, "errors.md": errors_file}


def stale_files(folder: Path) -> Iterator[str]:
    """Return a message for each stale file in the folder: its name and the first differences."""
    for name, made in FILES.items():
        path = folder / name
        known = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = unified_diff(
            known.splitlines(), made().splitlines(), str(path), "the code", lineterm="", n=1
        )
        if shown := "\n".join(islice(lines, LINES_SHOWN)):
            yield f"{path} is stale: run `make schema` and commit it.\n{shown}\n"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.api.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="Compare, and write nothing.")
    options = parser.parse_args(argv)
    os.environ["DJANGO_SETTINGS_MODULE"] = "govsite.settings"
    import django

    django.setup()
    if options.check:
        stale = list(stale_files(DOCS))
        sys.stderr.write("\n".join(stale))
        return 1 if stale else 0
    for name, made in FILES.items():
        (DOCS / name).write_text(made(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
