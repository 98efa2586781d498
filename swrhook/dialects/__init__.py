"""The senders' wire formats: for each, a pure function from a delivery to what it announces.

A parse function returns a Reading, or raises Ignored, UnknownShape or a Refused; nothing else,
whatever the headers and bytes. How to add one: docs/adding-a-dialect.md.
"""

from collections.abc import Callable, Mapping

from swrhook.delivery import Delivery
from swrhook.dialects import distribution, generic, harbor
from swrhook.model import Reading

Parse = Callable[[Delivery], Reading]

DIALECTS: Mapping[str, Parse] = {
    "distribution": distribution.parse,
    "generic": generic.parse,
    "harbor": harbor.parse,
}
