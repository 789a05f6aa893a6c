"""Readers by the hundred thousand, made in the database: through the application they would take minutes."""

from collections.abc import Iterator

from tests.support.databases import Database

DOMAINS = 100
"""Among so many domains the readers are spread."""

JOIN = """
INSERT INTO subscriptions (
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, status, subscribed_at,
    confirmed_at
)
SELECT
    ('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid, newsletter_id, email, email,
    split_part(email, '@', 2), sha256(email::bytea), 'crowd', 'Ada', 'confirmed', now(), now()
FROM newsletters, generate_series(1, %s) AS number,
    concat('reader', number, '@domain', number %% %s, '.example') AS email
WHERE slug = 'default'
"""


def readers(count: int) -> Iterator[str]:
    """The e-mail addresses of such a crowd."""
    return (f"reader{number}@domain{number % DOMAINS}.example" for number in range(1, count + 1))


def gather(database: Database, count: int) -> None:
    """Have so many confirmed subscribers of the default newsletter, and the planner told of them."""
    database.superuser.execute(JOIN, [count, DOMAINS])
    database.superuser.execute("VACUUM ANALYZE")
