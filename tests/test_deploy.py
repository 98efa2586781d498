"""What deploy/ says is what the code and the image do, as far as can be told without a cluster."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from swrhook import config
from swrhook.cli import COMMANDS
from swrhook.service.gunicorn_workers import DRAIN_TIME, MAX_CONNECTIONS
from swrhook.settings import SETTINGS, Settings, check_worker
from tests.programs import ROOT, needs

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS = [
    document
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
]
OURS = {
    name: each for name, each in COMPOSE["services"].items() if name.startswith(("web", "work"))
}
GRACE = 85  # swrhook/gunicorn_settings.py: graceful_timeout
IMAGES_PORT = 8080
NAMES = {setting.name for setting in SETTINGS}


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [each for each in MANIFESTS if each["kind"] == kind]


def containers() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for deployment in of_kind("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        yield deployment["metadata"]["name"], pod, pod["containers"][0]


def environments() -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield what each process would read of its environment."""
    for name, service in OURS.items():
        yield name, {key: expanded(value) for key, value in service["environment"].items()}
    (secret,) = of_kind("Secret")
    for name, _, container in containers():
        own = {each["name"]: each["value"] for each in container["env"]}
        yield name, {**secret["stringData"], **own}


def expanded(text: str) -> str:
    return re.sub(r"\$\{\w+(:\?[^}]*|:-[^}]*)?\}", "a-value", text)


@pytest.mark.parametrize(
    ("name", "environ"), list(environments()), ids=[name for name, _ in environments()]
)
def test_every_process_can_read_its_environment(name: str, environ: Mapping[str, str]) -> None:
    settings = Settings.from_environ(environ)

    assert not settings.on_sqlite
    assert {key for key in environ if key.startswith("SWRHOOK_")} <= NAMES | {"SWRHOOK_OPS_TOKEN"}
    if "worker" in name:
        check_worker(settings)
    else:
        assert (settings.workers, environ["SWR_PASSWORD"]) == (0, "")


def test_there_are_two_of_each() -> None:
    assert sorted(OURS) == ["web-1", "web-2", "worker-1", "worker-2"]
    assert {each["spec"]["replicas"] for each in of_kind("Deployment")} == {2}


def test_commands_are_ours() -> None:
    commands = [each.get("command") for each in OURS.values()]
    commands += [container.get("command") for _, _, container in containers()]

    given = [command for command in commands if command is not None]
    assert [["python", "-m", "swrhook"]] * len(given) == [command[:3] for command in given]
    assert {"worker"} == {command[3] for command in given} <= set(COMMANDS)


def test_a_process_may_finish_what_is_in_flight() -> None:
    compose = [int(each["stop_grace_period"].removesuffix("s")) for each in OURS.values()]
    pods = [pod["terminationGracePeriodSeconds"] for _, pod, _ in containers()]

    assert f"graceful_timeout = {GRACE}" in (ROOT / "swrhook" / "gunicorn_settings.py").read_text()
    assert min(compose + pods) > GRACE


def test_a_balancer_hears_of_the_end_while_a_process_still_listens() -> None:
    probes = [container["readinessProbe"] for name, _, container in containers() if "web" in name]
    inter, fall = re.search(r"inter (\d+)s fall (\d+)", _haproxy()).groups()  # type: ignore[union-attr]

    assert int(inter) * int(fall) < DRAIN_TIME
    assert all(probe["periodSeconds"] * probe["failureThreshold"] < DRAIN_TIME for probe in probes)


