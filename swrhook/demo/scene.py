"""The data of the demonstration: regions, images, configuration, and senders' requests."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

SOURCE = "cn-north-4"
EAST, HONG_KONG = "cn-east-3", "ap-southeast-1"
REGIONS = (SOURCE, EAST, HONG_KONG)

# Invented for the demonstration; they protect nothing.
SECRETS = {
    "DEMO_SWR_PASSWORD": "demo",
    "DEMO_HARBOR_SECRET": "harbor-demo-secret",
    "DEMO_REGISTRY_SECRET": "registry-demo-secret",
    "DEMO_CI_SECRET": "ci-demo-secret",
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


SHOP = [Image("team-a", "web/shop", f"1.4.{patch}") for patch in range(5)]
CART = [Image("team-a", "web/cart", tag) for tag in ("2.0.0", "2.0.1", "latest")]
BATCH = [Image("team-b", "jobs/report", "2026.11")]
LATE = [Image("team-b", "jobs/import", "7", arrives_late=True)]
IMAGES = [*SHOP, *CART, *BATCH, *LATE]

# The number of syncs: team-a is copied to two regions, team-b to one.
EXPECTED = 2 * len([*SHOP, *CART]) + len([*BATCH, *LATE])


def configuration(iam_url: str, endpoints: Mapping[str, str]) -> str:
    """Return the demonstration's swrhook.yaml (JSON is YAML too)."""
    document = {
        "swr": {
            "iam_endpoint": iam_url,
            "credentials": {
                "kind": "password",
                "user": "demo",
                "domain": "demo",
                "password": "${DEMO_SWR_PASSWORD}",
            },
            "regions": {name: {"endpoint": url} for name, url in endpoints.items()},
        },
        "access": {"tokens": [{"name": "ops", "role": "operate", "token": "${DEMO_OPS_TOKEN}"}]},
        "senders": {
            "harbor": {
                "dialect": "harbor",
                "region": SOURCE,
                "auth": {
                    "scheme": "header",
                    "header": "Authorization",
                    "secrets": ["${DEMO_HARBOR_SECRET}"],
                },
            },
            "registry": {
                "dialect": "distribution",
                "region": SOURCE,
                "auth": {"scheme": "bearer", "secrets": ["${DEMO_REGISTRY_SECRET}"]},
            },
            "ci": {
                "dialect": "generic",
                "region": SOURCE,
                "auth": {"scheme": "basic", "username": "ci", "secrets": ["${DEMO_CI_SECRET}"]},
            },
        },
        "rules": [
            {
                "name": "team-a-everywhere",
                "when": {"namespace": "team-a", "not": {"tag": "*-rc*"}},
                "sync": [
                    {"region": EAST, "namespace": "{namespace}"},
                    {"region": HONG_KONG, "namespace": "team-a-hk", "override": True},
                ],
            },
            {
                "name": "team-b-jobs",
                "when": {"namespace": "team-b", "repository": "jobs/*"},
                "sync": [{"region": EAST, "namespace": "team-b"}],
            },
        ],
    }
    return json.dumps(document, indent=2)


def requests_to_send() -> list[SenderRequest]:
    """Return the senders' requests, in their own formats."""
    return [
        *(_harbor(image) for image in SHOP),
        _registry("registry: 3 tags, 2 layers", CART),
        _ci("CI: buildx metadata", BATCH[0]),
        _ci("CI: the tag arrives 2 s later", LATE[0]),
        _registry("registry: repeated delivery", CART),
        _pull("registry: a pull"),
        _ci("CI: a release candidate", SHOP[0], tag="1.5.0-rc1"),
    ]


def _harbor(image: Image) -> SenderRequest:
    url = f"harbor.example.com/{image}"
    event = {
        "type": "PUSH_ARTIFACT",
        "occur_at": 1795470000,
        "operator": "robot$ci",
        "event_data": {
            "resources": [{"digest": image.digest, "tag": image.tag, "resource_url": url}],
            "repository": {
                "name": image.repository,
                "namespace": image.namespace,
                "repo_full_name": image.name,
                "repo_type": "private",
            },
        },
    }
    headers = {"Authorization": SECRETS["DEMO_HARBOR_SECRET"], "Content-Type": "application/json"}
    return SenderRequest(
        f"Harbor: {image.repository}:{image.tag}", "harbor", headers, json.dumps(event).encode()
    )


def _registry(title: str, images: list[Image]) -> SenderRequest:
    events = [_registry_event(image.name, image.digest, tag=image.tag) for image in images] + [
        _registry_event(images[0].name, f"sha256:{layer * 64}", media_type="octet-stream")
        for layer in "12"
    ]
    return _envelope(title, events)


def _pull(title: str) -> SenderRequest:
    event = _registry_event(SHOP[0].name, SHOP[0].digest, tag=SHOP[0].tag)
    return _envelope(title, [{**event, "action": "pull", "id": "demo-pull"}])


def _envelope(title: str, events: list[dict[str, object]]) -> SenderRequest:
    headers = {
        "Authorization": f"Bearer {SECRETS['DEMO_REGISTRY_SECRET']}",
        "Content-Type": "application/vnd.docker.distribution.events.v2+json",
    }
    return SenderRequest(title, "registry", headers, json.dumps({"events": events}).encode())


def _registry_event(
    repository: str, digest: str, *, tag: str = "", media_type: str = ""
) -> dict[str, object]:
    target = {
        "mediaType": media_type or "application/vnd.oci.image.manifest.v1+json",
        "digest": digest,
        "repository": repository,
    }
    return {
        "id": f"demo-{digest[-12:]}",
        "action": "push",
        "target": target | ({"tag": tag} if tag else {}),
    }


def _ci(title: str, image: Image, *, tag: str = "") -> SenderRequest:
    name = f"swr.{SOURCE}.myhuaweicloud.com/{image.name}:{tag or image.tag}"
    metadata = {"image.name": name} | ({} if tag else {"containerimage.digest": image.digest})
    login = base64.b64encode(f"ci:{SECRETS['DEMO_CI_SECRET']}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    return SenderRequest(title, "ci", headers, json.dumps(metadata).encode())
