"""The settings of Django REST framework, and of the schema that drf-spectacular makes."""

from __future__ import annotations

from pathlib import Path

DESCRIPTION = Path(__file__).parent.parent / "governance/api/description.md"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["governance.api.authentication.ApiTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["governance.api.permissions.ActionPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["governance.api.throttles.TokenThrottle"],
    "DEFAULT_PARSER_CLASSES": ["governance.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["governance.api.filters.DeclaredFilters"],
    "DEFAULT_PAGINATION_CLASS": "governance.api.pagination.TimePagination",
    "DEFAULT_SCHEMA_CLASS": "governance.api.schema.ProblemAwareSchema",
    "EXCEPTION_HANDLER": "governance.api.problems.problem_response",
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "govsite",
    "DESCRIPTION": DESCRIPTION.read_text(encoding="utf-8"),
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVERS": [{"url": "/"}],
    "TAGS": [
        {"name": "contracts", "description": "What was proposed, signed and recorded."},
        {"name": "jobs", "description": "What is executed, from claim to verdict."},
        {"name": "freezes", "description": "Whether anything may be activated or started."},
    ],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "governance.api.openapi.complete_schema",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # By default the page would send the schema to a validator on another host.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_AUTHENTICATION": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "ContractStatus": "governance.domain.values.ContractStatus",
        "JobStatus": "governance.domain.values.JobStatus",
        "JobRunner": ["client", "worker"],
        "StepStatus": "governance.domain.values.StepStatus",
        "ReportedStatus": "governance.api.request_bodies.REPORTED_STATUSES",
        "AuditVerdict": "governance.domain.values.AuditVerdict",
        "GivenVerdict": "governance.api.request_bodies.GIVEN_VERDICTS",
        "ResolvingVerdict": ["PASS", "FAIL"],
        "ApprovalKind": ["signed", "pre_authorised"],
        "RiskLevel": "governance.api.schema.RISK_LEVELS",
        "Source": "governance.api.schema.SOURCES",
        "ObservationPhase": "governance.domain.observations.ObservationPhase",
        "TargetLifecycle": ["PREVIEW", "LAUNCHED", "DEPRECATED"],
    },
}
