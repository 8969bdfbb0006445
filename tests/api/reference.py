"""The two files in docs/ that the API's code says: openapi.yaml and errors.md.

`python -m tests.api.reference` (`make schema`) writes them; with `--check` (`make check`) it
compares them instead, names one that is stale, shows the first lines that differ, and exits with 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from difflib import unified_diff
from itertools import groupby, islice
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"
LINES_SHOWN = 20

INTRODUCTION = """# What the API refuses, and what to do about it

Made from the tables that the schema is made of (`governance/api/codes.py`, `refusals.py`) by
`make schema`; change it there.

Every refusal is a problem document (RFC 9457, `application/problem+json`):

```json
{"type": "urn:govsite:problem:step_out_of_order", "title": "Step out of order", "status": 409,
 "detail": "Step 0 is due, not step 1.", "code": "step_out_of_order",
 "details": {"step_index": 1, "current_step": 0}}
```

Programs go by `code`. A code keeps its status and its meaning within v1; new ones may come, so
treat one that you do not know by its status. `errors` is a list of `{"path", "message"}`, one for
each place of the input that does not fit. `details` holds values that help, as said below.

Nothing is half done: where a POST is refused, nothing of it was written. After a broken connection,
a 500 or `database_unavailable` nobody knows; send the same request with the same
`Idempotency-Key` again, and it is done once.
"""


def schema_file() -> str:
    """docs/openapi.yaml: the whole description; raises what makes it invalid OpenAPI."""
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.renderers import OpenApiYamlRenderer
    from drf_spectacular.validation import validate_schema

    document = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(document)
    text: str = OpenApiYamlRenderer().render(document, renderer_context={}).decode()
    return text


def errors_file() -> str:
    """docs/errors.md: every code by status, what it means, what to do, and who answers it."""
    from governance.api.codes import CODES
    from governance.api.openapi import WORDS

    parts = [INTRODUCTION]
    ordered = sorted(CODES.items(), key=lambda item: item[1].status)
    for status, codes in groupby(ordered, key=lambda item: item[1].status):
        words = WORDS[status][1] if status in WORDS else "The address knows no such method."
        parts.append(f"\n## {status}\n\n{words}\n\n")
        parts.append("| code | means | what to do | answered by |\n|---|---|---|---|\n")
        parts.extend(_row(code, refusal) for code, refusal in codes)
    return "".join(parts)


def _row(code: str, refusal: Any) -> str:
    return f"| `{code}` | {refusal.meaning} | {refusal.advice} | {', '.join(_askers(code))} |\n"


def _askers(code: str) -> Iterator[str]:
    """The calls that answer `code`, in words."""
    from governance.api import refusals

    kinds = {
        "every call": refusals.EVERY_CALL,
        "every list": refusals.EVERY_LIST,
        "every address with an id": refusals.EVERY_ADDRESS_WITH_ID,
        "every POST": refusals.EVERY_POST,
        "every address": refusals.OUTSIDE,
    }
    yield from (words for words, codes in kinds.items() if code in codes)
    yield from (f"`{name}`" for name, codes in refusals.OWN.items() if code in codes)


FILES: dict[str, Callable[[], str]] = {"openapi.yaml": schema_file, "errors.md": errors_file}


def stale_files(folder: Path) -> Iterator[str]:
    """Of each file in the folder that is not what the code says: its name, and what differs."""
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
