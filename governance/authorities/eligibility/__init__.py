"""Eligibility: whether a report MAY or MAY_NOT become a contract; nobody can override MAY_NOT.

It reads a snapshot, a value that a flow passes in, and writes nothing. It knows the domain alone:
the same snapshot and the same thresholds give the same verdict, always and everywhere. It refuses
what one of its eleven rules refuses, and a report that it was asked no rule about.
"""
