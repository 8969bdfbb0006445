"""Create the tables with their constraints and indexes, as makemigrations wrote them."""

import datetime

import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.indexes
import django.utils.timezone
import django_fsm
from django.db import migrations, models

import governance.models.constraints
import governance.models.contract_indexes
import governance.models.fields
from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        # The SQL functions that the search indexes call.
        InstallSql(["contract_words", "title_words"]),
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                (
                    "first_name",
                    models.CharField(blank=True, max_length=150, verbose_name="first name"),
                ),
                (
                    "last_name",
                    models.CharField(blank=True, max_length=150, verbose_name="last name"),
                ),
                (
                    "email",
                    models.EmailField(blank=True, max_length=254, verbose_name="email address"),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="date joined"
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "abstract": False,
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="SystemContract",
            fields=[
                ("updated_at", models.DateTimeField()),
                ("id", governance.models.fields.id_field()),
                ("reference", models.CharField(max_length=256)),
                ("source", governance.models.fields.ChoiceField()),
                ("title", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("requested_by", models.CharField(blank=True, max_length=200)),
                ("proposed_changes", models.JSONField()),
                ("affected_capabilities", governance.models.fields.names_field()),
                ("risk_level", governance.models.fields.ChoiceField()),
                ("validator_verdict", models.JSONField(null=True)),
                ("eligibility_verdict", models.JSONField(null=True)),
                ("confidence_score", models.FloatField(null=True)),
                ("eligibility_decision", models.CharField(max_length=10, null=True)),
                ("plan", models.JSONField()),
                ("proposal_digest", models.CharField(max_length=64)),
                ("content_digest", models.CharField(max_length=64, null=True)),
                ("status", governance.models.fields.StatusField(default="DRAFT")),
                ("audit_verdict", governance.models.fields.ChoiceField(default="PENDING")),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("review_ends_at", models.DateTimeField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("approved_digest", models.CharField(max_length=64, null=True)),
                ("approval_note", models.TextField(blank=True)),
                ("window_opens_at", models.DateTimeField(null=True)),
                ("window_closes_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_reason", models.TextField(blank=True)),
                ("approved_by", governance.models.fields.account_key(db_index=False, null=True)),
                ("closed_by", governance.models.fields.account_key(db_index=False, null=True)),
                (
                    "parent",
                    governance.models.fields.one_to_one_field(
                        db_constraint=False,
                        editable=False,
                        null=True,
                        related_name="successor",
                        to="governance.systemcontract",
                    ),
                ),
                ("proposed_by", governance.models.fields.account_key(db_index=False)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "permissions": [
                    ("import_contract", "Can propose contracts"),
                    ("review_contract", "Can approve and reject contracts"),
                    ("activate_contract", "Can activate approved contracts"),
                ],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["-created_at", "-id", "-updated_at"], name="contract_newest"
                    ),
                    models.Index(
                        fields=["updated_at", "id", "created_at"], name="contract_updated"
                    ),
                    models.Index(
                        fields=["status", "-created_at", "-id"], name="contract_by_status"
                    ),
                    models.Index(
                        fields=["status", "updated_at", "id"], name="contract_status_updated"
                    ),
                    models.Index(
                        fields=["risk_level", "created_at", "id"], name="contract_by_risk"
                    ),
                    models.Index(fields=["source", "created_at", "id"], name="contract_by_source"),
                    models.Index(
                        condition=models.Q(("status__in", ["DRAFT", "VALIDATED", "ELIGIBLE"])),
                        fields=["review_ends_at"],
                        name="contract_expiring",
                    ),
                    models.Index(
                        condition=models.Q(("status", "APPROVED")),
                        fields=["window_closes_at"],
                        name="contract_window_closing",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["affected_capabilities"], name="contract_capabilities"
                    ),
                    models.Index(
                        governance.models.contract_indexes.QueueRank(),
                        governance.models.contract_indexes.ReviewEnd(),
                        models.F("id"),
                        condition=models.Q(("status", "ELIGIBLE")),
                        name="contract_queue",
                    ),
                    models.Index(
                        models.F("source"),
                        governance.models.contract_indexes.QueueRank(),
                        governance.models.contract_indexes.ReviewEnd(),
                        models.F("id"),
                        condition=models.Q(("status", "ELIGIBLE")),
                        name="contract_queue_by_source",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        governance.models.contract_indexes.ContractWords(),
                        condition=models.Q(("status", "ELIGIBLE")),
                        name="contract_queue_words",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        governance.models.contract_indexes.TitleWords(), name="contract_title_words"
                    ),
                    models.Index(
                        fields=["proposed_by", "-created_at", "-id"], name="contract_proposed_by"
                    ),
                    governance.models.constraints.filled_index(
                        "approved_by",
                        fields=["approved_by", "-created_at", "-id"],
                        name="contract_approved_by",
                    ),
                    governance.models.constraints.filled_index(
                        "closed_by",
                        fields=["closed_by", "-created_at", "-id"],
                        name="contract_closed_by",
                    ),
                    models.Index(
                        condition=models.Q(("status", "ACTIVE")),
                        fields=["audit_verdict", "-created_at", "-id"],
                        name="contract_awaiting_verdict",
                    ),
                    governance.models.constraints.filled_index(
                        "approved_at", fields=["approved_at"], name="contract_approved"
                    ),
                    governance.models.constraints.filled_index(
                        "closed_at", fields=["status", "closed_at"], name="contract_closed"
                    ),
                ],
                "constraints": [
                    governance.models.constraints.closed_set(
                        "status",
                        [
                            "DRAFT",
                            "VALIDATED",
                            "ELIGIBLE",
                            "APPROVED",
                            "ACTIVE",
                            "COMPLETED",
                            "FAILED",
                            "REJECTED",
                            "EXPIRED",
                        ],
                        name="contract_status_known",
                    ),
                    governance.models.constraints.closed_set(
                        "risk_level",
                        ["critical", "high", "medium", "low"],
                        name="contract_risk_level_known",
                    ),
                    governance.models.constraints.closed_set(
                        "source",
                        ["crm_feedback", "support_ticket", "ops_alert", "manual", "integration"],
                        name="contract_source_known",
                    ),
                    models.UniqueConstraint(
                        fields=("reference", "proposal_digest"),
                        name="contract_proposed_once",
                        opclasses=["varchar_pattern_ops", "varchar_pattern_ops"],
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("parent__isnull", False)),
                        fields=("reference",),
                        name="contract_revision_named_once",
                    ),
                    governance.models.constraints.filled_when(
                        "status",
                        ["APPROVED", "ACTIVE", "COMPLETED", "FAILED"],
                        [
                            "approved_by",
                            "approved_at",
                            "approved_digest",
                            "window_opens_at",
                            "window_closes_at",
                        ],
                        name="contract_approved_has_approval",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["APPROVED", "ACTIVE", "COMPLETED", "FAILED"]),
                            models.Q(
                                ("approved_at__isnull", True),
                                ("approved_by__isnull", True),
                                ("window_opens_at", None),
                            ),
                            _connector="OR",
                        ),
                        name="contract_approval_only_by_approving",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("approved_by", models.F("proposed_by")), _negated=True),
                        name="contract_four_eyes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_digest", None),
                            ("approved_digest", models.F("content_digest")),
                            _connector="OR",
                        ),
                        name="contract_approves_its_content",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("window_opens_at", None),
                            models.Q(
                                ("window_closes_at__gt", models.F("window_opens_at")),
                                (
                                    "window_closes_at__lte",
                                    models.F("window_opens_at") + datetime.timedelta(days=7),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="contract_window_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "COMPLETED"), _negated=True),
                            ("audit_verdict", "PASS"),
                            _connector="OR",
                        ),
                        name="contract_completed_has_pass",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("audit_verdict", "PENDING"),
                            models.Q(("audit_verdict", "PASS"), ("status", "COMPLETED")),
                            models.Q(("audit_verdict", "FAIL"), ("status", "FAILED")),
                            models.Q(("audit_verdict", "INCONCLUSIVE"), ("status", "ACTIVE")),
                            _connector="OR",
                        ),
                        name="contract_verdict_fits_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confidence_score", None),
                            models.Q(("confidence_score__gte", 0), ("confidence_score__lte", 1)),
                            _connector="OR",
                        ),
                        name="contract_confidence_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "status__in",
                                    ["ELIGIBLE", "APPROVED", "ACTIVE", "COMPLETED", "FAILED"],
                                ),
                                _negated=True,
                            ),
                            models.Q(
                                ("eligibility_decision", "MAY"),
                                ("eligibility_decision__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="contract_eligible_means_may",
                    ),
                    governance.models.constraints.filled_when(
                        "status",
                        ["ELIGIBLE", "APPROVED", "ACTIVE", "COMPLETED", "FAILED"],
                        [
                            "content_digest",
                            "validator_verdict",
                            "eligibility_verdict",
                            "confidence_score",
                        ],
                        name="contract_eligible_has_content",
                    ),
                    governance.models.constraints.filled_only_when(
                        "status",
                        ["COMPLETED", "EXPIRED", "FAILED", "REJECTED"],
                        ["closed_at"],
                        name="contract_closed_means_terminal",
                        unset={"closed_by": None, "closed_reason": ""},
                    ),
                ],
            },
            bases=(django_fsm.ConcurrentTransitionMixin, models.Model),
        ),
        migrations.CreateModel(
            name="Capability",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200, unique=True)),
                ("lifecycle", governance.models.fields.ChoiceField(default="DISABLED")),
                ("frozen", models.BooleanField(default=False)),
                ("title", models.CharField(blank=True, max_length=500)),
                ("owner", models.CharField(blank=True, max_length=200)),
                ("components", governance.models.fields.names_field(default=list)),
                ("proposal", models.CharField(blank=True, max_length=200)),
                ("stages", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name_plural": "capabilities",
                "ordering": ["name"],
                "default_permissions": ("view",),
                "constraints": [
                    governance.models.constraints.closed_set(
                        "lifecycle",
                        ["DISABLED", "PREVIEW", "LAUNCHED", "DEPRECATED"],
                        name="capability_lifecycle_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConfigurationEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("scope", models.CharField(max_length=200)),
                ("key", models.CharField(max_length=200)),
                ("value", models.JSONField()),
            ],
            options={
                "verbose_name_plural": "configuration entries",
                "ordering": ["scope", "key"],
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(fields=("scope", "key"), name="one_value_per_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="ContractTombstone",
            fields=[
                ("contract_id", models.UUIDField(primary_key=True, serialize=False)),
                ("reference", models.CharField(max_length=256)),
                ("proposal_digest", models.CharField(max_length=64)),
                ("parent_id", models.UUIDField(null=True)),
                ("status", governance.models.fields.ChoiceField()),
                ("entries", models.PositiveIntegerField()),
                ("head_sha256", models.CharField(max_length=64)),
                ("file_sha256", models.CharField(max_length=64)),
                ("archived_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField()),
                ("removed_by", models.CharField(max_length=63)),
                ("transaction_id", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    governance.models.constraints.filled_index(
                        "parent_id", fields=["parent_id"], name="tombstone_of_successor"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("reference", "proposal_digest"), name="tombstone_of_one_proposal"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="GovernanceJob",
            fields=[
                ("updated_at", models.DateTimeField()),
                ("id", governance.models.fields.id_field()),
                ("status", governance.models.fields.StatusField(default="PENDING")),
                ("total_steps", models.PositiveIntegerField()),
                ("current_step_index", models.PositiveIntegerField(default=0)),
                ("timeout_minutes", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("deadline_at", models.DateTimeField(null=True)),
                ("lease_expires_at", models.DateTimeField(null=True)),
                ("execution_token_sha256", models.CharField(max_length=64, null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("end_reason", models.TextField(blank=True)),
                ("created_by", governance.models.fields.account_key(db_index=False)),
                ("ended_by", governance.models.fields.account_key(db_index=False, null=True)),
                ("started_by", governance.models.fields.account_key(db_index=False, null=True)),
                (
                    "contract",
                    governance.models.fields.one_to_one_field(
                        related_name="job", to="governance.systemcontract"
                    ),
                ),
            ],
            options={
                "verbose_name": "job",
                "ordering": ["-created_at", "-id"],
                "permissions": [
                    ("execute_job", "Can claim, start, report and complete jobs"),
                    ("cancel_job", "Can cancel jobs and end those that timed out"),
                ],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["-created_at", "-id", "-updated_at"], name="job_newest"),
                    models.Index(fields=["updated_at", "id", "created_at"], name="job_updated"),
                    models.Index(fields=["status", "-created_at", "-id"], name="job_by_status"),
                    models.Index(fields=["status", "updated_at", "id"], name="job_status_updated"),
                    models.Index(
                        condition=models.Q(("status", "PENDING")),
                        fields=["created_at", "id"],
                        name="job_claimable",
                    ),
                    models.Index(
                        condition=models.Q(("status", "RUNNING")),
                        fields=["lease_expires_at"],
                        name="job_running_lease",
                    ),
                    models.Index(
                        fields=["created_by", "-created_at", "-id"], name="job_created_by"
                    ),
                    governance.models.constraints.filled_index(
                        "started_by",
                        fields=["started_by", "-created_at", "-id"],
                        name="job_started_by",
                    ),
                    governance.models.constraints.filled_index(
                        "ended_by", fields=["ended_by", "-created_at", "-id"], name="job_ended_by"
                    ),
                    governance.models.constraints.filled_index(
                        "ended_at", fields=["status", "ended_at"], name="job_ended"
                    ),
                ],
                "constraints": [
                    governance.models.constraints.closed_set(
                        "status",
                        ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"],
                        name="job_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("total_steps__gte", 1)), name="job_has_steps"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("timeout_minutes__gte", 1), ("timeout_minutes__lte", 1440)
                        ),
                        name="job_timeout_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("current_step_index__lte", models.F("total_steps"))),
                        name="job_cursor_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "PENDING"), _negated=True),
                            models.Q(("current_step_index", 0), ("started_at", None)),
                            _connector="OR",
                        ),
                        name="job_pending_has_not_started",
                    ),
                    governance.models.constraints.filled_when(
                        "status",
                        ["RUNNING", "COMPLETED", "FAILED"],
                        ["started_at", "started_by", "deadline_at", "execution_token_sha256"],
                        name="job_running_has_started",
                    ),
                    governance.models.constraints.filled_only_when(
                        "status", ["RUNNING"], ["lease_expires_at"], name="job_running_holds_lease"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("lease_expires_at__lte", models.F("deadline_at"))),
                        name="job_lease_in_deadline",
                    ),
                    governance.models.constraints.filled_only_when(
                        "status",
                        ["CANCELLED", "COMPLETED", "FAILED"],
                        ["ended_at", "ended_by"],
                        name="job_ended_means_terminal",
                    ),
                ],
            },
            bases=(django_fsm.ConcurrentTransitionMixin, models.Model),
        ),
        migrations.CreateModel(
            name="GovernanceAudit",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("verdict", governance.models.fields.ChoiceField()),
                ("reason", models.TextField()),
                ("checks", models.JSONField(default=list)),
                ("evidence_sha256", models.CharField(max_length=64)),
                ("recorded_at", models.DateTimeField()),
                ("author", governance.models.fields.account_key()),
                (
                    "job",
                    governance.models.fields.one_to_one_field(
                        "governance.governancejob", related_name="audit"
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("record_verdict", "Can give a verdict on a job"),
                    ("resolve_audit", "Can settle an inconclusive audit"),
                ],
                "default_permissions": ("view",),
                "constraints": [
                    governance.models.constraints.closed_set(
                        "verdict", ["PASS", "FAIL", "INCONCLUSIVE"], name="audit_verdict_given"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEvidence",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("body", models.TextField()),
                ("sha256", models.CharField(max_length=64)),
                ("collected_at", models.DateTimeField()),
                (
                    "job",
                    governance.models.fields.one_to_one_field(
                        "governance.governancejob", related_name="evidence"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit evidence",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="GovernanceSignal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("scope", models.CharField(max_length=200)),
                ("signal_type", models.CharField(max_length=100)),
                ("decision", governance.models.fields.ChoiceField()),
                ("reason", models.TextField(blank=True)),
                ("recorded_at", models.DateTimeField()),
                ("superseded_at", models.DateTimeField(null=True)),
                ("recorded_by", governance.models.fields.account_key()),
            ],
            options={
                "verbose_name": "health signal",
                "ordering": ["-recorded_at", "-id"],
                "permissions": [("record_signal", "Can record health signals")],
                "default_permissions": ("view",),
                "constraints": [
                    governance.models.constraints.closed_set(
                        "decision", ["HEALTHY", "DEGRADED", "BLOCKED"], name="signal_decision_known"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("superseded_at", None)),
                        fields=("scope", "signal_type"),
                        name="signal_one_active",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HealthSnapshot",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("phase", governance.models.fields.ChoiceField()),
                ("reading", models.JSONField()),
                ("observed_at", models.DateTimeField()),
                (
                    "job",
                    governance.models.fields.job_key(db_index=False, related_name="snapshots"),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "constraints": [
                    governance.models.constraints.closed_set(
                        "phase", ["BEFORE", "AFTER"], name="snapshot_phase_known"
                    ),
                    models.UniqueConstraint(
                        fields=("job", "phase"), name="snapshot_once_per_phase"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("key_sha256", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("request_sha256", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("sealed_answer", models.BinaryField(null=True)),
                ("kept_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["kept_at"], name="idempotency_oldest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("sealed_answer", None), ("status", None)),
                            models.Q(("sealed_answer__isnull", False), ("status__isnull", False)),
                            _connector="OR",
                        ),
                        name="idempotency_response_complete",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="JobStep",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("step_index", models.PositiveIntegerField()),
                ("step_type", models.CharField(max_length=50)),
                ("target", models.CharField(max_length=200)),
                ("change", models.JSONField()),
                ("timeout_seconds", models.PositiveIntegerField()),
                ("rollback_action", models.JSONField(null=True)),
                ("job", governance.models.fields.job_key(db_index=False, related_name="steps")),
            ],
            options={
                "ordering": ["job", "step_index"],
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(fields=("job", "step_index"), name="step_index_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ChangeFreeze",
            fields=[
                ("id", governance.models.fields.id_field()),
                ("reason", models.TextField()),
                ("started_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("started_by", governance.models.fields.account_key()),
            ],
            options={
                "verbose_name": "change freeze",
                "verbose_name_plural": "change freezes",
                "ordering": ["-started_at", "-id"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["ends_at"], name="change_freeze_end")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at__gt", models.F("started_at")),
                            (
                                "ends_at__lte",
                                models.F("started_at") + datetime.timedelta(days=7),
                            ),
                        ),
                        name="change_freeze_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason__regex", "\\S")),
                        name="change_freeze_has_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FreezeLift",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reason", models.TextField()),
                ("lifted_at", models.DateTimeField()),
                (
                    "freeze",
                    governance.models.fields.one_to_one_field(
                        related_name="lift", to="governance.changefreeze"
                    ),
                ),
                ("lifted_by", governance.models.fields.account_key()),
            ],
            options={
                "verbose_name": "freeze lift",
                "verbose_name_plural": "freeze lifts",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason__regex", "\\S")), name="freeze_lift_has_reason"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StepResult",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("step_index", models.PositiveIntegerField()),
                ("status", governance.models.fields.ChoiceField()),
                ("started_at", models.DateTimeField()),
                ("completed_at", models.DateTimeField()),
                ("output", models.JSONField(null=True)),
                ("error", models.TextField(blank=True)),
                ("health_after", models.JSONField(null=True)),
                ("recorded_at", models.DateTimeField()),
                ("job", governance.models.fields.job_key(db_index=False, related_name="results")),
                ("recorded_by", governance.models.fields.account_key(db_index=False)),
            ],
            options={
                "ordering": ["job", "step_index"],
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("job", "step_index"), name="result_once_per_step"
                    ),
                    governance.models.constraints.closed_set(
                        "status", ["COMPLETED", "FAILED"], name="result_completed_or_failed"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("completed_at__gte", models.F("started_at"))),
                        name="result_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("seq", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=200)),
                ("event", models.CharField(max_length=100)),
                ("from_status", models.CharField(blank=True, max_length=20)),
                ("to_status", models.CharField(blank=True, max_length=20)),
                ("reason", models.TextField(blank=True)),
                ("step_index", models.PositiveIntegerField(null=True)),
                ("body", models.TextField()),
                ("prev_hash", models.BinaryField()),
                ("hash", models.BinaryField()),
                (
                    "contract",
                    governance.models.fields.contract_key(
                        db_index=False, related_name="ledger_entries"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "ledger entries",
                "ordering": ["contract", "seq"],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("to_status", ""), _negated=True),
                        fields=["contract", "seq"],
                        name="ledger_status_entries",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("contract", "seq"), name="ledger_seq_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("step_index__isnull", False)),
                        fields=("contract", "step_index"),
                        name="ledger_one_entry_per_step",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ContractComment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("text", models.TextField()),
                ("at", models.DateTimeField()),
                ("by", governance.models.fields.account_key()),
                ("contract", governance.models.fields.contract_key(related_name="comments")),
            ],
            options={
                "ordering": ["at", "id"],
                "default_permissions": (),
                "constraints": [
                    governance.models.constraints.not_empty("text", name="comment_text_not_empty")
                ],
            },
        ),
        migrations.CreateModel(
            name="ClarificationRequest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("question", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("asked_by", governance.models.fields.account_key()),
                (
                    "contract",
                    governance.models.fields.contract_key(related_name="clarifications"),
                ),
            ],
            options={
                "ordering": ["number"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("contract", "number"), name="clarification_numbered_once"
                    ),
                    governance.models.constraints.not_empty(
                        "question", name="clarification_question_not_empty"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalSignature",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("signed_at", models.DateTimeField()),
                ("note", models.TextField(blank=True)),
                ("window_opens_at", models.DateTimeField()),
                ("window_closes_at", models.DateTimeField()),
                ("content_digest", models.CharField(max_length=64)),
                ("view_digest", models.CharField(max_length=64)),
                ("view", models.TextField()),
                ("shown", models.TextField()),
                ("quorum", models.PositiveIntegerField()),
                ("founder", governance.models.fields.account_key()),
                (
                    "contract",
                    governance.models.fields.contract_key(
                        db_index=False, related_name="signatures"
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("contract", "number"), name="signature_numbered_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("window_closes_at__gt", models.F("window_opens_at")),
                            ("window_closes_at__gte", models.F("signed_at")),
                            (
                                "window_closes_at__lte",
                                models.F("window_opens_at") + datetime.timedelta(days=7),
                            ),
                        ),
                        name="signature_window_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quorum__gte", 1)), name="signature_quorum_in_bounds"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("token_key", models.CharField(db_index=True, max_length=15)),
                ("expiry", models.DateTimeField(null=True)),
                ("id", governance.models.fields.id_field()),
                ("digest", models.CharField(max_length=128)),
                ("created", models.DateTimeField(default=django.utils.timezone.now)),
                ("name", models.CharField(blank=True, max_length=100)),
                ("verbs", governance.models.fields.names_field(max_length=100, null=True)),
                ("capabilities", governance.models.fields.names_field(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_reason", models.TextField(blank=True)),
                ("issued_by", governance.models.fields.account_key(null=True)),
                ("revoked_by", governance.models.fields.account_key(null=True)),
                (
                    "rotated_from",
                    governance.models.fields.one_to_one_field(
                        editable=False,
                        null=True,
                        related_name="successor",
                        to="governance.apitoken",
                    ),
                ),
                ("user", governance.models.fields.account_key()),
            ],
            options={
                "verbose_name": "API token",
                "ordering": ["-created", "-id"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("digest",), name="token_digest_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("verbs", None), models.Q(("verbs", []), _negated=True), _connector="OR"
                        ),
                        name="token_verbs_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("capabilities", None),
                            models.Q(("capabilities", []), _negated=True),
                            _connector="OR",
                        ),
                        name="token_capabilities_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("revoked_at", None), ("revoked_by", None), ("revoked_reason", "")
                            ),
                            models.Q(("revoked_at__isnull", False), ("revoked_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="token_revocation_complete",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClarificationAnswer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("answer", models.TextField()),
                ("answered_at", models.DateTimeField()),
                ("answered_by", governance.models.fields.account_key()),
                (
                    "request",
                    governance.models.fields.one_to_one_field(
                        related_name="answer", to="governance.clarificationrequest"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    governance.models.constraints.not_empty(
                        "answer", name="clarification_answer_not_empty"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditResolution",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("verdict", governance.models.fields.ChoiceField()),
                ("reason", models.TextField()),
                ("resolved_at", models.DateTimeField()),
                ("resolved_by", governance.models.fields.account_key()),
                (
                    "audit",
                    governance.models.fields.one_to_one_field(
                        related_name="resolution", to="governance.governanceaudit"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "constraints": [
                    governance.models.constraints.closed_set(
                        "verdict", ["PASS", "FAIL"], name="resolution_pass_or_fail"
                    )
                ],
            },
        ),
    ]
