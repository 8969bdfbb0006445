"""A parser of HTML forms that sends them as a browser does."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"


class Form(HTMLParser):
    """The fields of the forms with the CSS class `css` on a page, in order, as `pairs`.

    `set` changes fields; `body` is the request body.
    """

    def __init__(self, page: str, css: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pairs: list[list[str]] = []
        self.buttons: list[str] = []
        self._css, self._is_inside, self._area, self._select = css, False, False, ""
        self.feed(page)
        for pair in self.pairs:
            # HTML: a browser ignores a newline right after <textarea>, and sends others as \r\n.
            pair[1] = pair[1].replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = self._css in given.get("class", "").split()
        if not self._is_inside:
            return
        name = given.get("name", "")
        if tag == "button" and name == "do":
            self.buttons.append(given["value"])
        elif tag == "input" and name:
            is_off = given.get("type") in ("checkbox", "radio") and "checked" not in given
            if not is_off:
                self.pairs.append([name, given.get("value", "")])
        elif tag == "textarea":
            self.pairs.append([name, ""])
            self._area = True
        elif tag == "select":
            self.pairs.append([name, ""])
            self._select = name
        elif tag == "option" and "selected" in given:
            self.pairs[-1][1] = given["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        if tag == "textarea" and self._area:
            self._area = False
            self.pairs[-1][1] = self.pairs[-1][1].removeprefix("\n")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.pairs[-1][1] += data

    def __getitem__(self, name: str) -> str:
        [value] = [value for one, value in self.pairs if one == name]
        return value

    def __contains__(self, name: str) -> bool:
        return any(name == one for one, _ in self.pairs)

    def set(self, **typed: str) -> Form:
        """Set fields to new values; `__` in a keyword stands for `-` in the name of the field."""
        for name, value in typed.items():
            wanted = name.replace("__", "-")
            [pair] = [pair for pair in self.pairs if pair[0] == wanted]
            pair[1] = value
        return self

    def body(self, do: str) -> str:
        return urlencode([*map(tuple, self.pairs), ("do", do)])

    def press(self, browser: Any, address: str, do: str) -> Any:
        """Send the form with the button `do`, which it must have; return the response."""
        assert do in self.buttons, f"{do} is not among {self.buttons}"
        return browser.post(address, self.body(do), FORM)
