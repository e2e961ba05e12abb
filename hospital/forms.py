"""Forms about people."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.db.models import QuerySet

from hospital.choices import offer
from hospital.models import Absence, Invitation, Membership, Person, Role


class Invite(forms.Form):
    name = forms.CharField(max_length=120)
    email = forms.EmailField(label="E-mail")
    role: forms.ModelChoiceField[Role] = forms.ModelChoiceField(queryset=None, empty_label="Choose a role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "role", Role.objects.all())


class AcceptInvitation(forms.Form):
    """A new person chooses a name and a password; somebody with an account proves to be that person by being logged in."""

    name = forms.CharField(max_length=120)
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), help_text="At least 12 characters."
    )

    def __init__(self, *args: Any, invitation: Invitation, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "initial": {"name": invitation.name}})
        self.invitation, self.person = invitation, person
        self.known = Person.objects.filter(email=invitation.email).first()
        if self.known:
            self.fields = {}

    def clean(self) -> dict:
        if self.known and self.person != self.known:
            raise forms.ValidationError(
                "There is an account with this e-mail. Log in with it, then open this link again."
            )
        return self.cleaned_data

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        validate_password(password, Person(email=self.invitation.email, name=self.cleaned_data.get("name", "")))
        return password

    def save(self) -> Person:
        if self.known:
            return self.known
        return Person.objects.create_user(
            self.invitation.email, self.cleaned_data["password"], name=self.cleaned_data["name"]
        )


class Moment(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class DeclareAbsence(forms.ModelForm):
    """For oneself; with `for_others`, for anybody who works here."""

    class Meta:
        model = Absence
        fields = ["person", "begins_at", "ends_at", "covered_by"]
        widgets = {"begins_at": Moment(), "ends_at": Moment()}

    def __init__(self, *args: Any, person: Person, for_others: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = Person.objects.filter(
            is_active=True, pk__in=Membership.objects.filter(is_active=True).values("person_id")
        )
        cast(forms.ModelChoiceField, self.fields["covered_by"]).empty_label = "Nobody"
        offer(self, "covered_by", here if for_others else here.filter(pk__in=colleagues_of(person)))
        if for_others:
            offer(self, "person", here)
            self.initial["person"] = person.pk
        else:
            del self.fields["person"]
            self.instance.person = person

    def clean(self) -> dict:
        person = self.cleaned_data.get("person") if "person" in self.fields else self.instance.person
        cover = self.cleaned_data.get("covered_by")
        if person and cover and cover != person and not share_a_role(person, cover):
            self.add_error("covered_by", f"{cover} has no role in common with {person}. Choose a colleague who has.")
        return self.cleaned_data


def share_a_role(one: Person, other: Person) -> bool:
    return colleagues_of(one).filter(person=other).exists()


def colleagues_of(person: Person) -> QuerySet:
    """Keys of the people who hold a role that this person holds."""
    roles = Membership.objects.filter(is_active=True)
    shared = roles.filter(role__in=roles.filter(person=person).values("role_id"))
    return shared.exclude(person=person).values("person_id")
