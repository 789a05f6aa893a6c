"""What outside tools rely on in the database."""

import psycopg
import pytest

from tests.contract_http.sites import Site
from tests.contract_http.visitors import Visitor

COLUMNS = "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = %s"
SET_STATUS = "UPDATE subscriptions SET status = %s RETURNING status"


@pytest.mark.parametrize(
    ("table", "column", "types"),
    [
        ("subscriptions", "id", {"uuid"}),
        ("subscriptions", "email", {"text"}),
        ("subscriptions", "name", {"text"}),
        ("subscriptions", "subscribed_at", {"timestamp with time zone"}),
        ("subscriptions", "status", {"text", "USER-DEFINED"}),
        ("newsletter_issues", "newsletter_issue_id", {"uuid"}),
        ("newsletter_issues", "title", {"text"}),
    ],
)
def test_a_documented_column_is_there(site: Site, table: str, column: str, types: set[str]) -> None:
    ((type_,),) = site.rows(COLUMNS, table, column)
    assert type_ in types


@pytest.mark.parametrize("status", ["pending_confirmation", "confirmed", "unsubscribed", "bounced", "complained"])
def test_a_documented_status_can_be_stored(site: Site, visitor: Visitor, status: str) -> None:
    visitor.subscribe("ada@example.com")
    assert site.rows(SET_STATUS, status) == [(status,)]


def test_no_other_status_can_be_stored(site: Site, visitor: Visitor) -> None:
    visitor.subscribe("ada@example.com")
    with pytest.raises(psycopg.Error):
        site.rows(SET_STATUS, "pending")
    assert site.status("ada@example.com") == "pending_confirmation"
