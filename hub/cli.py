"""The ``hub`` command."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

import click
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from hub import config, migrations, serve, worker
from hub import verify as verifying
from hub.kernel import db
from hub.kernel.embedded import EmbeddedError
from hub.kernel.errors import HubError


@contextmanager
def database() -> Iterator[config.Settings]:
    """Connect this command to the database: yours, the running hub's, or its own."""
    with serve.stores(config.load(), may_join=True) as settings:
        engine = db.connect(str(settings.database_url))
        db.bind(engine)
        try:
            yield settings
        finally:
            engine.dispose()


# Commands of the packages: each is imported when it is asked for. A worker's five
# processes need none of them: they start a third sooner, and are 50 MiB smaller.
ELSEWHERE = {
    "feed": "connectors.cli:feed",
    "sources": "connectors.cli:sources",
    "simulate": "connectors.cli:simulate",
    "key": "partners.cli:key",
    "settlement": "settlement.cli:settlement",
}


class Commands(click.Group):
    """A group whose expected failures are one line, not a trace."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted((*super().list_commands(ctx), *ELSEWHERE))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in ELSEWHERE:
            return super().get_command(ctx, name)
        module, _, attribute = ELSEWHERE[name].partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (config.ConfigError, EmbeddedError, HubError) as error:
            said = str(error)
        except (OperationalError, RedisError, OSError) as error:
            said = str(error).splitlines()[0]
        click.echo(f"hub: {said}", err=True)
        return ctx.exit(2)


KINDS = ["jobs", "webhooks", "suppliers", "periodic"]


@click.group(cls=Commands)
@click.version_option(package_name="ticket-hub")
@click.pass_context
def main(context: click.Context) -> None:
    """Ticket hub: inventory in, shared out, sold once, settled."""
    context.obj = database


@main.command("serve")
@click.option("--no-worker", is_flag=True, help="Serve the API only.")
def serve_command(*, no_worker: bool) -> None:
    """Serve the API until Ctrl-C, with a worker; start embedded stores if need be."""
    sys.exit(serve.serve(config.load(), has_worker=not no_worker))


@main.command("worker")
@click.option("--only", type=click.Choice(KINDS), help="One kind only.")
def worker_command(*, only: str | None) -> None:
    """Carry out jobs and the periodic work."""
    runs: dict[str | None, Callable[[config.Settings], int]] = {
        "jobs": worker.run_jobs,
        "webhooks": worker.run_webhooks,
        "suppliers": worker.run_suppliers,
        "periodic": worker.run_periodic,
        None: worker.supervise,
    }
    run = partial(runs[only])
    settings = config.load()
    if settings.is_embedded:
        with serve.stores(settings, may_join=True) as found:
            sys.exit(run(found))
    sys.exit(run(settings))


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database up to date, as its owner (HUB_DATABASE_OWNER_URL)."""
    with serve.stores(config.load(), may_join=True) as settings:
        if settings.owner_url is None:
            message = "HUB_DATABASE_OWNER_URL is not set: migrations run as the owner"
            raise config.ConfigError(message)
        migrations.upgrade(settings.owner_url)
    click.echo(f"at revision {migrations.revisions()[-1]}", err=True)


@main.command("verify")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def verify_command(*, as_json: bool) -> None:
    """Check every law on the live database; exit 1 with the facts that break one."""
    with database():
        verdict = verifying.verify()
    if as_json:
        click.echo(json.dumps(verdict.as_dict(), indent=2))
    else:
        for fact in verdict.broken:
            law = fact.pop("law")
            click.echo(f"BROKEN {law}: {json.dumps(fact)}")
        state = "every law holds" if verdict.is_clean else "laws are broken"
        click.echo(
            f"{state}; {verdict.unsealed_entries} entries not sealed yet", err=True
        )
    sys.exit(0 if verdict.is_clean else 1)


@main.command("demo")
@click.option("--exit", "is_exit", is_flag=True, help="Stop after the statements.")
def demo_command(*, is_exit: bool) -> None:
    """Load the sample season, sell, settle, print the statements, and serve."""
    from hub.demo import run  # noqa: PLC0415 - its data is large

    sys.exit(run.run(config.load(), is_exit=is_exit))


@main.command("openapi")
@click.option("--octo", is_flag=True, help="The document of OCTO instead.")
def openapi_command(*, octo: bool) -> None:
    """Write the API document to standard output."""
    from hub import app  # noqa: PLC0415 - pulls in the whole web

    found = app.octo_document() if octo else app.document()
    click.echo(json.dumps(found, indent=2, sort_keys=True))


@main.command("problems")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def problems_command(folder: Path) -> None:
    """Write a page for each problem there is into FOLDER."""
    from hub import app, problems  # noqa: PLC0415 - pulls in the whole web

    app.document()  # with all of its errors
    click.echo(f"{problems.write(folder)} problems", err=True)


if __name__ == "__main__":
    main()
