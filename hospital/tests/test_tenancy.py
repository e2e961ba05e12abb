import pytest
from django.db import connection, transaction
from django.utils import timezone

from hospital.context import ForeignTenant, NoTenant
from hospital.models import AuditEntry, Counter, Membership, Role
from hospital.tenancy import across_tenants, acting_for


def test_no_row_is_read_or_written_without_a_tenant(alpha):
    with pytest.raises(NoTenant):
        Role.objects.all()
    with pytest.raises(NoTenant):
        Role(key="x").save()


def test_a_hospital_sees_only_its_own_roles(alpha, beta):
    with alpha.acting():
        assert set(Role.objects.values_list("tenant_id", flat=True)) == {alpha.tenant.pk}


def test_a_row_of_one_hospital_is_not_saved_in_another(alpha, beta):
    with beta.acting():
        foreign = Role.objects.first()
    with alpha.acting(), pytest.raises(ForeignTenant):
        foreign.save()


def test_the_database_hides_foreign_rows_when_the_application_does_not(alpha, beta):
    with alpha.acting(), across_tenants("test of the second fence"):
        assert set(Role.objects.values_list("tenant_id", flat=True)) == {alpha.tenant.pk}


def test_outside_a_tenant_the_database_shows_nothing(alpha):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM hospital_role")
        assert cursor.fetchone() == (0,)


def test_the_tenant_survives_a_rolled_back_savepoint_and_ends_with_the_block(alpha, beta):
    with alpha.acting():
        with pytest.raises(ZeroDivisionError), acting_for(beta.tenant):
            raise ZeroDivisionError
        assert Role.objects.count() == 8
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant', true)")
        assert cursor.fetchone()[0] in (None, "")


def test_numbers_have_no_gap_after_a_rollback(alpha):
    with alpha.acting():
        assert Counter.take("visit") == 1
    with pytest.raises(ZeroDivisionError), alpha.acting():
        Counter.take("visit")
        raise ZeroDivisionError
    with alpha.acting():
        assert Counter.take("visit") == 2


def test_each_change_leaves_a_line_with_who_and_what(alpha):
    reception = alpha.reception
    with alpha.acting("admin"):
        membership = Membership.objects.get(person=reception)
        membership.end()
        line = AuditEntry.objects.filter(table="hospital_membership", row_id=membership.pk).first()
    assert (line.action, line.person_id, line.role) == ("update", alpha.admin.pk, "admin")
    assert line.before["is_active"] is True and line.after["is_active"] is False


def test_inside_a_tenant_times_are_those_of_its_wall_clock(alpha, beta):
    alpha.tenant.time_zone, beta.tenant.time_zone = "Asia/Kolkata", "America/New_York"
    with alpha.acting():
        with beta.acting():
            assert timezone.get_current_timezone_name() == "America/New_York"
        assert timezone.get_current_timezone_name() == "Asia/Kolkata"
    assert timezone.get_current_timezone_name() == "UTC"
