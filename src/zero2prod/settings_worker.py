"""Settings of the delivery worker's own port."""

import attrs
import typed_settings as ts


@attrs.frozen
class WorkerSettings:
    """The worker."""

    host: str = ts.option(
        default="127.0.0.1",
        help=(
            "The network address on which each worker answers, where it has a port. Slow clients and too many "
            "connections are held off as on the site."
        ),
    )
    port: int = ts.option(
        default=0,
        help=(
            "The TCP port on which the worker answers `/metrics`, `/health/ready` and `/health_check`, 1 to 65535; 0 "
            "means none. Under `up` with several workers the second has the port after it, and so on, up to 65535."
        ),
    )


NO_PORT = WorkerSettings()
"""A worker that nobody can ask."""
