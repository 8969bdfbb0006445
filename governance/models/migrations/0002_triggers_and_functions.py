"""PostgreSQL's own guards, and the functions that write; governance/models/sql/ holds them."""

from django.db import migrations

from governance.models.sql import InstallSql

# How common a word is, the planner cannot know from an index of some rows alone.
WORDS_IN_COMMON = """
    CREATE STATISTICS governance_contract_words_common
        ON (governance_contract_words(title::text, description, affected_capabilities::text[]))
        FROM governance_systemcontract
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_tables")]

    operations = [
        InstallSql(),
        migrations.RunSQL(WORDS_IN_COMMON, "DROP STATISTICS governance_contract_words_common"),
    ]
