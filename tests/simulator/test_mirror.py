import shutil
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from swrhook.simulator import RunningSimulator, start
from swrhook.simulator.accounts import Credentials
from swrhook.simulator.jobs import Image
from swrhook.simulator.model import Target
from tests.factories import FakeClock
from tests.programs import free_port

PROGRAMS = ("docker-registry", "skopeo", "umoci")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

Push = Callable[..., str]
CONFIG = """
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("registry")
    port = free_port()
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(root=folder / "data", port=port))
    command = ["docker-registry", "serve", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(f"http://127.0.0.1:{port}/v2/")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def push(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Push:
    """Return a function that pushes a small image under a name, and returns its digest."""
    layout = tmp_path_factory.mktemp("images") / "layout"
    _run("umoci", "init", "--layout", str(layout))

    def under(name: str, *, author: str = "first") -> str:
        if not (layout.parent / author).exists():
            _run("umoci", "new", "--image", f"{layout}:{author}")
            _run("umoci", "config", "--image", f"{layout}:{author}", "--author", author)
            (layout.parent / author).touch()
        digest = layout.parent / "digest"
        target = f"docker://{registry.removeprefix('http://')}/{name}"
        options = ["--insecure-policy", "copy", "--dest-tls-verify=false"]
        _run("skopeo", *options, "--digestfile", str(digest), f"oci:{layout}:{author}", target)
        return digest.read_text()

    return under


@pytest.fixture
def sim(registry: str, clock: FakeClock) -> Iterator[RunningSimulator]:
    regions = ["cn-north-4", "cn-east-3"]
    with start(regions, delay=2, clock=clock, mirror={"cn-north-4": registry}) as running:
        yield running


def test_tags_of_a_mirrored_region_are_those_of_the_registry(
    push: Push, swr: Callable[..., requests.Response]
) -> None:
    digest = push("team/web/api:v1")
    push("team/web/api:v2", author="second")
    path = "/namespaces/team/repos/web$api"

    listed = swr("GET", f"{path}/tags?limit=1&offset=0")
    assert [(tag["Tag"], tag["digest"]) for tag in listed.json()] == [("v1", digest)]
    assert listed.headers["Content-Range"] == "0-1/2"
    assert digest == swr("GET", f"{path}/tags/v1").json()["digest"]
    assert swr("GET", f"{path}/tags/v9").status_code == 404
    assert swr("GET", "/namespaces/team/repos/nothing/tags").status_code == 404
    assert "web/api" in [repo["name"] for repo in swr("GET", "/repos").json()]
    assert swr("GET", "/namespaces/whatever").status_code == 200


def test_organizations_of_a_mirrored_region_are_the_first_components_of_names(
    push: Push, swr: Callable[..., requests.Response]
) -> None:
    push("team/web/api:v1")
    push("no-organization:v1")
    names = [item["name"] for item in swr("GET", "/namespaces").json()["namespaces"]]

    assert "team" in names
    assert "no-organization" not in names


def test_a_tag_pushed_to_the_registry_is_synchronized_with_its_digest(
    sim: RunningSimulator,
    push: Push,
    swr: Callable[..., requests.Response],
    advance: Callable[[float], None],
) -> None:
    push("group/busybox:v1")
    body = {"imageTag": ["v1", "v9"], "remoteNamespace": "group", "remoteRegionId": "cn-east-3"}
    accepted = swr("POST", "/namespaces/group/repos/busybox/sync_images", json=body)
    pushed_later = push("group/busybox:v1", author="second")
    advance(2)

    assert accepted.status_code == 200
    assert pushed_later == sim.state.digest("cn-east-3", "group", "busybox", "v1")
    assert [job.status for job in sim.state.jobs()] == ["success", "failed"]


def test_a_sync_to_a_mirrored_region_succeeds_only_if_the_image_is_there(
    sim: RunningSimulator,
    push: Push,
    swr: Callable[..., requests.Response],
    advance: Callable[[float], None],
) -> None:
    digest = push("group/nginx:v1")
    sim.state.seed("cn-east-3", "group", "nginx", "v1", digest)
    sim.state.seed("cn-east-3", "group", "nginx", "v2")
    body = {"imageTag": ["v1", "v2"], "remoteNamespace": "group", "remoteRegionId": "cn-north-4"}
    swr("POST", "/namespaces/group/repos/nginx/sync_images", region="cn-east-3", json=body)
    advance(2)

    assert [job.status for job in sim.state.jobs()] == ["success", "failed"]


def test_a_mirrored_region_is_read_only(control: Callable[..., requests.Response]) -> None:
    tag = {"region": "cn-north-4", "namespace": "group", "repository": "a", "tag": "v1"}
    answer = control("PUT", "/tags", tag)

    assert answer.status_code == 409
    assert "cn-north-4 mirrors a registry" in answer.json()["error"]


def test_an_unavailable_registry_is_an_internal_error(session: requests.Session) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with start(["r1", "r2"], delay=0, mirror={"r1": nowhere}) as sim:
        token = sim.state.accounts.login(Credentials("demo", "demo", "demo"), region="r1")
        url = f"{sim.endpoints['r1']}/v2/manage/namespaces/group/repos/a/tags"
        response = session.get(url, headers={"X-Auth-Token": token.value}, timeout=10)
        sim.state.sync(Image("r1", "group", "a"), ["v1"], Target("r2", "group", override=False))
        statuses = [job.status for job in sim.state.jobs()]

    assert (response.status_code, response.json()[0]["errorCode"]) == (500, "SVCSTG.SWR.5000002")
    assert statuses == ["failed"]


def _await(url: str) -> None:
    for _ in range(200):
        try:
            if requests.get(url, timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    pytest.fail(f"{url} does not answer")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
