"""The guards of the registry: a new name must not look like a registered one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q

from governance.domain.changes import Setting, keys_by_scope
from governance.domain.names import name_key, refuse_similar
from governance.domain.values import SYSTEM_SCOPE
from governance.models import Capability, ConfigurationEntry


def refuse_like_registered(
    names: Iterable[tuple[str, str]], settings: Iterable[Setting] = ()
) -> None:
    """Refuse the name of a capability or key that only looks like a registered one.

    Names that are registered exactly pass, and so do names like no registered one. One query for
    the names, and one for the settings if there are any.

    Args:
        names: pairs of a path and the name of a capability, or SYSTEM.

    Raises:
        SimilarNameError: with the path of the name, and the registered name.
    """
    names, settings = list(names), list(settings)
    keys = {name_key(name) for _, name in names}
    registered = Capability.objects.filter(name_key__in=keys).values_list("name", flat=True)
    refuse_similar(names, [SYSTEM_SCOPE, *registered])
    if not settings:
        return
    known = defaultdict(list)
    wanted = Q(
        scope__in={setting.scope for setting in settings},
        name_key__in={name_key(setting.key) for setting in settings},
    )
    for scope, key in ConfigurationEntry.objects.filter(wanted).values_list("scope", "key"):
        known[scope].append(key)
    for scope, pairs in keys_by_scope(settings).items():
        refuse_similar(pairs, known[scope])
