"""The names of parts and measures, for the command line; importable before Django is set up."""

# In the order of measurement: `verify` comes before the parts that add contracts.
PARTS = ("verify", "record", "peers", "http", "workers", "audit", "validator", "memory")
RECORD = (
    *("activate", "activate-100", "activate-flow", "claim", "start"),
    *("record", "late", "complete", "complete-flow", "cancel", "whole"),
)
EMPTY = "empty"  # the queue and the task of the baseline of `workers`
