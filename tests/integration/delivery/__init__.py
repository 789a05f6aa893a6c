"""What is promised of delivery, proved by killing things: real workers, a real PostgreSQL, a relay that records.

`tests.support.campaigns` sets an issue up and judges it, `tests.support.recording_smtp` is the relay and its points to
hold, `tests.support.relays` steers it, and `tests.support.postgres_proxy` holds statements and cuts commits. Nothing
waits for time to pass, and nothing in the product knows that it is being tested.

| file | what happens |
|---|---|
| `test_crash_points` | a worker is killed at each point of a mail's way |
| `test_kills` | workers are killed at random while others go on |
| `test_commits_cut` | the database connection is lost exactly at a commit |
| `test_stops` | SIGTERM amid an issue; SIGSTOP past the end of the leases |
| `test_unsubscribing` | readers leave amid an issue |
| `test_instruments` | the relay and the proxy themselves |
"""
