"""Helpers that push small images to a docker registry through its API."""

import json
from hashlib import sha256

import requests

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def put_image(registry: str, name: str, number: int) -> str:
    """Push an image with one layer, untagged and as v`number`; return its digest."""
    layer = f"{name} {number}".encode()
    blob = f"sha256:{sha256(layer).hexdigest()}"
    upload = requests.post(f"{registry}/v2/{name}/blobs/uploads/", timeout=10).headers["Location"]
    requests.put(f"{upload}&digest={blob}", layer, timeout=10).raise_for_status()
    descriptor = {"mediaType": "application/octet-stream", "digest": blob, "size": len(layer)}
    content = json.dumps(
        {"schemaVersion": 2, "mediaType": _MANIFEST, "config": descriptor, "layers": [descriptor]}
    ).encode()
    digest = f"sha256:{sha256(content).hexdigest()}"
    for reference in (digest, f"v{number}"):
        manifest("PUT", registry, name, reference, content)
    return digest


def manifest(
    method: str, registry: str, name: str, reference: str, body: bytes | None = None
) -> None:
    """Put, get or delete a manifest."""
    headers = {"Content-Type": _MANIFEST, "Accept": _MANIFEST}
    url = f"{registry}/v2/{name}/manifests/{reference}"
    requests.request(method, url, data=body, headers=headers, timeout=10).raise_for_status()
