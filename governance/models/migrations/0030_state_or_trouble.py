"""Hold that an observation without a state has SQL's NULL there, and not JSON's null."""

from django.db import migrations, models
from django.db.models import Q


def either_state_or_trouble(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(state__isnull=False, trouble="") | Q(state__isnull=True) & ~Q(trouble=""),
        name=name,
    )


class Migration(migrations.Migration):
    dependencies = [("governance", "0029_eligible_verdict_says_may")]

    operations = [
        migrations.RemoveConstraint("observation", "observation_state_or_trouble"),
        migrations.AddConstraint(
            "observation", either_state_or_trouble("observation_state_or_trouble")
        ),
        migrations.RemoveConstraint("observedstate", "observed_state_or_trouble"),
        migrations.AddConstraint(
            "observedstate", either_state_or_trouble("observed_state_or_trouble")
        ),
    ]
