"""The observers: they read what a scope of the platform really holds, and change nothing.

An observer is named by the route that serves a step (`observer`). It is no handler: the executor
does not call it, and the auditor trusts it instead of the executor's word.
"""
