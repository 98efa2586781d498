"""Sign-ins at a certified identity provider, the npm package oidc-provider, in its own process.

Its pages are those that it shows to people: the tests fill in their forms, as a browser would.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from urllib.parse import urljoin

import pytest
import requests
from flask.testing import FlaskClient

from swrhook.config import parse
from swrhook.ledger.database import Database
from swrhook.sender_keys import HttpsSettings
from swrhook.web.dashboard.security import FORM_KEY
from tests.programs import ROOT, find, free_port, wait_for
from tests.sender_keys.loopback import write_certificates
from tests.web.harness import CONFIG, WebHarness, form_key

FOLDER = ROOT / "tests" / "sso" / "certified"
DASHBOARD = "http://localhost"
CLIENT_SECRET = "a+secret:with/100%25=of&the-characters"
pytestmark = [
    pytest.mark.on("sqlite"),
    pytest.mark.skipif(find("node") is None, reason="not installed: node"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules").exists(), reason="not installed: `make tools` does it"
    ),
]


SECTION = f"""\
sso:
  issuer: ISSUER
  client_id: swrhook
  client_secret: "${{SSO_SECRET}}"
  url: {DASHBOARD}
  groups: [{{name: ops, role: operate}}]
"""


@dataclass
class Person:
    """Somebody who signs in at the provider, with a browser."""

    browser: requests.Session

    def visit(self, url: str, **form: str) -> requests.Response:
        """Open a page or send a form; follow redirects, but not the one back to the dashboard."""
        method = "POST" if form else "GET"
        answer = self.browser.request(method, url, data=form, allow_redirects=False, timeout=10)
        if not answer.is_redirect or answer.headers["Location"].startswith(DASHBOARD):
            return answer
        return self.visit(urljoin(url, answer.headers["Location"]))

    def sign_in(self, url: str, user: str) -> str:
        """Fill in the form, consent, and return the path that the provider leads back to."""
        page = self.visit(url)
        while not page.is_redirect:
            form = fields_of(page) | {"login": user, "password": "any"}
            page = self.visit(action_of(page), **form)
        return page.headers["Location"].removeprefix(DASHBOARD)


def fields_of(page: requests.Response) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def action_of(page: requests.Response) -> str:
    [action] = re.findall(r'<form [^>]*action="([^"]+)"', page.text)
    return urljoin(page.url, unescape(action))


@pytest.fixture(params=["user-page", "id-token"], scope="module")
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, HttpsSettings]]:
    """Run the provider, with the groups on its page of the user, or in the ID token."""
    folder = tmp_path_factory.mktemp("provider")
    authority, port = folder / "authority.pem", free_port()
    certificate = write_certificates(folder, authority)
    command = ["node", "provider.js", str(port), str(certificate), DASHBOARD, CLIENT_SECRET]
    with (folder / "log").open("wb") as log, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(authority))  # the tests' browser trusts it
        process = subprocess.Popen([*command, request.param], cwd=FOLDER, stdout=log, stderr=log)
        try:
            issuer = f"https://localhost:{port}"
            wait_for(f"{issuer}/.well-known/openid-configuration", process)
            yield issuer, HttpsSettings(certificates=str(authority))
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def person() -> Iterator[Person]:
    with requests.Session() as browser:
        yield Person(browser)


@pytest.fixture
def harness(database: Database, running: tuple[str, HttpsSettings]) -> WebHarness:
    issuer, https = running
    section = SECTION.replace("ISSUER", issuer)
    config = parse(
        (CONFIG + section).encode(),
        file="f",
        environ={"SSO_SECRET": CLIENT_SECRET},
        read_file=lambda _path: "",
    )
    harness = WebHarness(database, config, https=https)
    harness.own_web()  # which has counted no refused sign-in
    return harness


@pytest.fixture
def dashboard(harness: WebHarness) -> FlaskClient:
    return harness.web.test_client()


def begin(dashboard: FlaskClient) -> str:
    return dashboard.get("/sign-in/provider").location


def test_a_member_of_a_group_signs_in_with_its_role(dashboard: FlaskClient, person: Person) -> None:
    answer = dashboard.get(person.sign_in(begin(dashboard), "alice.ops.others"))

    assert (answer.status_code, answer.location) == (303, "/")
    page = dashboard.get("/syncs").text
    assert "sso:alice.ops.others" in page
    assert "(operate)" in page


def test_somebody_without_a_group_is_refused(dashboard: FlaskClient, person: Person) -> None:
    answer = dashboard.get(person.sign_in(begin(dashboard), "mallory.others"))

    assert answer.status_code == 403
    assert "mallory.others is in none of the groups" in answer.text


def test_a_code_is_good_for_one_sign_in_only(dashboard: FlaskClient, person: Person) -> None:
    back = person.sign_in(begin(dashboard), "alice.ops")
    code = re.findall(r"code=([^&]+)", back)[0]
    assert dashboard.get(back).status_code == 303
    again = person.sign_in(begin(dashboard), "alice.ops")
    answer = dashboard.get(re.sub(r"code=[^&]+", f"code={code}", again))

    assert answer.status_code == 403
    assert "refuses the code with invalid_grant" in answer.text


def test_a_wrong_client_secret_is_named(
    harness: WebHarness, dashboard: FlaskClient, person: Person
) -> None:
    assert harness.config.sso is not None
    wrong = replace(harness.config.sso, client_secret="another")
    harness.config = replace(harness.config, sso=wrong)
    answer = dashboard.get(person.sign_in(begin(dashboard), "alice.ops"))

    assert answer.status_code == 503
    assert "refuses swrhook with invalid_client: check sso.client_id" in answer.text


def test_signing_out_ends_the_session_at_the_provider(
    dashboard: FlaskClient, person: Person
) -> None:
    dashboard.get(person.sign_in(begin(dashboard), "alice.ops"))
    page = dashboard.post("/sign-out", data={FORM_KEY: form_key(dashboard.get("/"))})
    question = person.visit(page.headers["Refresh"].removeprefix("0; url="))
    back = person.visit(action_of(question), **fields_of(question), logout="yes")

    assert back.headers["Location"].startswith(f"{DASHBOARD}/sign-in")
    assert dashboard.get("/syncs").status_code == 303
    assert 'name="login"' in person.visit(begin(dashboard)).text
