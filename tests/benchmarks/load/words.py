"""What the copies are about: words and names that are common, middling and rare."""

from __future__ import annotations

# Every name sorts before the words of a view ("Freeze of", "Health of", …), and the second name of
# a pair right after its first, so that a copy's objects keep their original's order of keys.
AREAS = (
    *("Account", "Acquisition", "Archive", "Audiobook", "Bindery", "Booking", "Bookbus", "Branch"),
    *("Calendar", "Catalogue", "Checkout", "Children", "Circulation", "Collection", "Course"),
    *("Delivery", "Desk", "Digital", "Donation", "Ebook"),
)
ASPECTS = (
    *("Alerts", "Billing", "Cards", "Display", "Export", "Fees", "Filters", "Forms", "History"),
    *("Import", "Labels", "Limits", "Lists", "Notices", "Pages", "Queues", "Reports", "Search"),
    *("Statistics", "Sync"),
)
PAIRED = "Beta"  # what the second name of a pair has more than the first

VERBS = ("Raise", "Lower", "Open", "Close", "Show", "Hide", "Move", "Rename", "Delay", "Retry")
OBJECTS = (
    *("the limit", "the reminder", "the old form", "the loan period", "the opening hours"),
    *("the waiting list", "the mail text", "the price", "the timeout", "the picture"),
)
AUDIENCES = ("readers", "branches", "schools", "partners", "volunteers", "the night shift")
# Each in one of a hundred contracts, and each in one of some twenty thousand.
MIDDLING = ("holiday", "flood", "festival", "strike", "audit", "moving", "winter", "licence")
RARE = ("marmalade", "quince", "zeppelin", "ocarina", "persimmon", "gramophone", "sextant", "lute")

CAPABILITIES = tuple(
    name for area in AREAS for aspect in ASPECTS for name in (area + aspect, area + aspect + PAIRED)
)
