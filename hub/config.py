"""Configuration from the environment: one frozen object, checked at start."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

SECRET_LENGTH_MIN = 32
LOG_LEVELS = ("debug", "info", "warning", "error")
PRIVATE = ("refuse", "allow")
DIGITS_MAX = 16
MEBIBYTE = 1024 * 1024
OWNER_URL = "HUB_DATABASE_OWNER_URL"


class ConfigError(Exception):
    """A variable of the environment is missing or wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the environment decides. Sizes in bytes, times in seconds."""

    var: Path
    database_url: str | None
    owner_url: str | None
    redis_url: str | None
    secret_key: str
    host: str
    port: int
    workers: int
    threads: int
    log_level: str
    hold_ttl_s: int
    is_batching: bool
    availability_age_s: int
    feed_bytes_max: int
    body_bytes_max: int
    credential_cache_s: int
    public_url: str | None
    webhooks_private: bool
    rate_percent: int
    agent_at_once: int
    webhook_workers: int
    credentials_keys: tuple[str, ...]
    supplier_workers: int
    metrics_dir: str | None

    @property
    def is_embedded(self) -> bool:
        """Whether the hub runs its own PostgreSQL and Valkey under ``var``."""
        return self.database_url is None


class _Reader:
    """Reads variables; every complaint names the variable and what it wants."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        said = self.text(name) or str(default)
        is_number = said.isascii() and said.isdecimal() and len(said) < DIGITS_MAX
        if not is_number or not low <= int(said) <= high:
            message = (
                f"{name} is {said!r}: it must be a whole number from {low} to {high}"
            )
            raise ConfigError(message)
        return int(said)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        said = (self.text(name) or default).lower()
        if said not in choices:
            message = f"{name} is {said!r}: it must be one of {', '.join(choices)}"
            raise ConfigError(message)
        return said

    def url(self, name: str, schemes: tuple[str, ...]) -> str | None:
        said = self.text(name)
        if said is not None and not said.startswith(schemes):
            message = f"{name} must start with {' or '.join(schemes)}"
            raise ConfigError(message)
        return said


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment; ConfigError names the variable at fault."""
    read = _Reader(os.environ if environment is None else environment)
    postgres = ("postgresql://", "postgresql+psycopg://")
    var = Path(read.text("HUB_VAR") or "var")
    database_url = read.url("HUB_DATABASE_URL", postgres)
    redis_url = read.url("HUB_REDIS_URL", ("redis://", "rediss://", "unix://"))
    if (database_url is None) != (redis_url is None):
        unset = "HUB_DATABASE_URL" if database_url is None else "HUB_REDIS_URL"
        message = (
            f"{unset} is not set: set both stores, or neither to run embedded ones"
        )
        raise ConfigError(message)
    return Settings(
        var=var,
        database_url=_with_psycopg(database_url),
        owner_url=_with_psycopg(read.url("HUB_DATABASE_OWNER_URL", postgres)),
        redis_url=redis_url,
        secret_key=_secret(read, var, is_embedded=database_url is None),
        host=read.text("HUB_HOST") or "127.0.0.1",
        port=read.number("HUB_PORT", 8080, 1, 65535),
        workers=read.number("HUB_WORKERS", 2, 1, 64),
        threads=read.number("HUB_THREADS", 32, 1, 512),
        log_level=read.choice("HUB_LOG_LEVEL", "info", LOG_LEVELS),
        hold_ttl_s=read.number("HUB_HOLD_TTL_S", 900, 10, 86_400),
        availability_age_s=read.number("HUB_AVAILABILITY_AGE_S", 1, 0, 60),
        is_batching=read.choice("HUB_COMMITTER", "on", ("on", "off")) == "on",
        feed_bytes_max=read.number("HUB_FEED_BYTES_MAX", 512 * MEBIBYTE, 1024, 2**40),
        body_bytes_max=read.number("HUB_BODY_BYTES_MAX", MEBIBYTE, 1024, 2**30),
        credential_cache_s=read.number("HUB_CREDENTIAL_CACHE_S", 5, 0, 60),
        public_url=read.url("HUB_PUBLIC_URL", ("https://", "http://")),
        webhooks_private=read.choice("HUB_WEBHOOKS_PRIVATE", "refuse", PRIVATE)
        == "allow",
        rate_percent=read.number("HUB_RATE_PERCENT", 100, 0, 100_000),
        agent_at_once=read.number("HUB_AGENT_AT_ONCE", 8, 0, 512),
        credentials_keys=_credentials_keys(read, var, is_embedded=database_url is None),
        supplier_workers=read.number("HUB_SUPPLIER_WORKERS", 1, 1, 32),
        webhook_workers=read.number("HUB_WEBHOOK_WORKERS", 2, 1, 32),
        metrics_dir=read.text("PROMETHEUS_MULTIPROC_DIR"),
    )


def _with_psycopg(url: str | None) -> str | None:
    return url and url.replace("postgresql://", "postgresql+psycopg://", 1)


def _secret(read: _Reader, var: Path, *, is_embedded: bool) -> str:
    secret = read.text("HUB_SECRET_KEY")
    if secret is None and is_embedded:
        return _own_secret(var / "secret")
    if secret is None or len(secret) < SECRET_LENGTH_MIN:
        message = (
            f"HUB_SECRET_KEY must be set to at least {SECRET_LENGTH_MIN} characters; "
            "API keys are hashed with it, so it must stay the same"
        )
        raise ConfigError(message)
    return secret


def _credentials_keys(
    read: _Reader, var: Path, *, is_embedded: bool
) -> tuple[str, ...]:
    """Return the keys that seal suppliers' credentials: the first seals, all open."""
    said = read.text("HUB_CREDENTIALS_KEYS")
    if said is None and is_embedded:
        return (_own_secret(var / "credentials-key", Fernet.generate_key().decode()),)
    keys = tuple(key.strip() for key in (said or "").split(",") if key.strip())
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            message = (
                "HUB_CREDENTIALS_KEYS holds what is no key: each is 32 random bytes in"
                " URL-safe base64, as `hub sources new-key` writes one"
            )
            raise ConfigError(message) from None
    return keys


def _own_secret(path: Path, made: str | None = None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        new = path.with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(made or secrets.token_urlsafe(48))
        new.rename(path)
    return path.read_text().strip()


def child_environment(settings: Settings, *, metrics_dir: str) -> dict[str, str]:
    """Return the environment in which web and worker find the same settings."""
    said = {
        "HUB_VAR": str(settings.var),
        "HUB_DATABASE_URL": settings.database_url,
        "HUB_REDIS_URL": settings.redis_url,
        "HUB_SECRET_KEY": settings.secret_key,
        "HUB_CREDENTIALS_KEYS": ",".join(settings.credentials_keys),
        "PROMETHEUS_MULTIPROC_DIR": metrics_dir,
    }
    without_owner = {k: v for k, v in os.environ.items() if k != OWNER_URL}
    return without_owner | {name: value for name, value in said.items() if value}
