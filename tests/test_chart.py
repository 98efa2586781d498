"""The Helm chart, rendered by the real helm with every set of values that docs/helm.md shows."""

import re
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from swrhook import __version__, config
from swrhook.cli import COMMANDS
from swrhook.settings import Settings, check_worker
from tests.programs import ROOT, find, needs

CHART = ROOT / "deploy" / "helm" / "swrhook"
PAGE = (ROOT / "docs" / "helm.md").read_text()
SETS = dict(re.findall(r"\n## ([^\n]+)\n[^#]*?```yaml\n(.*?)```", PAGE, re.DOTALL))
# Of operators: Kubernetes itself has no schema of these.
FOREIGN = {"ExternalSecret", "HTTPRoute", "PrometheusRule", "ServiceMonitor"}
GRACE = 85  # swrhook/gunicorn_settings.py: graceful_timeout
pytestmark = needs("helm")


def helm(
    *arguments: str, values: Mapping[str, Any] | None = None
) -> "subprocess.CompletedProcess[str]":
    command = [str(find("helm")), *arguments]
    command += ["--set-file", f"configuration.text={ROOT / 'swrhook.example.yaml'}"]
    command += ["--values", "-"]
    text = yaml.safe_dump(dict(values or {}))
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def render(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    result = helm("template", "swrhook", str(CHART), values=values)
    assert result.returncode == 0, result.stderr
    return [each for each in yaml.safe_load_all(result.stdout) if each]


@pytest.fixture(params=SETS, ids=lambda title: title.replace(" ", "-"))
def values(request: pytest.FixtureRequest) -> Any:
    return yaml.safe_load(SETS[request.param])


@pytest.fixture
def objects(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return render(values)


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in objects if each["kind"] == kind]


def pods(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for each in objects:
        if each["kind"] in {"Deployment", "Job"}:
            template = each["spec"]["template"]
            yield (
                template["metadata"]["labels"]["app.kubernetes.io/component"],
                template["spec"],
                (template["spec"]["containers"][0]),
            )


def test_the_page_has_a_set_for_each_ledger_and_each_kind_of_secret() -> None:
    sets = [yaml.safe_load(text) for text in SETS.values()]

    assert {each.get("ledger", {}).get("kind", "postgresql") for each in sets} == {
        "postgresql",
        "sqlite",
    }
    assert {key for each in sets for key in each["secrets"]} == {
        "existingSecret",
        "external",
        "values",
    }


def test_the_chart_has_the_version_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_helm_finds_nothing_to_warn_of(values: Mapping[str, Any]) -> None:
    result = helm("lint", "--strict", "--quiet", str(CHART), values=values)

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_object_has_the_form_that_kubernetes_expects(objects: list[dict[str, Any]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the validator's own libraries
        for each in objects:
            if each["kind"] not in FOREIGN:
                kubernetes_validate.validate(each, "1.34", strict=True)


def test_every_process_can_read_its_environment(objects: list[dict[str, Any]]) -> None:
    for component, _, container in pods(objects):
        environ = {"SWRHOOK_DATABASE_URL": "postgresql+psycopg://in-the-secret/swrhook"}
        environ |= {each["name"]: each["value"] for each in container["env"]}
        settings = Settings.from_environ(environ)

        if component == "worker":
            check_worker(settings)
        if component == "web":
            assert settings.on_sqlite == (settings.workers > 0)
        assert container.get("command", ["swrhook", "db"])[0] == "swrhook"
        assert container.get("command", ["swrhook", "db"])[1] in COMMANDS


def test_pods_are_hardened_and_may_finish_what_is_in_flight(objects: list[dict[str, Any]]) -> None:
    for component, pod, container in pods(objects):
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        if component != "migration":
            assert pod["terminationGracePeriodSeconds"] > GRACE


def test_every_selector_finds_pods(objects: list[dict[str, Any]]) -> None:
    labels = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in objects
        if each["kind"] == "Deployment"
    ]
    selectors = [each["spec"]["selector"] for each in of_kind(objects, "Service")]
    for kind in ("Deployment", "PodDisruptionBudget"):
        selectors += [each["spec"]["selector"]["matchLabels"] for each in of_kind(objects, kind)]
    selectors += [
        each["spec"]["podSelector"]["matchLabels"] for each in of_kind(objects, "NetworkPolicy")
    ]

    assert [
        selector
        for selector in selectors
        if not any(selector.items() <= own.items() for own in labels)
    ] == []


def test_what_is_mounted_and_referred_to_is_there(objects: list[dict[str, Any]]) -> None:
    names = {(each["kind"], each["metadata"]["name"]) for each in objects}
    secrets = {container["envFrom"][0]["secretRef"]["name"] for *_, container in pods(objects)}
    targets = {each["spec"]["target"]["name"] for each in of_kind(objects, "ExternalSecret")}

    assert len(secrets) == 1
    assert secrets <= targets | {"swrhook-environment"} | {
        name for kind, name in names if kind == "Secret"
    }
    for _, pod, _ in pods(objects):
        for volume in pod["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in names
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in names


def test_nobody_connects_from_everywhere(objects: list[dict[str, Any]]) -> None:
    [policy] = of_kind(objects, "NetworkPolicy")
    to_service, to_metrics = policy["spec"]["ingress"]

    assert {"podSelector": {}} in to_service["from"]  # of the same namespace
    for rule in (to_service, to_metrics):
        assert all(peer not in ({}, {"namespaceSelector": {}}) for peer in rule["from"])
        assert not any("ipBlock" in peer for peer in rule["from"])
    assert to_service["ports"] == [{"port": 8080}]  # without the workers' metrics
    assert {"port": 8081} in to_metrics["ports"]


def test_no_list_of_the_policy_admits_everyone() -> None:
    policy: dict[str, list[Any]] = {
        "from": [],
        "metricsFrom": [],
    }  # Kubernetes takes an empty `from` for everyone
    values = {"secrets": {"existingSecret": "own"}, "networkPolicy": policy}
    [rule] = of_kind(render(values), "NetworkPolicy")[0]["spec"]["ingress"]

    assert rule["from"] == [{"podSelector": {}}]


def test_the_gateway_may_connect() -> None:
    objects = render(yaml.safe_load(SETS["With operators of the cluster"]))
    [route], [policy] = of_kind(objects, "HTTPRoute"), of_kind(objects, "NetworkPolicy")
    name = "kubernetes.io/metadata.name"
    admitted = [
        peer["namespaceSelector"]["matchLabels"][name]
        for peer in policy["spec"]["ingress"][0]["from"]
        if "namespaceSelector" in peer
    ]

    assert [parent["namespace"] for parent in route["spec"]["parentRefs"]] == admitted


def test_sqlite_is_one_pod_that_ends_before_its_successor_starts() -> None:
    objects = render(yaml.safe_load(SETS["With SQLite"]))
    [deployment] = of_kind(objects, "Deployment")

    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert of_kind(objects, "PodDisruptionBudget") == of_kind(objects, "Job") == []


def test_the_migration_waits_for_a_secret_of_the_release() -> None:
    hooks = {
        title: of_kind(render(yaml.safe_load(text)), "Job")[0]["metadata"]["annotations"]
        for title, text in SETS.items()
        if "sqlite" not in text
    }

    assert {title: each["helm.sh/hook"] for title, each in hooks.items()} == {
        "With PostgreSQL": "pre-install,pre-upgrade",
        "With operators of the cluster": "pre-upgrade",
        "With values for everything": "pre-upgrade",
    }


def test_secrets_of_the_values_suit_the_example(tmp_path: Path) -> None:
    values = yaml.safe_load(SETS["With values for everything"])
    objects = render(values)
    [secret] = of_kind(objects, "Secret")
    file = tmp_path / "swrhook.yaml"
    file.write_text(of_kind(objects, "ConfigMap")[0]["data"]["swrhook.yaml"])

    assert secret["stringData"] == values["secrets"]["values"]
    assert config.load(file, secret["stringData"]).rules


def test_prometheus_gets_the_rules_of_the_repository() -> None:
    objects = render(yaml.safe_load(SETS["With operators of the cluster"]))
    [rule] = of_kind(objects, "PrometheusRule")
    [monitor] = of_kind(objects, "ServiceMonitor")
    files = [ROOT / "deploy" / "prometheus" / name for name in ("rules.yaml", "alerts.yaml")]
    groups = [yaml.safe_load(file.read_text())["groups"] for file in files]
    ports = {port["name"] for each in of_kind(objects, "Service") for port in each["spec"]["ports"]}

    assert rule["spec"]["groups"] == groups[0] + groups[1]
    assert {each["port"] for each in monitor["spec"]["endpoints"]} == ports
    label = monitor["spec"]["jobLabel"]
    assert {each["metadata"]["labels"][label] for each in of_kind(objects, "Service")} == {
        "swrhook"
    }


def test_the_chart_replaces_where_the_runbooks_are() -> None:
    rule = {"enabled": True, "runbooks": "https://wiki.example.com/swr"}
    values = {"secrets": {"existingSecret": "own"}, "metrics": {"prometheusRule": rule}}
    [rules] = of_kind(render(values), "PrometheusRule")
    urls = re.findall(r"runbook_url': '([^']*)'", str(rules))

    assert len(urls) > 15
    assert {url.partition("/runbook/")[0] for url in urls} == {"https://wiki.example.com/swr"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"ledger": {"kind": "mysql"}}, "'/ledger/kind': value must be one of"),
        ({"workers": {"replicas": 3}}, "additional properties 'workers' not allowed"),
        ({"worker": {"threads": 0}}, "'/worker/threads': minimum: got 0, want 1"),
        ({}, "give the environment: secrets.existingSecret, secrets.values or secrets.external"),
        (
            {"secrets": {"existingSecret": "own"}, "ingress": {"enabled": True}},
            "ingress.host: the name by which senders reach swrhook",
        ),
    ],
)
def test_wrong_values_are_refused_with_the_reason(values: Mapping[str, Any], reason: str) -> None:
    result = helm("template", "swrhook", str(CHART), values=values)

    assert result.returncode != 0
    assert reason in result.stderr
