"""The import: file by file, each in one transaction, in rounds until nothing waits for another file any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from clinical.fhir.files import read
from clinical.fhir.intake import Intake
from clinical.fhir.tally import Problem, Tally
from clinical.fhir.values import Broken, Concept
from hospital.models import Tenant
from hospital.seals import raw
from hospital.tenancy import acting_for


class Stopped(Exception):
    """A strict import met something broken; the file that it is in was rolled back."""


class Import:
    def __init__(
        self, tenant: Tenant, *, strict: bool = False, progress: Callable[[Path, Tally], None] | None = None
    ) -> None:
        self.tenant, self.strict = tenant, strict
        self.progress = progress or (lambda path, tally: None)
        self.medicines: dict[str, Concept] = {}
        self.tally = Tally()

    def take(self, paths: Iterable[Path]) -> Tally:
        """A file that refers to something unknown waits until the others are in; if it still is then, it goes without."""
        waiting = list(dict.fromkeys(paths))
        while waiting:
            postponed = [path for path in waiting if not self._take(path, last=False)]
            if len(postponed) == len(waiting):
                for path in postponed:
                    self._take(path, last=True)
                break
            waiting = postponed
        return self.tally

    def _take(self, path: Path, *, last: bool) -> bool:
        """Whether the file is dealt with."""
        tally = self._read_and_store(path, last=last)
        if tally is None:
            return False
        self.tally += tally
        self.progress(path, self.tally)
        if self.strict and tally.broken:
            raise Stopped
        return True

    def _read_and_store(self, path: Path, *, last: bool) -> Tally | None:
        tally = Tally()
        try:
            with acting_for(self.tenant), raw():
                intake = Intake(path.name, read(path), self.medicines)
                intake.read()
                if intake.missing and not last:
                    return None
                tally = intake.store()
                if self.strict and tally.broken:
                    raise Stopped
        except Broken as error:
            tally.refuse(Problem(path.name, None, "", "", str(error)))
        except Stopped:
            return Tally(broken=tally.broken)
        return tally
