"""Tests of the admin in Debian's Chromium, against a running site with its own database."""
