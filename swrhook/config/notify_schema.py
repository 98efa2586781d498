"""The schema of `notify`: channels, and the rules of what they are told."""

from collections.abc import Mapping

from marshmallow import ValidationError, validates_schema

from swrhook.config import validators
from swrhook.config.fields import Duration, OneOf, SecretText, Text, TimeOfDay, TimeZone
from swrhook.config.nodes import Data
from swrhook.config.rule_schema import WhenSection
from swrhook.config.sections import Items, Named, Part, Section, check_not_empty
from swrhook.notifications.model import Topic
from swrhook.wording.catalogues import Language

TOPICS = tuple(topic.value for topic in Topic if topic is not Topic.TEST)

QuietSection = Section.from_dict(
    {"from": TimeOfDay(required=True), "to": TimeOfDay(required=True), "zone": TimeZone()}
)


class ChannelSection(Section):
    """One channel: of Apprise, or a webhook."""

    apprise = SecretText(validate=validators.apprise_url)
    webhook = SecretText(validate=validators.webhook_url)
    secret = SecretText(validate=validators.webhook_secret)
    quiet = Part(QuietSection)
    language = Text(validate=OneOf(tuple(Language)))

    @validates_schema(skip_on_field_errors=True)
    def _check_kind(self, data: Mapping[str, Data], **_: Data) -> None:
        if ("apprise" in data) == ("webhook" in data):
            raise ValidationError("write either apprise: URL, or webhook: URL and its secret")
        if ("webhook" in data) != ("secret" in data):
            raise ValidationError("a webhook needs a secret, and nothing else has one")
        if "webhook" in data and "language" in data:
            raise ValidationError("language is for apprise: events for machines are in English")


class NotifyRuleSection(Section):
    """One rule of what is told to whom."""

    on = Items(Text(validate=OneOf(TOPICS)), required=True, validate=check_not_empty)
    to = Items(Text(), required=True, validate=check_not_empty)
    when = Part(WhenSection)
    group = Duration()
    digest = Duration("1m")

    @validates_schema
    def _check_one_interval(self, data: Mapping[str, Data], **_: Data) -> None:
        if "group" in data and "digest" in data:
            raise ValidationError("write either group or digest: a digest has everything in it")


class NotifySection(Section):
    """The section `notify`."""

    url = Text(validate=validators.dashboard_url)
    channels = Named(validators.channel_name, Part(ChannelSection), may_be_empty=True)
    rules = Items(Part(NotifyRuleSection))
