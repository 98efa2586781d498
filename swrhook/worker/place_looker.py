"""Answers questions: looks at one place in one region."""

from dataclasses import dataclass

from swrhook.clock import Clock
from swrhook.errors import Kind, SwrError
from swrhook.ledger.questions import Failure, QuestionSession
from swrhook.ledger.syncs import not_configured
from swrhook.model import Lane, Target
from swrhook.syncs.observations import TagObservation
from swrhook.worker.admission import Slot
from swrhook.worker.gateway import NoCapacity, SwrGateway


@dataclass(frozen=True, slots=True)
class PlaceLooker:
    """Looks at places with one configuration; `clock` is the ledger's."""

    gateway: SwrGateway
    clock: Clock

    def answer(self, question: QuestionSession, slot: Slot) -> None:
        """Read what the place holds, within the region's pace, and keep it."""
        place = question.place
        if place.region not in self.gateway.config.swr.regions:
            question.fail(Failure(not_configured(place.region), is_final=True))
            return
        names, target = (place.namespace, place.repository), Target(place.region, place.namespace)
        # Only for the limits of its region: no lane comes from nowhere.
        session = self.gateway.session(Lane("", *names, target, override=False), slot)
        began_at = self.clock.now()
        try:
            digest = session.show_tag(place.region, *names, place.tag)
        except NoCapacity:
            question.give_back()
        except SwrError as exc:
            question.fail(Failure(str(exc), is_final=exc.kind is Kind.CONFIGURATION))
        else:
            question.answer(TagObservation(place, digest, began_at))
