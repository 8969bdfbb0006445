"""Fuzzing of the API by Schemathesis, with requests that its schema allows or forbids.

The database has contracts and jobs in every status (`world.py`). Each request is a transaction that
is rolled back (`rollback.py`), so that all requests find the same data. The suite sends
3 000 requests, most of them in `make test-long` (`test_fuzz.py`), `make fuzz` any number.
"""
