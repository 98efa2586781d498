"""The data of the demonstration: regions, images, configuration, and senders' requests."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from string import Template

SOURCE = "cn-north-4"
EAST, HONG_KONG = "cn-east-3", "ap-southeast-1"
REGIONS = (SOURCE, EAST, HONG_KONG)

# Invented for the demonstration; they protect nothing.
SECRETS = {
    "DEMO_SWR_PASSWORD": "demo",
    "DEMO_HARBOR_SECRET": "harbor-demo-secret",
    "DEMO_REGISTRY_SECRET": "registry-demo-secret",
    "DEMO_CI_SECRET": "ci-job-demo-secret",
    "DEMO_OPS_TOKEN": "demo-operations-token",
}


@dataclass(frozen=True, slots=True)
class Image:
    """A tag in the source region; with `arrives_late` it arrives there after its event."""

    namespace: str
    repository: str
    tag: str
    arrives_late: bool = False

    @property
    def name(self) -> str:
        """Return `namespace/repository`."""
        return f"{self.namespace}/{self.repository}"

    @property
    def digest(self) -> str:
        """Return the digest of the image's manifest, made up from its name."""
        return f"sha256:{sha256(f'{self.name}:{self.tag}'.encode()).hexdigest()}"

    def __str__(self) -> str:
        """Return `namespace/repository:tag`."""
        return f"{self.name}:{self.tag}"


@dataclass(frozen=True, slots=True)
class SenderRequest:
    """A request of a sender; `title` describes it in the table of deliveries."""

    title: str
    sender: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


_MANIFEST = "application/vnd.oci.image.manifest.v1+json"

SHOP = [Image("team-a", "web/shop", f"1.4.{patch}") for patch in range(5)]
CART = [Image("team-a", "web/cart", tag) for tag in ("2.0.0", "2.0.1", "latest")]
BATCH = [Image("team-b", "jobs/report", "2026.11")]
LATE = [Image("team-b", "jobs/import", "7", arrives_late=True)]
IMAGES = [*SHOP, *CART, *BATCH, *LATE]

# The number of syncs: team-a is copied to two regions, team-b to one.
EXPECTED = 2 * len([*SHOP, *CART]) + len([*BATCH, *LATE])


def configuration(iam_url: str, endpoints: Mapping[str, str]) -> str:
    """Return the demonstration's swrhook.yaml, with the simulator's URLs."""
    template = Template(Path(__file__).with_name("swrhook.yaml").read_text(encoding="utf-8"))
    regions = {name: {"endpoint": url} for name, url in endpoints.items()}
    # JSON is YAML too. The names of secrets remain, for the service to replace.
    return template.safe_substitute(iam_url=iam_url, regions=json.dumps(regions))


def requests_to_send() -> list[SenderRequest]:
    """Return the senders' requests, in their own formats."""
    layers = [_registry_event(CART[0], f"sha256:{layer * 64}") for layer in "12"]
    pushes = [*map(_registry_event, CART), *layers]
    pull = _registry_event(SHOP[0]) | {"action": "pull", "id": "demo-pull"}
    return [
        *map(_harbor, SHOP),
        _registry("registry: 3 tags, 2 layers", pushes),
        _ci("CI: buildx metadata", BATCH[0]),
        _ci("CI: the tag arrives 2 s later", LATE[0]),
        _registry("registry: repeated delivery", pushes),
        _registry("registry: a pull", [pull]),
        _ci("CI: a release candidate", SHOP[0], tag="1.5.0-rc1"),
    ]


def _harbor(image: Image) -> SenderRequest:
    url = f"harbor.example.com/{image}"
    repository = {
        "name": image.repository,
        "namespace": image.namespace,
        "repo_full_name": image.name,
        "repo_type": "private",
    }
    resource = {"digest": image.digest, "tag": image.tag, "resource_url": url}
    event = {
        "type": "PUSH_ARTIFACT",
        "occur_at": 1795470000,
        "operator": "robot$ci",
        "event_data": {"resources": [resource], "repository": repository},
    }
    headers = {"Authorization": SECRETS["DEMO_HARBOR_SECRET"], "Content-Type": "application/json"}
    title = f"Harbor: {image.repository}:{image.tag}"
    return SenderRequest(title, "harbor", headers, json.dumps(event).encode())


def _registry(title: str, events: list[dict[str, object]]) -> SenderRequest:
    headers = {
        "Authorization": f"Bearer {SECRETS['DEMO_REGISTRY_SECRET']}",
        "Content-Type": "application/vnd.docker.distribution.events.v2+json",
    }
    return SenderRequest(title, "registry", headers, json.dumps({"events": events}).encode())


def _registry_event(image: Image, layer: str = "") -> dict[str, object]:
    """Return the event of the push of an image's manifest, or of the layer with this digest."""
    manifest = {"mediaType": _MANIFEST, "digest": image.digest, "tag": image.tag}
    target = {"mediaType": "octet-stream", "digest": layer} if layer else manifest
    event_id = f"demo-{target['digest'][-12:]}"
    return {"id": event_id, "action": "push", "target": target | {"repository": image.name}}


def _ci(title: str, image: Image, *, tag: str = "") -> SenderRequest:
    name = f"swr.{SOURCE}.myhuaweicloud.com/{image.name}:{tag or image.tag}"
    metadata = {"image.name": name} | ({} if tag else {"containerimage.digest": image.digest})
    login = base64.b64encode(f"ci:{SECRETS['DEMO_CI_SECRET']}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    return SenderRequest(title, "ci", headers, json.dumps(metadata).encode())
