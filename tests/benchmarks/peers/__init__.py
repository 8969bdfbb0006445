"""Other programs that store a process of several steps in PostgreSQL, for comparison only.

They are in requirements-bench.txt, and each runs in processes of its own. This package is also the
Django app in which django-viewflow finds its flow.
"""
