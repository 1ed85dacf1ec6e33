-- The Entra functions of an Azure server, with a copy of the tenant's directory in place of Microsoft Graph.
-- Documented at https://learn.microsoft.com/azure/postgresql/security/security-manage-entra-users

CREATE SCHEMA pgaadauth;

-- Everyone in the tenant, as Graph would answer.
CREATE TABLE pgaadauth.directory (
    oid  uuid PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('user', 'group', 'service'))
);

CREATE TABLE pgaadauth.members (
    group_oid  uuid NOT NULL REFERENCES pgaadauth.directory,
    member_oid uuid NOT NULL REFERENCES pgaadauth.directory,
    PRIMARY KEY (group_oid, member_oid)
);

-- The mapping. Azure keeps it in security labels on the roles, which need an extension in C.
CREATE TABLE pgaadauth.principals (
    role     oid PRIMARY KEY,
    oid      uuid NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('user', 'group', 'service')),
    is_admin boolean NOT NULL,
    is_mfa   boolean NOT NULL
);

CREATE ROLE azure_pg_admin NOLOGIN;
CREATE ROLE azure_ad_admin NOLOGIN IN ROLE azure_pg_admin;

-- Azure puts these functions where every search path finds them.
SET allow_system_table_mods = on;

CREATE FUNCTION pgaadauth.require_admin() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = session_user AND rolsuper)
       AND NOT EXISTS (
           SELECT FROM pgaadauth.principals p JOIN pg_roles r ON r.oid = p.role
           WHERE r.rolname = session_user AND p.is_admin)
    THEN
        RAISE EXCEPTION 'only Microsoft Entra administrators can manage Microsoft Entra principals'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;

CREATE FUNCTION pg_catalog.pgaadauth_create_principal_with_oid(
    rolename text, objectid text, objecttype text, isadmin boolean, ismfa boolean
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pgaadauth.require_admin();
    IF objecttype NOT IN ('user', 'group', 'service') THEN
        RAISE EXCEPTION 'object type "%" is none of user, group, service', objecttype;
    END IF;
    EXECUTE format('CREATE ROLE %I LOGIN', rolename);
    IF isadmin THEN
        EXECUTE format('ALTER ROLE %I CREATEROLE CREATEDB', rolename);
        EXECUTE format('GRANT azure_ad_admin TO %I', rolename);
    END IF;
    -- A row of a role dropped since may still hold the number.
    DELETE FROM pgaadauth.principals p WHERE p.role = (SELECT r.oid FROM pg_roles r WHERE r.rolname = rolename);
    INSERT INTO pgaadauth.principals
    SELECT r.oid, objectid::uuid, objecttype, isadmin, ismfa FROM pg_roles r WHERE r.rolname = rolename;
    RETURN format('Created role for %I', rolename);
END
$$;

CREATE FUNCTION pg_catalog.pgaadauth_create_principal(rolename text, isadmin boolean, ismfa boolean)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found pgaadauth.directory;
BEGIN
    PERFORM pgaadauth.require_admin();
    -- Graph compares names without regard to case; the role keeps the spelling it is created with.
    SELECT * INTO found FROM pgaadauth.directory d WHERE lower(d.name) = lower(rolename);
    IF found.oid IS NULL THEN
        RAISE EXCEPTION 'Could not validate AAD user "%" because its name is not found in the tenant.', rolename;
    END IF;
    RETURN pgaadauth_create_principal_with_oid(rolename, found.oid::text, found.kind, isadmin, ismfa);
END
$$;

-- The documentation names the columns rolename, principalType, objectId, tenantId, isMfa, isAdmin.
CREATE FUNCTION pg_catalog.pgaadauth_list_principals(isadmin boolean)
RETURNS TABLE (rolename text, principaltype text, objectid text, tenantid text, ismfa integer, isadmin integer)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.rolname::text, p.kind, p.oid::text, '@TENANT@', p.is_mfa::integer, p.is_admin::integer
    FROM pgaadauth.principals p JOIN pg_roles r ON r.oid = p.role
    WHERE p.is_admin OR NOT $1
    ORDER BY r.rolname
$$;

-- Azure runs it every 30 minutes where the server parameter pgaadauth.enable_group_sync is on.
CREATE FUNCTION pg_catalog.pgaadauth_sync_roles_for_group_members()
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    member record;
BEGIN
    PERFORM pgaadauth.require_admin();
    IF NOT coalesce(current_setting('pgaadauth.enable_group_sync', true), 'off')::boolean THEN
        RAISE EXCEPTION 'group synchronisation is off: set pgaadauth.enable_group_sync';
    END IF;
    FOR member IN
        SELECT g.rolname AS group_role, d.name, d.oid, d.kind
        FROM pgaadauth.principals p
        JOIN pg_roles g ON g.oid = p.role
        JOIN pgaadauth.members m ON m.group_oid = p.oid
        JOIN pgaadauth.directory d ON d.oid = m.member_oid
        WHERE p.kind = 'group'
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = member.name) THEN
            PERFORM pgaadauth_create_principal_with_oid(member.name, member.oid::text, member.kind, false, false);
        END IF;
        EXECUTE format('GRANT %I TO %I', member.group_role, member.name);
    END LOOP;
END
$$;

RESET allow_system_table_mods;