def test_ports_and_paths_are_the_images() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"SWRHOOK_BIND=0.0.0.0:{IMAGES_PORT}" in dockerfile
    assert "SWRHOOK_CONFIG=/etc/swrhook/swrhook.yaml" in dockerfile

    servers = re.findall(r"server (\S+) (\S+):(\d+)", _haproxy())
    assert [(name, name, str(IMAGES_PORT)) for name in ("web-1", "web-2")] == servers
    for name, pod, container in containers():
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        own = {each["name"]: each["value"] for each in container["env"]}
        bind = own.get("SWRHOOK_METRICS_BIND", f"0.0.0.0:{IMAGES_PORT}")
        assert [int(bind.rpartition(":")[2])] == list(ports.values()), name
        probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("readiness", "liveness")]
        assert [(probe["path"], probe["port"] in ports) for probe in probes] == [
            ("/readyz", True),
            ("/healthz", True),
        ]
        assert "/etc/swrhook" in {mount["mountPath"] for mount in container["volumeMounts"]}
        assert "USER 10001:10001" in dockerfile
        assert pod["securityContext"]["runAsUser"] == 10001


def test_selectors_find_their_pods() -> None:
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in of_kind("Deployment")]
    wanted = [each["spec"]["selector"]["matchLabels"] for each in of_kind("Deployment")]
    wanted += [each["spec"]["selector"]["matchLabels"] for each in of_kind("PodDisruptionBudget")]
    wanted += [each["spec"]["selector"] for each in of_kind("Service")]
    wanted += [each["spec"]["podSelector"]["matchLabels"] for each in of_kind("NetworkPolicy")]

    for selector in wanted:
        assert any(selector.items() <= each.items() for each in labels)


def test_nobody_connects_from_everywhere() -> None:
    (policy,) = of_kind("NetworkPolicy")
    rules = policy["spec"]["ingress"]

    assert [bool(rule["from"]) for rule in rules] == [True] * len(rules)
    metrics_only = [rule for rule in rules if {"port": 8081} in rule["ports"]]
    assert len(metrics_only) == 1


def test_images_of_others_can_be_pinned_by_digest() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()]
    documented = (DEPLOY / "example.env").read_text()

    for image in images:
        (variable,) = re.findall(r"^\$\{(\w+):-[^}]+\}$", image)
        assert re.search(rf"^#{variable}=\S+@sha256:", documented, re.MULTILINE)


def test_an_ingress_shields_by_default() -> None:
    (ingress,), (service,) = of_kind("Ingress"), of_kind("Service")
    prefix = "nginx.ingress.kubernetes.io/"
    annotations = ingress["metadata"]["annotations"]

    assert annotations[f"{prefix}proxy-request-buffering"] == "on"
    assert int(annotations[f"{prefix}limit-connections"]) <= MAX_CONNECTIONS
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"]["name"] == service["metadata"]["name"]
    assert path["backend"]["service"]["port"]["name"] in {
        port["name"] for port in service["spec"]["ports"]
    }


def test_the_configuration_of_the_example_can_be_used(tmp_path: Path) -> None:
    (configuration,), (secret,) = of_kind("ConfigMap"), of_kind("Secret")
    file = tmp_path / "swrhook.yaml"
    file.write_text(configuration["data"]["swrhook.yaml"])
    long_enough = {
        name: f"{value}-to-something-longer" for name, value in secret["stringData"].items()
    }

    loaded = config.load(file, long_enough)

    assert [rule.name for rule in loaded.rules] == ["everything-of-team-a"]
    names = set(re.findall(r"\$\{(\w+)\}", file.read_text()))
    assert names | {"SWRHOOK_DATABASE_URL"} == set(secret["stringData"])


@needs("haproxy")
def test_haproxy_accepts_its_configuration(tmp_path: Path) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text(re.sub(r"web-\d:", "127.0.0.1:", _haproxy()))

    checked = subprocess.run(
        ["haproxy", "-c", "-f", str(file)], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr.lower()


def test_what_compose_refers_to_is_there() -> None:
    mounted = {
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    }
    assert mounted == {"./configuration", "./haproxy.cfg"}  # the first is the operator's own
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])
    assert set(COMPOSE["volumes"]) == {"database"}


def _haproxy() -> str:
    return (DEPLOY / "haproxy.cfg").read_text()
