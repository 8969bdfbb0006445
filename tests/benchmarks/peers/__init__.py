"""Others who keep a process of several steps in PostgreSQL, each in processes of its own.

They come with requirements-bench.txt and are asked for nothing but this comparison. As an app of
Django's, this package is where django-viewflow finds its flow.
"""
