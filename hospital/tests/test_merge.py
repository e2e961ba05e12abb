from concurrent.futures import ThreadPoolExecutor

import pytest
from django import forms
from django.db import connection

from hospital.merge import MergeForm
from hospital.models import Role


class EditRole(MergeForm, forms.ModelForm):
    class Meta:
        model = Role
        fields = ("title", "home", "position")

    def save_changes(self) -> None:
        for name, value in self.changes.items():
            setattr(self.instance, name, value)
        self.instance.save(update_fields=list(self.changes))


def lab() -> Role:
    return Role.objects.get(key="lab_technician")


def opened(role: Role) -> dict[str, str]:
    """What the browser would send if nothing were changed."""
    form = EditRole(instance=role)
    fields = {name: str(form.initial[name]) for name in form.fields}
    return {**fields, **{f"opened-{name}": value for name, value in fields.items()}, "version": str(role.version)}


def edit(person: str, hospital, **fields: str) -> None:
    with hospital.acting(person):
        form = EditRole({**opened(lab()), **fields}, instance=lab())
        assert form.is_valid()
        form.save_changes()


def test_the_page_carries_the_version_and_what_was_opened(alpha):
    with alpha.acting("admin"):
        html = EditRole(instance=lab()).opened
    assert '<input type="hidden" name="version" value="1">' in html
    assert '<input type="hidden" name="opened-title" value="Laboratory">' in html


def test_an_edit_that_nobody_disturbed_is_saved(alpha):
    edit("admin", alpha, title="Bench")
    with alpha.acting("admin"):
        assert (lab().title, lab().version) == ("Bench", 2)


def test_two_people_who_change_different_fields_both_win(alpha):
    with alpha.acting("admin"):
        stale = opened(lab())
    edit("admin", alpha, title="Bench")
    with alpha.acting("admin"):
        form = EditRole({**stale, "position": "9"}, instance=lab())
        assert form.is_valid()
        assert form.changes == {"position": 9}
        form.save_changes()
        assert (lab().title, lab().position) == ("Bench", 9)


def test_two_people_who_change_a_field_to_the_same_agree(alpha):
    with alpha.acting("admin"):
        stale = opened(lab())
    edit("admin", alpha, title="Bench")
    with alpha.acting("admin"):
        form = EditRole({**stale, "title": "Bench"}, instance=lab())
        assert form.is_valid()
        assert form.changes == {}


def test_where_both_changed_the_same_field_the_second_is_asked_and_nothing_is_saved(alpha):
    with alpha.acting("admin"):
        stale = opened(lab())
    edit("admin", alpha, title="Bench", position="7")
    with alpha.acting("admin"):
        form = EditRole({**stale, "title": "Lab", "home": "people"}, instance=lab())
        assert not form.is_valid()
        assert form.status == 409
        [conflict] = form.conflicts
        assert (conflict.field, conflict.mine, conflict.theirs, conflict.by) == ("title", "Lab", "Bench", "Admin")
        assert conflict.at is not None
        assert (form.data["home"], form.data["position"], form.data["version"]) == ("people", "7", "2")
        assert 'name="opened-title" value="Bench"' in form.opened


@pytest.mark.parametrize(("keep", "title"), [("mine", "Lab"), ("theirs", "Bench")])
def test_the_choice_decides(alpha, keep, title):
    with alpha.acting("admin"):
        stale = opened(lab())
    edit("admin", alpha, title="Bench")
    with alpha.acting("admin"):
        asked = EditRole({**stale, "title": "Lab", "home": "people"}, instance=lab())
        asked.is_valid()
        again = EditRole({**asked.data, "keep_title": keep}, instance=lab())
        assert again.is_valid()
        again.save_changes()
        assert (lab().title, lab().home) == (title, "people")


def test_a_third_save_in_between_is_asked_about_again(alpha):
    with alpha.acting("admin"):
        stale = opened(lab())
    edit("admin", alpha, title="Bench")
    with alpha.acting("admin"):
        asked = EditRole({**stale, "title": "Lab"}, instance=lab())
        asked.is_valid()
    edit("admin", alpha, title="Third")
    with alpha.acting("admin"):
        mine = EditRole({**asked.data, "keep_title": "mine"}, instance=lab())
        theirs = EditRole({**asked.data, "keep_title": "theirs"}, instance=lab())
        assert not mine.is_valid()
        assert mine.conflicts[0].theirs == "Third"
        assert theirs.is_valid()
        assert theirs.changes == {}


def test_what_was_opened_cannot_be_forged_into_an_overwrite(alpha):
    with alpha.acting("admin"):
        stale = opened(lab())
    edit("admin", alpha, position="7")
    with alpha.acting("admin"):
        form = EditRole({**stale, "position": "8", "opened-position": "seven"}, instance=lab())
        assert not form.is_valid()
        assert form.conflicts[0].theirs == "7"


def test_a_mistake_is_mended_first(alpha):
    with alpha.acting("admin"):
        stale = opened(lab())
    edit("admin", alpha, title="Bench")
    with alpha.acting("admin"):
        form = EditRole({**stale, "title": "Lab", "position": "first"}, instance=lab())
        assert not form.is_valid()
        assert form.status == 422


def test_of_two_at_the_same_moment_the_second_sees_the_first(alpha):
    with alpha.acting("admin"):
        stale = opened(lab())

    def save(title: str) -> bool:
        try:
            with alpha.acting("admin"):
                form = EditRole({**stale, "title": title}, instance=lab())
                if form.is_valid():
                    form.save_changes()
                return form.is_valid()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(save, ["One", "Two"])) == [False, True]
