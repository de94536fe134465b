"""Why an answer ended: one table for all dialects, one consequence each.

whole     it ended by itself: it is read
cut       at the limit of its length: asked again with more room, then for fewer pages
declined  the model, or a filter, would not
failed    the server broke it off: asked again, a few times only
runaway   cut off here, for it ran away
"""

from typing import Literal

Ending = Literal["whole", "cut", "declined", "failed", "runaway"]

RUNAWAY, BROKEN_OFF = "runaway", "broken_off"
"""The finish reasons that Octavo gives itself: an answer that it cut off; a stream that ended without saying why."""

# Sources: the API references of OpenAI, Anthropic, Mistral, Google, OpenRouter, DeepSeek, Cohere, TGI, SGLang, vLLM.
_ENDINGS: dict[str, Ending] = {
    **dict.fromkeys(
        (
            "", "stop", "end_turn", "stop_sequence", "stop_token", "eos", "eos_token", "eod", "complete", "completed",
            "finished", "done", "success", "tool_calls", "tool_call", "tool_use", "function_call",
        ),
        "whole",
    ),
    **dict.fromkeys(
        (
            "length", "model_length", "max_length", "max_tokens", "max_output_tokens", "max_new_tokens",
            "max_completion_tokens", "token_limit", "model_context_window_exceeded", "context_length",
            "context_length_exceeded", "incomplete",
        ),
        "cut",
    ),
    **dict.fromkeys(
        (
            "content_filter", "content_filtered", "refusal", "safety", "recitation", "blocklist",
            "prohibited_content", "spii", "moderation", "guardrail_intervened", "error_toxic", "sensitive",
        ),
        "declined",
    ),
    **dict.fromkeys(
        (
            BROKEN_OFF, "error", "abort", "aborted", "cancelled", "canceled", "timeout", "failed", "failure",
            "internal_error", "server_error", "network_error", "engine_error", "insufficient_system_resource",
            "malformed_function_call", "preempted", "user_cancel",
        ),
        "failed",
    ),
    RUNAWAY: "runaway",
}  # fmt: skip


def named(reason: str | None) -> str:
    """A finish reason as the table has it; null is the empty one."""
    return (reason or "").strip().lower()[:60]


def is_known(reason: str | None) -> bool:
    """Whether the table has a finish reason."""
    return named(reason) in _ENDINGS


def ending_of(reason: str | None) -> Ending:
    """A finish reason's consequence. One that nobody knows is no failure: the answer shows whether it is whole."""
    return _ENDINGS.get(named(reason), "whole")
