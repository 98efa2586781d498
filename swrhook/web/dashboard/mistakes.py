"""What is wrong with a form or a filter, as a page shows it."""

from collections.abc import Sequence

from marshmallow import ValidationError

from swrhook.wording.message import say
from swrhook.wording.storage import restore

# What marshmallow itself says is known by its English text.
_OF_MARSHMALLOW = (
    *(say("Missing data for required field."), say("Field may not be null.")),
    *(say("Not a valid string."), say("Not a valid integer."), say("Not a valid boolean.")),
    *(say("Not a valid list."), say("Invalid input type."), say("Unknown field.")),
)


def mistakes(error: ValidationError) -> Sequence[str]:
    """Return a text for each wrong field, which begins with the field's name."""
    fields = error.messages_dict.items()
    return [say("%(field)s: %(mistake)s", field=name, mistake=_first(it)) for name, it in fields]


def _first(texts: object) -> str:
    """Return the first text of marshmallow's messages about a field."""
    while isinstance(texts, dict | list):
        texts = next(iter(texts.values() if isinstance(texts, dict) else texts))
    return restore(str(texts) if not isinstance(texts, str) else texts, {})
