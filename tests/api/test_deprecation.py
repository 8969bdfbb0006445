"""A call that will go says so in every answer, whatever it answers, and in the schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from governance.api.deprecation import deprecated
from governance.api.jobs import JobViewSet
from tests.api.conftest import ClientFor
from tests.api.support import API
from tests.support.cast import Cast
from tests.support.stories import pending_job

SINCE, SUNSET = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
LINK = "https://gov.example/docs/api#leaving-progress"


@pytest.fixture
def progress_will_go(monkeypatch: pytest.MonkeyPatch) -> None:
    progress: Any = JobViewSet.progress
    monkeypatch.setattr(progress, "deprecation", None, raising=False)
    deprecated(since=SINCE, sunset=SUNSET, link=LINK)(progress)


def test_call__that_will_go__says_so_in_every_answer(
    cast: Cast, client_for: ClientFor, progress_will_go: None
) -> None:
    job = pending_job(cast)
    for person, status in ((cast.viewer, 200), (cast.outsider, 403), (None, 401)):
        answer = client_for(person).get(f"{API}jobs/{job.pk}/progress/")
        assert answer.status_code == status
        assert answer["Deprecation"] == "@1798761600"
        assert answer["Sunset"] == "Sat, 01 Jan 2028 00:00:00 GMT"
        assert answer["Link"] == f'<{LINK}>; rel="deprecation", <{LINK}>; rel="sunset"'


def test_call__that_stays__says_nothing(
    cast: Cast, client_for: ClientFor, progress_will_go: None
) -> None:
    answer = client_for(cast.viewer).get(f"{API}jobs/{pending_job(cast).pk}/")
    assert answer.status_code == 200
    assert not {"Deprecation", "Sunset", "Link"} & set(answer.headers)


def test_schema__marks_what_will_go_and_nothing_else(db: None, progress_will_go: None) -> None:
    schema = SchemaGenerator().get_schema(public=True)
    marked = {
        operation["operationId"]
        for item in schema["paths"].values()
        for operation in item.values()
        if operation.get("deprecated")
    }
    assert marked == {"get_progress"}


def test_sunset__before_the_deprecation__is_refused() -> None:
    with pytest.raises(ValueError):
        deprecated(since=SUNSET, sunset=SUNSET - timedelta(days=1), link=LINK)
