"""Which endpoints a run asks: those named, else the first profile whose key is set, else the built-in model."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from extractors.vision import obeying
from extractors.vision.endpoints import PROFILES, Endpoint, endpoint_for
from flows.settings import Settings


def choose(names: Sequence[str], base_url: str | None, model: str | None, settings: Settings) -> list[Endpoint]:
    """The endpoints in order; what the command says wins over the settings.

    Args:
        names: profiles, or none to let the keys decide.
        base_url: instead of the first endpoint's own; alone, it means the profile `custom`.
        model: likewise.
        settings: what the command does not say.

    Raises:
        BadConfiguration: an unknown profile, or one whose key, server or model is missing.
    """
    asked = tuple(names) or settings.endpoints or (_by_key(base_url or settings.base_url),)
    key = settings.api_key.get_secret_value() if settings.api_key else None
    chosen = []
    for place, name in enumerate(asked):
        # A server and a model belong to the profile that they were given for: the first, or custom.
        ours = place == 0 or name == "custom"
        own_url, own_model = (settings.base_url, settings.model) if name == "custom" else (None, None)
        chosen.append(
            endpoint_for(
                name,
                os.environ,
                base_url=(base_url if ours else None) or own_url,
                model=(model if ours else None) or own_model,
                api_key=key,
                overrides=settings.endpoint.get(name),
            )
        )
    return chosen


def _by_key(base_url: str | None) -> str:
    if base_url:
        return "custom"
    with_key = (name for name, profile in PROFILES.items() if profile.key_env and os.environ.get(profile.key_env))
    return next(with_key, "local")


def within_told(
    endpoints: Sequence[Endpoint], told: Mapping[str, int], notice: Callable[[str], None]
) -> list[Endpoint]:
    """The endpoints within what their servers tell of their contexts (`told_contexts`); a smaller one is said."""
    for each in endpoints:
        if each.name in told and told[each.name] < each.context:
            notice(f"{each.name} says that its context is {told[each.name]:,} tokens: requests are planned to fit")
    return [obeying(each, told) for each in endpoints]


def local_app_for(endpoints: Sequence[Endpoint]) -> Any:
    """The built-in model as an ASGI app, when one of the endpoints runs inside this process."""
    if not any(endpoint.in_process for endpoint in endpoints):
        return None
    from extractors.local_model import create_app

    return create_app()
