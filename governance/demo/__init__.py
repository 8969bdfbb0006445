"""The demo: the website of a public library, and fourteen proposed changes to it.

The product's own flows create everything, with times in the recent past. The library, its people
and its changes are invented.
"""
