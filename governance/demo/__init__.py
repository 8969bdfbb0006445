"""The demo: a public library's website, and fourteen changes that somebody wants there.

Everything is told by the flows that the product itself uses, at times in the recent past. The
library, its people and its changes are invented.
"""
