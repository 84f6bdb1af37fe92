"""The database's shape, step by step; run as the owner, never as ``hub_app``."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

FOLDER = Path(__file__).parent


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Bring the database up to *revision*."""
    command.upgrade(_config(owner_url), revision)


def revisions() -> list[str]:
    """Return all revisions, oldest first."""
    script = ScriptDirectory.from_config(_config(""))
    return [step.revision for step in script.walk_revisions()][::-1]


def _config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    return config
