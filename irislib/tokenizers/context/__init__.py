"""Tokenizers that encode and decode a frame given what came before it."""

from irislib.tokenizers.context.context import AnyTokenizer, Context, ContextTokenizer, take
from irislib.tokenizers.context.given import Given, after_black, given, module_of, of_rows
from irislib.tokenizers.context.in_play import InPlay, Past, in_memory, past_of

__all__ = [
    "AnyTokenizer",
    "Context",
    "ContextTokenizer",
    "Given",
    "InPlay",
    "Past",
    "after_black",
    "given",
    "in_memory",
    "module_of",
    "of_rows",
    "past_of",
    "take",
]
