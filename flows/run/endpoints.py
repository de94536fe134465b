"""Which endpoints a run asks: those named, else the first profile whose key is set, else the built-in model."""

import os
from collections.abc import Sequence
from typing import Any

from extractors.vision.endpoints import PROFILES, Endpoint, endpoint_for
from extractors.vision.profile_checks import refuse_unusable
from flows.settings import Settings


def choose(names: Sequence[str], base_url: str | None, model: str | None, settings: Settings) -> list[Endpoint]:
    """The endpoints in order; what the command says wins over the settings.

    Args:
        names: profiles, or none to let the keys decide.
        base_url: instead of the first endpoint's own; alone, it means the profile `custom`.
        model: likewise.
        settings: what the command does not say.

    Raises:
        BadConfiguration: an unknown profile, one whose key, server or model is missing, or a setting that it has no
            use for.
    """
    asked = tuple(names) or settings.endpoints or (_by_key(base_url or settings.base_url),)
    key = settings.api_key.get_secret_value() if settings.api_key else None
    owner, chosen = _owner(asked), []
    for place, name in enumerate(asked):
        # A server and a model on the command line belong to the first profile, or to custom.
        ours, own = place == 0 or name == "custom", name == owner
        chosen.append(
            endpoint_for(
                name,
                os.environ,
                base_url=(base_url if ours else None) or (settings.base_url if own else None),
                model=(model if ours else None) or (settings.model if own else None),
                api_key=key if own else None,
                overrides=settings.endpoint.get(name),
            )
        )
        refuse_unusable(chosen[-1])
    return chosen


def _owner(names: Sequence[str]) -> str | None:
    """Whose `OCTAVO_BASE_URL`, `OCTAVO_MODEL` and `OCTAVO_API_KEY` are: one's own server's, `custom` before others.

    Never a provider's: its key would go to that address.
    """
    own = [name for name in names if name in PROFILES and PROFILES[name].own_server]
    return "custom" if "custom" in own else next(iter(own), None)


def unused_settings(endpoints: Sequence[Endpoint], settings: Settings) -> str | None:
    """What is set and concerns no endpoint of the run, in words; None where nothing is."""
    if any(endpoint.own_server for endpoint in endpoints):
        return None
    key = settings.api_key.get_secret_value() if settings.api_key else None
    given = {"OCTAVO_BASE_URL": settings.base_url, "OCTAVO_MODEL": settings.model, "OCTAVO_API_KEY": key}
    unused = [name for name, value in given.items() if value]
    if not unused:
        return None
    names = ", ".join(endpoint.name for endpoint in endpoints)
    return f"{', '.join(unused)}: not used with {names}, only with custom, vllm or ollama (--base-url, --model are)"


def _by_key(base_url: str | None) -> str:
    if base_url:
        return "custom"
    with_key = (name for name, profile in PROFILES.items() if profile.key_env and os.environ.get(profile.key_env))
    return next(with_key, "local")


def local_app_for(endpoints: Sequence[Endpoint]) -> Any:
    """The built-in model as an ASGI app, when one of the endpoints runs inside this process."""
    if not any(endpoint.in_process for endpoint in endpoints):
        return None
    from extractors.local_model import create_app

    return create_app()
