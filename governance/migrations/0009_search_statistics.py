"""Let the planner know how common a word is: the index of the queue's search is partial, and
PostgreSQL takes no statistics from a partial index for the table's own estimates.
"""

from django.db import migrations

CREATE = """
    CREATE STATISTICS governance_contract_words_common
        ON (governance_contract_words(title::text, description, affected_capabilities::text[]))
        FROM governance_systemcontract;
    ANALYZE governance_systemcontract;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0006_clarifications")]

    operations = [
        migrations.RunSQL(CREATE, reverse_sql="DROP STATISTICS governance_contract_words_common")
    ]
