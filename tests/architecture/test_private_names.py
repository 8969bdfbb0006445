"""Tests that the product uses no private name of Django, django-fsm or another package.

A name with a leading underscore belongs to the module that defines it, and may change with any
release of its package.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("governance", "govsite")
MODULES = sorted(
    path
    for folder in PRODUCT
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)

# Names that are documented in spite of the underscore.
PUBLIC: Mapping[str, str] = {
    "_meta": "Django documents the Model _meta API",
    "_default_manager": "Django documents it under the managers of a model",
    "_asdict": "Python documents it for namedtuple",
    "_make": "Python documents it for namedtuple",
    "_replace": "Python documents it for namedtuple",
    "_fields": "Python documents it for namedtuple",
    "_exit": "Python documents os._exit: the only exit that no handler can catch",
}
ACCESS_BY_NAME = {"getattr", "setattr", "hasattr", "delattr", "attrgetter", "methodcaller"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def private_names_defined_in(tree: ast.AST) -> set[str]:
    """Return the private names that a module gives to functions, classes and attributes."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                found.add(name)
    return {name for name in found if is_private(name)}


def private_names_used_in(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield each private name of an object or a module, and whether the object is `self`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                yield name, True
            case ast.Attribute(attr=name):
                yield name, False
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=arguments):
                for argument in arguments if called in ACCESS_BY_NAME else ():
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield argument.value, False
            case ast.ImportFrom(module=module, names=imported):
                yield from ((part, False) for part in (module or "").split("."))
                yield from ((alias.name, False) for alias in imported)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def defined_in_product() -> set[str]:
    return {name for path in MODULES for name in private_names_defined_in(tree_of(path))}


def foreign_names_used_in(path: Path) -> set[str]:
    """Return the private names in a module that neither it nor, for `self`, the product defines."""
    own = private_names_defined_in(tree_of(path))
    return {
        name
        for name, is_of_self in private_names_used_in(tree_of(path))
        if is_private(name)
        and name not in PUBLIC
        and name not in own
        and not (is_of_self and name in defined_in_product())
    }


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_module__uses_no_private_name_of_another(path: Path) -> None:
    assert foreign_names_used_in(path) == set()


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_class__overrides_no_private_name_of_another_package(path: Path) -> None:
    classes = [node for node in tree_of(path).body if isinstance(node, ast.ClassDef)]
    if not classes:
        return
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module(name)
    for node in classes:
        bases = getattr(module, node.name).__mro__
        foreign = [base for base in bases if not base.__module__.startswith(PRODUCT)]
        overridden = {
            name
            for name in private_names_defined_in(node) - set(PUBLIC)
            if any(name in vars(base) for base in foreign)
        }
        assert overridden == set(), node.name


def test_rule__finds_each_way_to_a_private_name() -> None:
    used = {
        name
        for name, _ in private_names_used_in(
            ast.parse(
                "from a._b import _c\nrow._d; getattr(row, '_e'); super()._f()\nself._g = row.h"
            )
        )
    }
    assert {name for name in used if is_private(name)} == {"_b", "_c", "_d", "_e", "_f", "_g"}
