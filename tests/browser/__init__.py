"""The desk in a real browser: a real site on a database of the test's own, Debian's Chromium."""
