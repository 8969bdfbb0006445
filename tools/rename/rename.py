"""Rename identifiers and move files by the maps beside this script; run once, from the repository's root.

    python tools/rename/rename.py [--check]

`files.txt` holds a move a line: OLD_PATH NEW_PATH (a folder ends with a slash; the longest match
wins). `maps/*.txt` hold the names:

    name OLD NEW                  everywhere, in strings and prose too: for names that are no words
    name OLD NEW @ path …         Python names in these files alone (paths as before the move)
    text "OLD" "NEW" @ path …     literal text in these files

With `--check` nothing is written. Prints every rule that matched nothing, and every new name that a
file had already.
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import io
import re
import shlex
import subprocess
import sys
import tokenize
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNTOUCHED = ("tests/golden/v0_1/", "docs/images/", "tools/rename/", "CHANGELOG.md", "LICENSE")
TEXT = {".py", ".sql", ".html", ".js", ".css", ".md", ".toml", ".txt", ".json", ".yaml", ".yml", ".jsonl", ""}
ROOTS = ("governance", "govsite", "tests")


class Maps:
    def __init__(self) -> None:
        self.everywhere: dict[str, str] = {}
        self.scoped: dict[tuple[str, str], str] = {}  # (path, old) -> new
        self.texts: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.used: set[object] = set()
        self.problems: list[str] = []

    def load(self, paths: list[str]) -> None:
        for file in sorted((HERE / "maps").glob("*.txt")):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                where = f"{file.name}:{number}"
                line = line.strip()
                if not line or line.startswith("#"):
                    continue
                try:
                    words = shlex.split(line, comments=True)
                except ValueError as error:
                    self.problems.append(f"{where}: {error}: {line}")
                    continue
                head, _, scope = (
                    (words[: words.index("@")], "@", words[words.index("@") + 1 :])
                    if "@" in words
                    else (words, "", [])
                )
                if len(head) != 3 or head[0] not in ("name", "text"):
                    self.problems.append(f"{where}: not understood: {line}")
                    continue
                kind, old, new = head
                if old == new:
                    continue
                if kind == "name" and not scope:
                    if self.everywhere.setdefault(old, new) != new:
                        self.problems.append(f"{where}: {old} is {self.everywhere[old]} and {new}")
                    continue
                if not scope:
                    self.problems.append(f"{where}: text needs a scope: {line}")
                    continue
                for pattern in scope:
                    if pattern.endswith("/"):
                        pattern += "*"
                    found = [p for p in paths if fnmatch.fnmatch(p, pattern)]
                    if not found:
                        self.problems.append(f"{where}: no file {pattern}")
                    for path in found:
                        if kind == "name":
                            if self.scoped.setdefault((path, old), new) != new:
                                self.problems.append(
                                    f"{where}: {old} in {path} is {self.scoped[path, old]} and {new}"
                                )
                        else:
                            old_text, new_text = (
                                text.encode().decode("unicode_escape").encode("latin-1").decode()
                                if "\\n" in text
                                else text
                                for text in (old, new)
                            )
                            if (old_text, new_text) not in self.texts[path]:
                                self.texts[path].append((old_text, new_text))


def tracked() -> list[str]:
    return subprocess.check_output(["git", "ls-files"], text=True).split("\n")[:-1]


def load_moves(paths: list[str]) -> dict[str, str]:
    rules = []
    for line in (HERE / "files.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            rules.append(line.split())
    rules.sort(key=lambda rule: -len(rule[0]))
    moves = {}
    for path in paths:
        for old, new in rules:
            if path == old or (old.endswith("/") and path.startswith(old)):
                moves[path] = new + path[len(old) :] if old.endswith("/") else new
                break
    return moves


def dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def module_moves(paths: list[str], moves: dict[str, str]) -> dict[str, str]:
    return {
        dotted(path): dotted(moves.get(path, path))
        for path in paths
        if path.endswith(".py") and path.split("/")[0] in ROOTS
    }


# --- names ---------------------------------------------------------------------------------------
def expression_spans(text: str) -> list[tuple[int, int]]:
    """Where the expressions of an f-string are."""
    spans, depth, start, i = [], 0, 0, 0
    while i < len(text):
        if text[i : i + 2] in ("{{", "}}") and depth == 0:
            i += 2
            continue
        if text[i] == "{":
            depth += 1
            if depth == 1:
                start = i + 1
        elif text[i] == "}" and depth:
            depth -= 1
            if depth == 0:
                spans.append((start, i))
        i += 1
    return spans


def rename_python(path: str, source: str, maps: Maps, modules: dict[str, str]) -> str:
    """`modules` are imported modules whose last name changed: old to new."""
    scoped = {old: new for (p, old), new in maps.scoped.items() if p == path}
    everywhere = {old: new for old, new in maps.everywhere.items() if old not in scoped}
    word = whole_words(everywhere)
    scoped_word = whole_words(scoped)
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    had: set[str] = set()
    made: dict[str, str] = {}
    edits: list[tuple[int, int, str]] = []
    in_module_path, previous = False, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            if token.string == "from" and token.line.lstrip().startswith("from "):
                in_module_path = True
            elif token.string == "import":
                in_module_path = False
        last, previous = previous, token.string
        if in_module_path and token.type == tokenize.NAME:
            continue
        at = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        text = token.string
        new = text
        if token.type == tokenize.NAME:
            had.add(text)
            new = scoped.get(text) or everywhere.get(text) or text
            if new == text and text in modules and last != ".":
                new = modules[text]
            if new != text:
                made[new] = text
                maps.used.add((path, text) if text in scoped else text)
        elif token.type in (tokenize.STRING, tokenize.COMMENT):
            if token.type == tokenize.STRING and re.match(r"(?i)[rb]*f", text) and scoped_word:
                for begin, stop in reversed(expression_spans(text)):
                    part = scoped_word.sub(lambda m: scoped[m.group()], text[begin:stop])
                    if part != text[begin:stop]:
                        for name in scoped:
                            if re.search(rf"\b{re.escape(name)}\b", text[begin:stop]):
                                maps.used.add((path, name))
                    new = new[:begin] + part + new[stop:]
            new = substitute(word, everywhere, new, maps)
        if new != text:
            edits.append((at, end, new))
    for new, old in made.items():
        if new in had:
            maps.problems.append(f"{path}: {old} becomes {new}, which the file had already")
    for at, end, new in reversed(edits):
        source = source[:at] + new + source[end:]
    return source


def whole_words(names: dict[str, str]) -> re.Pattern[str] | None:
    if not names:
        return None
    alternatives = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)")


def substitute(word: re.Pattern[str] | None, names: dict[str, str], text: str, maps: Maps) -> str:
    if word is None:
        return text

    def new(match: re.Match[str]) -> str:
        maps.used.add(match.group())
        return names[match.group()]

    return word.sub(new, text)


# --- imports and paths ---------------------------------------------------------------------------
def move_imports(source: str, modules: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The source with its imports moved, and the imported modules whose last name changed."""
    renamed: dict[str, str] = {}
    lines = source.splitlines(keepends=True)
    for node in sorted(ast.walk(ast.parse(source)), key=lambda n: -getattr(n, "lineno", 0)):
        if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
            continue
        if node.module.split(".")[0] not in ROOTS:
            continue
        groups: dict[str, list[str]] = defaultdict(list)
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            if whole in modules:
                home, _, name = modules[whole].rpartition(".")
                called = alias.asname
                if name != alias.name and not alias.asname:
                    renamed[alias.name] = name
            else:
                home, name, called = modules.get(node.module, node.module), alias.name, alias.asname
            groups[home].append(name + (f" as {called}" if called else ""))
        indent = " " * node.col_offset
        text = "".join(
            f"{indent}from {home} import {', '.join(names)}\n"
            if len(names) < 3
            else f"{indent}from {home} import (\n" + "".join(f"{indent}    {n},\n" for n in names) + f"{indent})\n"
            for home, names in groups.items()
        )
        old = "".join(lines[node.lineno - 1 : node.end_lineno])
        tail = re.search(r"(  #.*)$", old.splitlines()[-1])
        if tail and node.lineno == node.end_lineno:
            text = text.rstrip("\n") + tail.group(1) + "\n"
        if {f"{node.module}"} == set(groups) and all(
            f"{node.module}.{a.name}" not in modules or modules[f"{node.module}.{a.name}"] == f"{node.module}.{a.name}"
            for a in node.names
        ):
            continue
        lines[node.lineno - 1 : node.end_lineno] = [text]
    return "".join(lines), renamed


