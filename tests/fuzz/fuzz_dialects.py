"""Coverage-guided fuzzing of all code that reads senders' bytes: `make fuzz`.

A run is bounded and begins with the recorded requests. It fails if a dialect returns or raises
anything but a reading, Ignored, UnknownShape or a subclass of Refused.
"""

import sys
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["swrhook"]):
    from swrhook.dialects import DIALECTS
    from swrhook.errors import Ignored, Refused, UnknownShape
    from swrhook.senders import envelopes
    from swrhook.senders.delivery import Delivery

NAMES = sorted(DIALECTS)
RECORDINGS = Path(__file__).parent.parent / "deliveries"


def one_input(data: bytes) -> None:
    """Read bytes as a dialect's number, header lines, a blank line and a body."""
    head, _, body = data[1:].partition(b"\n\n")
    lines = (line.partition(": ") for line in head.decode("latin-1").splitlines())
    headers = {name.lower(): value for name, colon, value in lines if colon}
    name = NAMES[(data[0] if data else 0) % len(NAMES)]
    with suppress(Ignored, UnknownShape, Refused):
        envelopes.read(Delivery(headers, body), DIALECTS[name])


def write_seeds(folder: Path) -> None:
    """Write the recorded requests to the folder of the fuzzer's corpus."""
    for recording in RECORDINGS.glob("*/*.http"):
        _, _, request = recording.read_bytes().replace(b"\r\n", b"\n").partition(b"\n")
        number = NAMES.index(recording.parent.name)
        (folder / f"{recording.parent.name}-{recording.stem}").write_bytes(
            bytes([number]) + request
        )


if __name__ == "__main__":
    corpus = Path(sys.argv[-1])
    corpus.mkdir(parents=True, exist_ok=True)
    write_seeds(corpus)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
