"""The command ``zero2prod``, also where only the core is installed."""

import sys

_OURS = (
    "adapters_email",
    "adapters_http",
    "adapters_memory",
    "adapters_postgres",
    "adapters_system",
    "zero2prod",
    "zero2prod_core",
)


def main() -> None:
    """Run the command line; without the extra ``server``, say in one line what to install and exit 2.

    Errors
        A module of this distribution or of the standard library that cannot be imported is a mistake of ours
        and is raised as it is.
    """
    try:
        from zero2prod import cli  # noqa: PLC0415 - the one import that may fail, and only here can be explained

        cli.main()
    except ModuleNotFoundError as missing:
        if not _belongs_to_an_extra(missing.name):
            raise
        sys.stderr.write(
            f"zero2prod: the server is not installed (there is no module {missing.name}); "
            "install it by: pip install 'zero2prod[server]'\n"
        )
        raise SystemExit(2) from None


def _belongs_to_an_extra(module: str | None) -> bool:
    top = (module or "").partition(".")[0]
    return bool(top) and top not in _OURS and top not in sys.stdlib_module_names


if __name__ == "__main__":
    main()
