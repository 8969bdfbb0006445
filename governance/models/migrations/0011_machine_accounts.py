"""Make the accounts of the authorities themselves, with which nobody can log in."""

import sys
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import migrations, models

from governance.domain.names import name_key
from governance.domain.roles import MachineAccount
from governance.models.sql import InstallSql


def make_machine_accounts(apps: Any, schema_editor: Any) -> None:
    """Make an account for each authority; where its name is taken, under another name."""
    accounts = apps.get_model("governance", "Account").objects.using(schema_editor.connection.alias)
    for machine in MachineAccount:
        username = str(machine)
        while accounts.filter(username_key=name_key(username)).exists():
            username = f"govsite-{username}"
        accounts.create(username=username, machine=machine, password=make_password(None))
        if username != machine:
            sys.stderr.write(f"\n  the user name {machine} is taken: that account is {username}")


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0010_circuit_breakers"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="machine",
            field=models.CharField(editable=False, max_length=20, null=True, unique=True),
        ),
        migrations.RunPython(make_machine_accounts, migrations.RunPython.noop),
        InstallSql(["machine_accounts"]),
    ]
