"""What can be picked, by name: known before Django is set up."""

# In the order in which they are measured: what verifies all comes before what adds to it.
PARTS = ("verify", "record", "peers", "http", "memory")
RECORD = (
    *("activate", "activate-100", "activate-flow", "claim", "start"),
    *("record", "late", "complete", "complete-flow", "cancel", "whole"),
)
