"""The validator: what a report is, how bad, and how sure that is. It advises and decides nothing.

It reads one report and the names of the registry, both passed in. It writes nothing, and the same
report and names give the same verdict in every process. It refuses nothing: a report that it
cannot judge is `unknown` and deferred. Which words count is the data of `indicators.toml`.
"""
