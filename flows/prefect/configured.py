"""Whether a Prefect API is configured, told without importing Prefect (1.7 s)."""

import os
import tomllib
from pathlib import Path


def prefect_is_configured() -> bool:
    """Whether a Prefect API is named by the environment or the active profile."""
    if os.environ.get("PREFECT_API_URL"):
        return True
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml"))
    try:
        declared = tomllib.loads(profiles.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return False
    active = os.environ.get("PREFECT_PROFILE") or declared.get("active")
    return bool(declared.get("profiles", {}).get(active, {}).get("PREFECT_API_URL"))
