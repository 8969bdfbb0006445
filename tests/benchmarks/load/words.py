"""The words of the copies' titles and capabilities: common, less common and rare ones."""

from __future__ import annotations

# Every name sorts before the keys of a view ("Freeze of", "Health of", …), and the second name of
# a pair right after the first, so that the JSON objects of a copy have the original's key order.
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
PAIRED = "Beta"  # the suffix of the second name of a pair

VERBS = ("Raise", "Lower", "Open", "Close", "Show", "Hide", "Move", "Rename", "Delay", "Retry")
OBJECTS = (
    *("the limit", "the reminder", "the old form", "the loan period", "the opening hours"),
    *("the waiting list", "the mail text", "the price", "the timeout", "the picture"),
)
AUDIENCES = ("readers", "branches", "schools", "partners", "volunteers", "the night shift")
# A word of MIDDLING is in one of a hundred contracts, a word of RARE in one of twenty thousand.
MIDDLING = ("holiday", "flood", "festival", "strike", "audit", "moving", "winter", "licence")
RARE = ("marmalade", "quince", "zeppelin", "ocarina", "persimmon", "gramophone", "sextant", "lute")

CAPABILITIES = tuple(
    name for area in AREAS for aspect in ASPECTS for name in (area + aspect, area + aspect + PAIRED)
)
