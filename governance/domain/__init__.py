"""The words every authority shares: plain Python, no Django, no I/O.

Reads nothing and writes nothing. It says which values exist (`values`), which moves are legal
(`lifecycles`), what a change is (`changes`), what a verdict is (`verdicts`), how a value is
written down so that its hash never depends on who wrote it (`canonical`), and how a refusal is
spelled (`errors`).
"""
