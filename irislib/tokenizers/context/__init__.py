"""Tokenizers that encode and decode a frame given what came before it."""

from irislib.tokenizers.context.context import AnyTokenizer, Context, ContextTokenizer, black_past
from irislib.tokenizers.context.given import Given, given, module_of, of_rows
from irislib.tokenizers.context.in_play import InPlay, Past, in_memory, past_of

__all__ = [
    "AnyTokenizer",
    "Context",
    "ContextTokenizer",
    "Given",
    "InPlay",
    "Past",
    "black_past",
    "given",
    "in_memory",
    "module_of",
    "of_rows",
    "past_of",
]
