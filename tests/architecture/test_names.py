"""Tests that each public name has one meaning, and that names are words of the field."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("governance", "govsite")

# Names that several modules may define: one idea in two layers, or a name that Django requires.
ONE_IDEA: Mapping[str, str] = {
    "Command": "Django finds each management command by this name",
    "DatabaseWrapper": "Django finds each database backend by this name",
}

# Words that must not occur in names of identifiers, files and folders.
PRIVATE_WORDS = frozenset(
    [
        "story",
        "stories",
        "told",
        "tell",
        "tells",
        "telling",
        "teller",
        "tale",
        "tales",
        "law",
        "laws",
        "dossier",
        "dossiers",
        "heir",
        "heirs",
        "shelf",
        "shelves",
        "bury",
        "buried",
        "fate",
        "hub",
        "hubs",
        "follower",
        "followers",
        "glance",
        "spell",
        "spelled",
        "spelling",
        "heard",
        "said",
        "stands",
        "standing",
        "ceremony",
        "torture",
        "mortal",
        "obituary",
        "obituaries",
        "crew",
        "crews",
        "twin",
        "twins",
        "stubborn",
        "door",
        "doors",
        "house",
        "houses",
        "scene",
        "scenes",
        "crowd",
        "crowds",
        "narrator",
        "narrators",
        "hire",
        "hires",
        "hired",
        "hiring",
        "picture",
        "pictures",
        "thaw",
        "thaws",
        "thawed",
        "thawing",
        "look",
        "looks",
        "looked",
        "looking",
        "place",
        "places",
        "reach",
        "reaches",
        "away",
        "sides",
        "supply",
    ]
)
PRIVATE_PREFIXES = ("LONGEST_", "SHORTEST_", "MOST_", "LARGEST_", "DEEPEST_", "USUAL_")
PRIVATE_LINE = re.compile(
    r"(?i)(freeze|frozen|thaw|stop)_(the_)?line|(^|_)line_?(is_)?(freeze|frozen)"
)
# Exceptions: a name, and why it is the word of the field.
EXCEPTIONS: Mapping[str, str] = {
    "tell": "the method of a file that returns its position",
}

# Former names of what users type and read, which must not come back.
FORMER_COMMANDS = (
    "freeze_line",
    "thaw_line",
    "import_draft_verdicts",
    "import_verdicts",
    "run_site",
    "make_load",
)
FORMER_SETTINGS = (
    "STORY_ATTEMPTS",
    "DB_PREPARE",
    "STREAMS_PER_PROCESS",
    "LONGEST_FREEZE_HOURS",
    "GOVSITE_QUORUM",
)
FORMER_CODES = (
    "line_frozen",
    "lease_lapsed",
    "verdict_given",
    "plan_differs",
    "unusable_json",
    "record_protected",
)
FORMER_LABELS = (
    "the line",
    "clock stands",
    "way back",
    "went wrong lately",
    "how it is going",
    "waits for its verdicts",
    "not on record",
    "signed nobody",
    "by waits",
)


@cache
def tracked_files() -> list[Path]:
    """Return the files that git tracks, or all files where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        return [
            path
            for folder in (*PRODUCT, "tests", "templates")
            for path in (ROOT / folder).rglob("*")
        ]
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def python_files(*folders: str) -> list[Path]:
    return [
        path
        for path in tracked_files()
        if path.suffix == ".py"
        and "migrations" not in path.parts
        and path.relative_to(ROOT).parts[0] in (folders or (*PRODUCT, "tests"))
    ]


