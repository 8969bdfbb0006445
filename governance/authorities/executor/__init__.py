"""The executor: runs the steps of one job in their order, and stops at the first failure.

It reads a plan, health through a question that its driver answers, and the lease through its
reporter. It writes nothing itself: a handler changes the platform, and the reporter records what
happened. It refuses a plan without steps or out of order, begins no step while health is BLOCKED or
unknown, repeats no step, and decides nothing. It knows only the domain, so that a worker and a
client of the API drive the same machine.
"""
