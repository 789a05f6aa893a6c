"""What is promised of delivery, proved by killing things: real workers, a real PostgreSQL, a relay that records.

`tests.support.campaigns` sets an issue up and judges it, `tests.support.recording_smtp` is the relay and its points to
hold, `tests.support.relays` steers it, and `tests.support.postgres_proxy` holds statements and cuts commits. Nothing
waits for time to pass, and nothing in the product knows that it is being tested.

What dies here is processes, never the machine. PostgreSQL runs with ``fsync=off`` and the like
(`tests.support.postgres.UNSAFE_AND_FAST`): what it has handed to the kernel outlives its processes and ours, but would
not outlive a loss of power, of which these tests prove nothing. `test_database_deaths`, where the server itself is
killed, has one of its own with the settings that users get, so that a commit is on the disk before it is believed.

| file | what happens |
|---|---|
| `test_crash_points` | a worker is killed at each point of a mail's way |
| `test_kills` | workers are killed at random while others go on |
| `test_commits_cut` | the database connection is lost exactly at a commit |
| `test_stops` | SIGTERM amid an issue; SIGSTOP past the end of the leases |
| `test_unsubscribing` | readers leave amid an issue |
| `test_database_deaths` | PostgreSQL dies amid an issue, and comes back |
| `test_lies` | a relay that lies at each point, over both stores |
| `test_dead_domain` | one recipient domain of a hundred takes no mail |
| `test_postfix` | Debian's Postfix as the relay |
| `test_a_million` | very many readers, by the ordinary way |
| `test_instruments` | the relay and the proxy themselves |
"""
