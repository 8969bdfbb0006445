"""Install the SQL functions and the database guards of governance/models/sql/."""

from django.db import migrations

from governance.models.sql import InstallSql

# Without these statistics the planner does not know how common a word is: the search index covers
# only the contracts in the review queue.
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
