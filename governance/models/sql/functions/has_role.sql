-- SIGN and AUDIT: whether an account is active and in the group of a role. Only the membership
-- counts: a superuser outside the group, or an account with a permission of its own, has no role.
CREATE OR REPLACE FUNCTION governance_has_role(account bigint, role text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = @schema@, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM governance_account person
          JOIN governance_account_groups member ON member.account_id = person.id
          JOIN auth_group team ON team.id = member.group_id
         WHERE person.id = account AND person.is_active AND team.name = role);
END $$;

CREATE OR REPLACE FUNCTION governance_require_founder(account bigint) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT governance_has_role(account, 'Founder') THEN
        PERFORM governance_refuse('founder_decides',
            'Only an active member of the Founder group can decide this.');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION governance_require_auditor(account bigint) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    IF NOT governance_has_role(account, 'Auditor') THEN
        PERFORM governance_refuse('auditor_judges',
            'Only an active member of the Auditor group can give or resolve a verdict.');
    END IF;
END $$;
