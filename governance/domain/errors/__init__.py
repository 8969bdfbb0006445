"""Every error of govsite, declared once: class, code, HTTP status, meaning and advice.

`base.py` has the base class and the families, the other modules the errors of one subject each, and
`governance/api/errors.py` those that only an HTTP request can cause. docs/errors.md, the errors in
the API's schema and the translation of PostgreSQL's errors are made from these classes.
"""

from governance.domain.errors.access import *  # noqa: F403
from governance.domain.errors.activation import *  # noqa: F403
from governance.domain.errors.base import *  # noqa: F403
from governance.domain.errors.commands import *  # noqa: F403
from governance.domain.errors.contracts import *  # noqa: F403
from governance.domain.errors.jobs import *  # noqa: F403
from governance.domain.errors.records import *  # noqa: F403
from governance.domain.errors.requests import *  # noqa: F403
