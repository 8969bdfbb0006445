"""Actions of a person in the admin, by the labels on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

from governance.models import Account, SystemContract
from tests.support.admin import contract_url

# Far more than a page needs, because other tests may keep the machine busy.
PATIENCE_MS = 30_000

LAPTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
DARK: dict[str, Any] = {"color_scheme": "dark"}
LIGHT: dict[str, Any] = {"color_scheme": "light"}


# --- signing in ---
@contextmanager
def signed_in_page(
    browser: Browser, address: str, person: Account | None, complaints: list[str], **screen: Any
) -> Iterator[Page]:
    """Open a page of the site, signed in as the person; errors are added to `complaints`."""
    context = browser.new_context(base_url=address, **screen)
    context.set_default_timeout(PATIENCE_MS)
    try:
        if person:
            context.add_cookies(
                [{"name": "sessionid", "value": session_of(person), "url": address}]
            )
        page = context.new_page()
        listen(page, address, complaints)
        yield page
    finally:
        context.close()


def session_of(person: Account) -> str:
    """Create a session for the person without a password, and return its key."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def listen(page: Page, address: str, complaints: list[str]) -> None:
    host = urlsplit(address).netloc

    def asked(request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme in ("http", "https", "ws", "wss") and target.netloc != host:
            complaints.append(f"{page.url} asks another host: {request.url}")

    def answered(response: Response) -> None:
        if response.status >= 500 or (response.status == 404 and "/static/" in response.url):
            complaints.append(f"{response.status} {response.url}")

    def logged(message: ConsoleMessage) -> None:
        # The console also logs the status of a refusal (4xx), which is no error of the page.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            complaints.append(f"{page.url}: {message.text}")

    page.on("request", asked)
    page.on("response", answered)
    page.on("console", logged)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))


# --- navigation ---
def go(page: Page, name: str, *args: Any) -> None:
    """Open the admin's page with this URL name."""
    page.goto(reverse(f"admin:{name}", args=args))


def go_to_contract(page: Page, contract: SystemContract) -> None:
    page.goto(contract_url(contract))


def press(page: Page, words: str) -> None:
    """Press the button, or the link styled as a button, with exactly this label."""
    page.get_by_role("button", name=words, exact=True).or_(
        page.get_by_role("link", name=words, exact=True)
    ).click()


def write(page: Page, label: str, words: str) -> None:
    """Fill in the form field with this label."""
    page.locator("form[method=post]").get_by_label(label).fill(words)


def expect_text(page: Page, words: str) -> None:
    """Wait until the text is visible on the page."""
    expect(page.get_by_text(words).first).to_be_visible()


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus.

    Raises:
        AssertionError: the target cannot be reached with Tab.
    """
    for _ in range(200):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab never comes to {target}.")


# --- time, and pages that refresh themselves ---
def with_fake_clock(page: Page) -> Page:
    """Replace the clock of the page's scripts by one that only `advance_clock` moves."""
    page.clock.install()
    return page


def advance_clock(page: Page, seconds: int = 4) -> None:
    """Advance the page's clock, so that its script asks for news."""
    page.clock.fast_forward(seconds * 1000)


@contextmanager
def without_reload(page: Page) -> Iterator[None]:
    """Assert that the page is not reloaded inside the block."""
    page.evaluate("window.neverReloaded = true")
    yield
    assert page.evaluate("window.neverReloaded")


# --- decisions ---
def decide(page: Page, contract: SystemContract, way: str, button: str, **typed: str) -> None:
    """Open the form behind the link `way` of the contract's page, fill it in, and press `button`.

    Args:
        typed: the text for each field, by the field's label with `_` for a space.
    """
    go_to_contract(page, contract)
    press(page, way)
    for label, words in typed.items():
        write(page, label.replace("_", " "), words)
    press(page, button)


def approve(page: Page, contract: SystemContract, **typed: str) -> None:
    decide(page, contract, "Approve…", "Approve", **typed)


def reject(page: Page, contract: SystemContract, reason: str) -> None:
    decide(page, contract, "Reject…", "Reject", Reason=reason)


def ask(page: Page, contract: SystemContract, question: str) -> None:
    decide(page, contract, "Request clarification…", "Ask and pause the review", Question=question)


def answer(page: Page, contract: SystemContract, words: str) -> None:
    decide(page, contract, "Answer…", "Answer and resume the review", Answer=words)


def comment(page: Page, contract: SystemContract, words: str) -> None:
    go_to_contract(page, contract)
    write(page, "Comment", words)
    press(page, "Add comment")


# --- change freezes ---
def start_freeze(page: Page, reason: str) -> None:
    go(page, "governance_changefreeze_changelist")
    press(page, "Start a change freeze…")
    write(page, "Reason", reason)
    press(page, "Start a change freeze")


def lift_freeze(page: Page, reason: str) -> None:
    go(page, "governance_changefreeze_changelist")
    press(page, "Lift freeze…")
    write(page, "Reason", reason)
    press(page, "Lift freeze")
