"""What the database does when something changes that decides what a person may do: by a page, by `QuerySet.update` or by hand.

It writes an AuthChange and wakes who listens. Read by realtime/revocation.py.
"""

CHANNEL = "hospital_auth"
EVERYBODY = "00000000-0000-0000-0000-000000000000"

# One row for a subject and transaction, however many rows change in it. The definer is the owner: the application
# itself has no right to write the table.
CHANGED = """
CREATE FUNCTION auth_changed(subject uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO hospital_authchange (xact, subject) VALUES (pg_current_xact_id()::text::bigint, $1)
        ON CONFLICT (xact, subject) DO NOTHING;
    SELECT pg_notify('hospital_auth', '');
$$
"""

# The trigger's argument is the column that names the subject. Where a row goes from one to another, both are told.
ROW = """
CREATE FUNCTION auth_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    was text; now_is text;
BEGIN
    IF tg_op <> 'INSERT' THEN was := to_jsonb(old) ->> tg_argv[0]; END IF;
    IF tg_op <> 'DELETE' THEN now_is := to_jsonb(new) ->> tg_argv[0]; END IF;
    PERFORM auth_changed(one::uuid) FROM (VALUES (was), (now_is)) AS subject (one) WHERE one ~ '^[0-9a-f-]{36}$';
    RETURN NULL;
END $$
"""

ALL = f"""
CREATE FUNCTION auth_all() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM auth_changed('{EVERYBODY}');
    RETURN NULL;
END $$
"""

# Whoever gains or loses a second factor is logged out everywhere: the sessions' hash counts these changes.
FACTOR = """
CREATE FUNCTION auth_factor() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE hospital_person SET credentials = credentials + 1
        WHERE id IN (CASE WHEN tg_op <> 'INSERT' THEN old.user_id END, CASE WHEN tg_op <> 'DELETE' THEN new.user_id END);
    RETURN NULL;
END $$
"""


def trigger(table: str, events: str, work: str, *, when: str = "", each: str = "ROW", name: str = "auth") -> str:
    condition = f" WHEN ({when})" if when else ""
    return f"CREATE TRIGGER {name} AFTER {events} ON {table} FOR EACH {each}{condition} EXECUTE FUNCTION {work}"


def differs(*columns: str) -> str:
    return " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in columns)


ANY = "INSERT OR UPDATE OR DELETE"
TRIGGERS = [
    trigger("hospital_person", "UPDATE", "auth_row('id')", when=differs("password", "is_active", "credentials")),
    trigger("hospital_person", "DELETE", "auth_row('id')", name="auth_gone"),
    trigger("hospital_membership", ANY, "auth_row('person_id')"),
    trigger("hospital_role", ANY, "auth_row('tenant_id')"),
    trigger("hospital_tenant", "UPDATE", "auth_row('id')", when=differs("is_active", "slug")),
    # Permissions of a role are grants to its group on its tenant; other grants give no right here.
    trigger("guardian_groupobjectpermission", ANY, "auth_row('object_pk')"),
    # Becoming active prolongs a session; only what ends it sooner, or changes whose it is and how they act, counts.
    trigger(
        "hospital_session",
        "UPDATE",
        "auth_row('person_id')",
        when=f"new.expire_date < old.expire_date OR {differs('session_data', 'person_id', 'session_key')}",
    ),
    trigger("hospital_session", "DELETE", "auth_row('person_id')", name="auth_gone"),
    trigger("mfa_authenticator", "INSERT OR DELETE OR UPDATE OF user_id, type", "auth_factor()"),
    *[
        trigger(table, "TRUNCATE", "auth_all()", each="STATEMENT", name="auth_emptied")
        for table in (
            "hospital_person",
            "hospital_membership",
            "hospital_role",
            "guardian_groupobjectpermission",
            "hospital_session",
        )
    ],
]
STATEMENTS = [CHANGED, ROW, ALL, FACTOR, *TRIGGERS]

# While the table still tells who had a factor.
FACTORS_GONE = """
CREATE FUNCTION auth_factors_gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE hospital_person SET credentials = credentials + 1 WHERE id IN (SELECT user_id FROM mfa_authenticator);
    RETURN NULL;
END $$
"""
# A trigger runs its function whoever may execute it; what a function of the owner calls, the owner may.
FUNCTIONS = ("auth_changed(uuid)", "auth_row()", "auth_all()", "auth_factor()", "auth_factors_gone()")
CLOSE = [
    FACTORS_GONE,
    "CREATE TRIGGER auth_emptied BEFORE TRUNCATE ON mfa_authenticator FOR EACH STATEMENT EXECUTE FUNCTION auth_factors_gone()",
    trigger("hospital_tenant", "TRUNCATE", "auth_all()", each="STATEMENT", name="auth_emptied"),
    *[f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC" for function in FUNCTIONS],
]
