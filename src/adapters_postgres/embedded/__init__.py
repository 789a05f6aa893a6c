"""PostgreSQL of our own, for when no database is given: ``EmbeddedPostgres(default_data_dir())``."""

from adapters_postgres.embedded.data_directory import default_data_dir
from adapters_postgres.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "default_data_dir"]
