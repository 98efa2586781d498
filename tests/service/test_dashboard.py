"""The dashboard in a real browser, with a served process and the simulator."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.programs import TOKEN, needs
from tests.service.conftest import SOURCE, TARGET
from tests.service.dashboard_stage import (
    CONTRAST,
    DIGEST,
    KEYBOARD,
    TIMEOUT_MS,
    Stage,
    running_stage,
)

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
PATHS = (
    "/",
    "/syncs",
    "/deliveries",
    "/repositories",
    "/repairs",
    "/notifications",
    "/rules",
    "/pauses",
    "/coverage",
    "/audit",
    "/tokens",
    "/explain?image=team/app:v1",
    "/what-if",
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_stage(tmp_path_factory.mktemp("dashboard")) as stage:
        yield stage


@pytest.fixture(autouse=True)
def _no_complaints(stage: Stage) -> Iterator[None]:
    stage.complaints.clear()
    yield
    for context in stage.browser.contexts:
        context.close()
    assert stage.complaints == []


def test_a_link_leads_through_the_form_to_its_page_with_the_keyboard_alone(stage: Stage) -> None:
    page = stage.open()
    page.goto(f"{stage.service.url}/syncs?show=failing")
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type("a wrong one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This is not one of the tokens")
    stage.complaints.clear()  # the browser logs the 403

    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{stage.service.url}/syncs?show=failing")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_failed_sync_can_be_understood_and_retried(stage: Stage) -> None:
    stage.deliver({"image": "team/app:v1"})
    stage.service.wait_until_ended(1)
    page = stage.signed_in()
    page.get_by_role("link", name="1 tag is diverged in cn-east-3").click()
    page.get_by_role("link", name="team/app:v1").click()
    expect(page.locator(".note")).to_contain_text(f"the source {DIGEST}")

    stage.swr.state.seed(TARGET, "team", "app", "v1", DIGEST)
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Restarted with the current rules")).to_be_visible()
    # The page refreshes itself.
    expect(page.locator(".verdict")).to_contain_text("the source's digest", timeout=TIMEOUT_MS)
    expect(page.locator(".timeline")).to_contain_text("Triggered")


def test_a_waiting_sync_can_be_cancelled(stage: Stage) -> None:
    stage.deliver({"image": "team/app:never"})
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/syncs")
    page.get_by_label("Image", exact=True).fill("team/app:never")
    page.get_by_label("State").select_option("pending")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="team/app:never").click()
    page.get_by_role("button", name="Cancel this sync").click()

    expect(page.locator(".verdict")).to_contain_text("Cancelled by an operator")


def test_an_unknown_tag_is_explained(stage: Stage) -> None:
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/rules")
    page.get_by_label("Image and tag").fill("other/app:v1")
    page.get_by_label("Sender").select_option("ci")
    page.get_by_role("button", name="Explain").click()

    expect(page.get_by_role("status")).to_contain_text("other/app:v1")
    expect(page.locator(".clauses")).to_contain_text('namespace "other" does not match "team"')


def test_selected_syncs_are_cancelled_together(stage: Stage) -> None:
    stage.deliver({"images": ["team/lot:v2", "team/lot:v10", "team/lot:v1"]})
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/syncs?image=lot")
    page.get_by_role("button", name="Image").click()
    images = page.locator("tbody th")
    expect(images).to_have_text(["team/lot:v1", "team/lot:v2", "team/lot:v10"])
    page.get_by_role("checkbox", name="Select all on this page").check()
    expect(page.get_by_text("3 selected:")).to_be_visible()
    page.get_by_role("button", name="Cancel", exact=True).click()

    expect(page.get_by_role("status").filter(has_text="3 syncs cancelled.")).to_be_visible()
    expect(page.get_by_role("cell", name="cancelled").first).to_be_visible()


def test_a_sync_is_ordered_by_hand_and_other_rules_are_compared(stage: Stage) -> None:
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/syncs")
    page.get_by_text("Order a sync by hand").click()
    page.get_by_label("Image and tag").fill("team/hand:v1")
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="1 sync ordered.")).to_be_visible()

    stage.deliver({"image": "team/compared:v1"})
    page.goto(f"{stage.service.url}/what-if")
    page.get_by_label("Rules, as YAML or JSON").fill("rules: []")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#difference")).to_contain_text("0 gained")
    expect(page.get_by_role("row", name="team/compared:v1")).to_contain_text("lost")


def test_times_are_also_in_the_time_zone_of_the_browser(stage: Stage) -> None:
    stage.deliver({"image": "team/zone:v1"})
    page = stage.signed_in(timezone_id="Asia/Shanghai")
    page.goto(f"{stage.service.url}/syncs?image=zone")
    page.get_by_role("link", name="team/zone:v1").click()

    expect(page.locator(".local").first).to_contain_text("Asia/Shanghai")


def test_an_open_list_shows_new_syncs(stage: Stage) -> None:
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/syncs?image=team/app:later")
    expect(page.get_by_text("No matching syncs")).to_be_visible()
    stage.deliver({"image": "team/app:later"})

    expect(page.get_by_role("link", name="team/app:later")).to_be_visible(timeout=TIMEOUT_MS)


def test_a_hostile_delivery_is_text_and_can_be_replayed(stage: Stage) -> None:
    delivery = stage.deliver({"type": HOSTILE}, "harbor", agent=HOSTILE)
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/deliveries?outcome=quarantined")
    page.locator("tbody a").first.click()
    expect(page.locator("#request pre.body")).to_contain_text("<script>document.title")
    expect(page.locator("dl.headers")).to_contain_text("<img src=x")
    assert "taken" not in page.title()

    page.get_by_role("button", name="Replay").click()
    again = page.get_by_role("link", name="an earlier delivery")
    expect(again).to_have_attribute("href", f"/deliveries/{delivery}")


def test_request_and_response_are_tabs_for_the_keyboard(stage: Stage) -> None:
    delivery = stage.deliver({"image": "team/app:tabs"})
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/deliveries/{delivery}")
    page.get_by_role("tab", name="Request").focus()
    expect(page.get_by_role("tabpanel", name="Request")).to_contain_text("127.0.0.1")
    page.keyboard.press("ArrowRight")

    expect(page.get_by_role("tab", name="Response 202")).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_contain_text(f'"delivery": "{delivery}"')
    expect(page.get_by_role("tabpanel")).to_contain_text("202 Accepted")


def test_a_backfill_is_planned_started_and_followed(stage: Stage) -> None:
    stage.swr.state.seed(SOURCE, "team", "old", "v1", DIGEST)
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/repairs")
    page.get_by_label("Repositories to fill").fill("team/old")
    page.get_by_role("button", name="Compare and plan").click()
    # The page refreshes itself.
    start = page.get_by_role("button", name="Start 1 sync")
    expect(start).to_be_visible(timeout=TIMEOUT_MS)
    expect(page.get_by_role("row", name="team/old:v1")).to_contain_text("missing")
    start.click()

    expect(page.get_by_text("1 of 1 ended")).to_be_visible(timeout=TIMEOUT_MS)
    expect(page.get_by_role("row", name="team/old:v1")).to_contain_text("verified")


def test_a_reconcile_finds_what_has_gone_and_repairs_it(stage: Stage) -> None:
    stage.swr.state.seed(SOURCE, "team", "gone", "v1", DIGEST)
    stage.deliver({"image": "team/gone:v1"})
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/syncs?image=team/gone:v1&show=verified")
    expect(page.get_by_role("link", name="team/gone:v1")).to_be_visible(timeout=TIMEOUT_MS)
    gone = stage.swr.state.store(TARGET).tag("team", "gone", "v1")
    assert gone is not None
    stage.swr.state.remove(TARGET, gone)
    page.goto(f"{stage.service.url}/repairs")
    page.get_by_label("Repositories to check").fill("team/gone")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("row", name="team/gone:v1")).to_contain_text("missing")
    repair = page.get_by_role("button", name="Repair these")
    expect(repair).to_be_visible(timeout=TIMEOUT_MS)
    page.goto(f"{stage.service.url}/coverage?rule=all")
    expect(page.get_by_role("link", name="team/gone:v1")).to_be_visible()
    page.go_back()
    repair.click()

    row = page.get_by_role("row", name="team/gone:v1")
    expect(row).to_contain_text("verified", timeout=TIMEOUT_MS)


def test_a_plan_that_is_not_wanted_is_cancelled(stage: Stage) -> None:
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/repairs")
    page.get_by_label("Repositories to fill").fill("team/app")
    page.get_by_role("button", name="Compare and plan").click()
    page.get_by_role("button", name="Cancel").click()

    expect(page.locator(".verdict")).to_contain_text("Cancelled by an operator")


def test_a_region_is_paused_and_resumed_with_the_keyboard(stage: Stage) -> None:
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/pauses")
    expect(page.get_by_text("Nothing is paused.")).to_be_visible()
    page.get_by_label("Name").focus()
    for text in (TARGET, "2h", "maintenance"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Paused.")).to_be_visible()
    expect(page.get_by_role("row", name=f"region {TARGET}")).to_contain_text("maintenance")

    page.get_by_role("button", name="Resume").press("Enter")
    expect(page.get_by_text("Nothing is paused.")).to_be_visible()
    page.goto(f"{stage.service.url}/audit?object=region {TARGET}")
    expect(page.get_by_role("cell", name="POST /pauses", exact=True)).to_be_visible()


def test_a_channel_is_tested_and_its_message_sent_again(stage: Stage) -> None:
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/notifications")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status").filter(has_text="A test is being sent")).to_be_visible()
    page.goto(f"{stage.service.url}/notifications?state=sent")
    again = page.get_by_role("button", name="Send again").first
    expect(again).to_be_visible(timeout=TIMEOUT_MS)
    again.click()

    expect(page.get_by_role("status").filter(has_text="It is delivered again.")).to_be_visible()


def test_a_notification_leads_to_the_reason_and_the_repair(stage: Stage) -> None:
    stage.swr.state.seed(TARGET, "team", "app", "told", "sha256:" + "0" * 64)
    stage.swr.state.seed(SOURCE, "team", "app", "told", DIGEST)
    stage.deliver({"image": "team/app:told"})
    page = stage.signed_in()
    page.goto(f"{stage.service.url}/syncs?image=team/app:told&show=diverged")
    sync = page.get_by_role("link", name="team/app:told")
    expect(sync).to_be_visible(timeout=TIMEOUT_MS)
    path = sync.get_attribute("href")
    page.goto(f"{stage.service.url}/notifications?state=sent")
    told = page.locator(f"a[href='{path}']")
    expect(told).to_contain_text("failed: diverged", timeout=TIMEOUT_MS)
    told.click()
    expect(page.locator(".note")).to_contain_text("The target has sha256:000")

    stage.swr.state.seed(TARGET, "team", "app", "told", DIGEST)
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".verdict")).to_contain_text("verified", timeout=TIMEOUT_MS)


def test_tokens_are_listed_by_name(stage: Stage) -> None:
    page = stage.signed_in()
    page.get_by_role("link", name="Tokens").click()

    expect(page.get_by_role("row", name="tests")).to_contain_text("admin")
    assert TOKEN not in page.content()


@pytest.mark.parametrize(("scheme", "tag"), [("light", "en"), ("dark", "zh-CN")])
def test_every_page_is_readable_on_a_phone_and_usable_by_keyboard(
    stage: Stage, scheme: str, tag: str
) -> None:
    stage.deliver({"image": "team/app:phone"})
    stage.plan_backfill("team/app")
    page = stage.signed_in(color_scheme=scheme, locale=tag, viewport={"width": 320, "height": 640})
    failures: dict[str, list[str]] = {}
    paths = [*PATHS]
    for listed in ("/syncs", "/deliveries", "/repairs"):
        page.goto(f"{stage.service.url}{listed}")
        paths += [page.locator("tbody th a").first.get_attribute("href") or listed]
    for path in paths:
        page.goto(f"{stage.service.url}{path}")
        failures[path] = page.evaluate(CONTRAST)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            failures[path] += ["wider than the phone"]
        page.keyboard.press("Tab")  # marks what has the focus from now on
        failures[path] += page.evaluate(KEYBOARD)

    assert {path: [] for path in paths} == failures
    expect(page.locator("html")).to_have_attribute("lang", tag)
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_rules_that_change_much_are_held_until_they_are_accepted(stage: Stage) -> None:
    stage.deliver({"images": ["team/held:v1", "team/held:v2"]})
    page = stage.signed_in()
    [rule] = stage.configuration["rules"]
    rules = [{**rule, "when": {"namespace": "other"}}]
    stage.service.configure({**stage.configuration, "rules": rules})
    accept = page.get_by_role("button", name="Accept these rules")
    page.goto(f"{stage.service.url}/")
    page.get_by_role("link", name="Rules: ").click(timeout=TIMEOUT_MS)
    expect(page.get_by_role("row", name="all")).to_be_visible()
    accept.click()

    expect(page.get_by_role("status").filter(has_text="Accepted.")).to_be_visible()
    expect(accept).to_be_hidden()


def test_a_page_says_when_the_service_does_not_answer(stage: Stage) -> None:
    page = stage.signed_in()
    stage.service.kill()
    status = page.get_by_role("status").filter(has_text="swrhook does not answer")
    expect(status).to_be_visible(timeout=TIMEOUT_MS)
    stage.complaints.clear()  # the browser logs the failed requests

    stage.service.start()
    expect(status).to_be_hidden(timeout=60_000)
    stage.complaints.clear()