def public_names() -> dict[str, set[str]]:
    """Return each public class and module-level function of the product, with its modules."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in python_files(*PRODUCT):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                found[node.name].add(str(path.relative_to(ROOT)))
    return found


def identifiers(path: Path) -> Iterator[str]:
    """Yield every name in a module, including those in f-strings."""
    source = path.read_text()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.string
        elif token.type == tokenize.STRING and re.match(r"(?i)[rb]?f", token.string):
            for expression in re.findall(r"(?<!\{)\{([^{}]+)\}", token.string):
                yield from re.findall(r"[A-Za-z_]\w*", re.sub(r"[\"'][^\"']*[\"']", "", expression))


def words_of(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def is_private(name: str) -> bool:
    return name not in EXCEPTIONS and bool(
        words_of(name) & PRIVATE_WORDS
        or name.lstrip("_").startswith(PRIVATE_PREFIXES)
        or PRIVATE_LINE.search(name)
    )


def test_public_names__mean_one_thing() -> None:
    homonyms = {name: sorted(homes) for name, homes in public_names().items() if len(homes) > 1}
    assert {name: homes for name, homes in homonyms.items() if name not in ONE_IDEA} == {}


def test_names_of_one_idea__are_all_needed() -> None:
    homonyms = {name for name, homes in public_names().items() if len(homes) > 1}
    assert set(ONE_IDEA) - homonyms == set()


def test_identifiers__are_plain_words() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in python_files()
        if path != Path(__file__)
        for name in identifiers(path)
        if is_private(name)
    }
    assert sorted(found) == []


def test_identifiers_of_sql_files__are_plain_words() -> None:
    files = [path for path in tracked_files() if path.suffix == ".sql"]
    assert len(files) > 20
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in re.findall(r"[A-Za-z_]\w*", re.sub(r"--[^\n]*|'[^']*'", "", path.read_text()))
        if is_private(name)
    }
    assert sorted(found) == []


def test_files_and_folders__are_plain_words() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if any(is_private(part.replace("-", "_")) for part in path.relative_to(ROOT).parts)
    ]
    assert found == []


@pytest.mark.parametrize("former", FORMER_COMMANDS)
def test_former_command__is_gone(former: str) -> None:
    commands = {path.stem for path in (ROOT / "governance/management/commands").glob("*.py")}
    assert former not in commands
    assert mentions(rf"(?<![\w.]){former}(?!\w)") == []


@pytest.mark.parametrize("former", [*FORMER_SETTINGS, *FORMER_CODES])
def test_former_setting_or_code__is_gone(former: str) -> None:
    assert mentions(rf"(?<![\w.]){former}(?!\w)") == []


@pytest.mark.parametrize("former", FORMER_LABELS)
def test_former_label__is_on_no_screen(former: str) -> None:
    """The templates and the texts of the admin's modules are searched."""
    shown = [path for path in tracked_files() if path.suffix == ".html"]
    found = [str(path) for path in shown if former in path.read_text().lower()]
    for path in python_files("governance"):
        if "admin" in path.relative_to(ROOT).parts and any(
            former in text.lower() for text in texts_of(path)
        ):
            found.append(str(path))
    assert found == []


def texts_of(path: Path) -> Iterator[str]:
    """Yield the texts of a module except its docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield node.value


def mentions(pattern: str) -> list[str]:
    """Return the files that match, except the changelog, golden files and this test."""
    wanted = re.compile(pattern)
    suffixes = {".py", ".sql", ".html", ".js", ".css", ".md", ".toml", ".yaml", ".json", ".txt", ""}
    return [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.suffix in suffixes
        and path.name != "CHANGELOG.md"
        and path != Path(__file__)
        and "golden/v" not in str(path)
        and wanted.search(path.read_text(errors="replace"))
    ]


def test_settings__are_prefixed_unless_django_or_the_platform_fixes_the_name() -> None:
    fixed = {"SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL", "PORT"}
    read = {
        name
        for path in python_files(*PRODUCT)
        for name in re.findall(
            r"(?:read_\w+\(\s*(?:data_dir, )?|os\.environ(?:\.get\(|\[)\s*)\"([A-Z][A-Z_]+)\"",
            path.read_text(),
        )
    }
    assert len(read) > 20
    assert {name for name in read if not name.startswith("GOVSITE_")} <= fixed
