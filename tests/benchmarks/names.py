"""What can be picked, by name: known before Django is set up."""

PARTS = ("record", "peers", "http", "verify", "memory")
RECORD = (
    *("activate", "activate-100", "activate-flow", "claim", "claim-flow", "start"),
    *("record", "late", "complete", "complete-flow", "cancel", "whole"),
)