def drop_empty_aliases(source: str) -> str:
    return re.sub(r"\b(\w+) as \1\b", r"\1", source)


def path_rewriter(modules: dict[str, str], moves: dict[str, str]):
    changed = {old: new for old, new in modules.items() if old != new}
    by_length = sorted(changed, key=len, reverse=True)
    module_words = re.compile(
        rf"(?<![\w./-])(?:{'|'.join(map(re.escape, by_length))})(?![\w/-])"
    ) if changed else None
    paths = {old: new for old, new in moves.items() if old != new}
    folders = {}
    for line in (HERE / "files.txt").read_text().splitlines():
        words = line.split()
        if len(words) == 2 and words[0].endswith("/"):
            folders[words[0]] = words[1]
    known = paths | folders | {f.rstrip("/"): n.rstrip("/") for f, n in folders.items()}
    # A template is named without its root, a file of a package often without `governance/`.
    for old, new in list(known.items()):
        if old.startswith("templates/"):
            known[old.removeprefix("templates/")] = new.removeprefix("templates/")
        if old.startswith("governance/") and old.endswith(".py") and old.count("/") > 1:
            short = old.removeprefix("governance/")
            if short not in known and "__init__" not in short:
                known[short] = new.removeprefix("governance/")
    path_words = re.compile(
        rf"(?<![\w./-])(?:{'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})(?![\w-])"
    )

    def rewrite(text: str) -> str:
        if module_words:
            text = module_words.sub(lambda m: changed[m.group()], text)
        return path_words.sub(lambda m: known[m.group()], text)

    return rewrite


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    paths = [p for p in tracked() if Path(p).is_file()]
    maps = Maps()
    maps.load(paths)
    moves = load_moves(paths)
    modules = module_moves(paths, moves)
    rewrite_paths = path_rewriter(modules, moves)
    word = whole_words(maps.everywhere)
    results: dict[str, str] = {}
    for path in paths:
        if path.startswith(UNTOUCHED):
            continue
        if Path(path).suffix not in TEXT:
            continue
        try:
            before = Path(path).read_text()
        except UnicodeDecodeError:
            continue
        text = before
        for old, new in maps.texts.get(path, []):
            if old not in text:
                maps.problems.append(f"{path}: no text {old!r}")
            text = text.replace(old, new)
        try:
            if path.endswith(".py"):
                text, renamed = move_imports(text, modules)
                text = rename_python(path, text, maps, renamed)
                if not path.endswith("admin/wording.py"):  # which exports names by such aliases
                    text = drop_empty_aliases(text)
            else:
                text = substitute(word, maps.everywhere, text, maps)
                for old, new in ((o, n) for (p, o), n in maps.scoped.items() if p == path):
                    maps.used.add((path, old))
                    text = re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", new, text)
            text = rewrite_paths(text)
        except (SyntaxError, tokenize.TokenError) as error:
            maps.problems.append(f"{path}: {error}")
            continue
        if text != before:
            results[path] = text
    for old in maps.everywhere:
        if old not in maps.used:
            maps.problems.append(f"nothing is named {old}")
    for path, old in maps.scoped:
        if (path, old) not in maps.used:
            maps.problems.append(f"{path}: nothing is named {old}")
    print("\n".join(maps.problems), file=sys.stderr)
    print(f"{len(results)} files change, {sum(o != n for o, n in moves.items())} move")
    if options.check:
        return 0
    for path, text in results.items():
        Path(path).write_text(text)
    for old, new in moves.items():
        if old != new:
            Path(new).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["git", "mv", "-k", old, new], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
