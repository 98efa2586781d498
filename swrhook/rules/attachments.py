"""What a tag holds that is no image: signatures, attestations, other referrers.

cosign names them sha256-HEX.sig, .att and .sbom; registries without the referrers API list what
refers to an image under sha256-HEX (OCI distribution 1.1, «referrers tag schema»). A chart's tag is
as any other: a dialect whose sender tells the media type leaves charts out itself.
"""

import re

from swrhook.model import Push

_ATTACHED = re.compile(r"(?:sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})(?:\.([a-z0-9.-]+))?")
_KINDS = {"sig": "a signature", "att": "an attestation", "sbom": "a list of materials (SBOM)"}


def attachment(push: Push) -> str | None:
    """Name what the push is if it is no image, as «a signature»; None for an image."""
    if not push.tag.startswith("sha"):
        return None
    match = _ATTACHED.fullmatch(push.tag)
    if match is None:
        return None
    return _KINDS.get(match[1] or "", "something attached to an image")
