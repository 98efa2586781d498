from dataclasses import replace

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.queries.images import MOST_REPOSITORIES, find_images
from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import SyncFilter
from tests.factories import entry, push, write

IMAGES = (
    "team/web:v1.4.0",
    "team/web:v2",
    "team/web-admin:v1",
    "other/tools/web:v1",
    "team/api:v1",
)


@pytest.fixture
def ledger(database: Database) -> Database:
    for image in IMAGES:
        name, _, tag = image.partition(":")
        namespace, _, repository = name.partition("/")
        write(database, entry(replace(push(tag), namespace=namespace, repository=repository)))
    return database


def found(database: Database, text: str) -> set[str]:
    with database.read() as connection:
        images = find_images(connection, text)
        syncs = list_syncs(connection, SyncFilter(images=images)).items
    return {f"{sync.namespace}/{sync.repository}:{sync.tag}" for sync in syncs}


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("team/web", {"team/web:v1.4.0", "team/web:v2"}),
        ("web", {*IMAGES} - {"team/api:v1"}),
        ("tools", {"other/tools/web:v1"}),
        ("EB-AD", {"team/web-admin:v1"}),
        ("web:v1", {"team/web:v1.4.0", "team/web-admin:v1", "other/tools/web:v1"}),
        ("team/web:v1.4", {"team/web:v1.4.0"}),
        ("nothing", set()),
        ("%", set()),
        ("team/we_", set()),
    ],
)
def test_a_part_of_a_name_finds_its_images(ledger: Database, text: str, images: set[str]) -> None:
    assert found(ledger, text) == images


def test_the_number_of_repositories_is_bounded(database: Database) -> None:
    for number in range(MOST_REPOSITORIES + 5):
        write(database, entry(replace(push("v1"), repository=f"app-{number}")))

    with database.read() as connection:
        assert len(find_images(connection, "app")) == MOST_REPOSITORIES
