"""What stands between a configuration and its first sync, found by asking IAM and SWR."""

from swrhook.diagnosis.findings import Finding, Level
from swrhook.diagnosis.places import Places, places
from swrhook.diagnosis.questions import Ask, diagnose, number_of_questions

__all__ = ["Ask", "Finding", "Level", "Places", "diagnose", "number_of_questions", "places"]
