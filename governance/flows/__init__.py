"""Flows: functions that call the authorities in order, one for each thing that can happen.

A flow reads what must be known before the transaction opens (health, the registry, the active
change freeze), and passes it to the authority that decides. Where two authorities take part in one
change, the flow opens the transaction and locks the contract. A flow decides nothing itself and
owns no table. The API, the admin and the commands call flows.
"""
