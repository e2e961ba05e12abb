"""Who signs may sign here: by the permissions of the roles that they hold, as the database itself reads them. Run by 0025."""

SIGNER_GUARD = """
CREATE FUNCTION may_here(tenant uuid, person uuid, permission text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM hospital_membership m
        JOIN hospital_role r ON r.tenant_id = m.tenant_id AND r.id = m.role_id
        JOIN guardian_groupobjectpermission held ON held.group_id = r.group_id AND held.object_pk = tenant::text
        JOIN auth_permission p ON p.id = held.permission_id
        JOIN django_content_type kind ON kind.id = held.content_type_id
        WHERE m.tenant_id = tenant AND m.person_id = person AND m.is_active
          AND p.codename = permission AND (kind.app_label, kind.model) = ('hospital', 'tenant')
    )
$$;

CREATE FUNCTION signer_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT may_here(new.tenant_id, new.signer_id, CASE new.meaning WHEN 'author' THEN 'clinical.sign_note' ELSE 'clinical.cosign_note' END) THEN
        PERFORM forged('none of their roles may sign');
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER signer_guard BEFORE INSERT ON clinical_signature FOR EACH ROW EXECUTE FUNCTION signer_guard();
"""
SIGNER_GUARD_UNDO = """
DROP TRIGGER signer_guard ON clinical_signature;
DROP FUNCTION signer_guard();
DROP FUNCTION may_here(uuid, uuid, text);
"""
