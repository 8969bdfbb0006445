"""Response serializers, which are read-only; `request_bodies.py` has those of request bodies."""
