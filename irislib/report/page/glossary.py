"""Words of the glossary, each marked and explained where the page first uses it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup, escape

from irislib.errors import ArtifactError

# The words that a stranger may not know; the others of the glossary are everyday words as well.
MARKED = (
    *("code", "token", "label", "patch", "baseline", "arm", "seed", "recall", "PSNR", "occurrence"),
    *("observation", "crop", "consistent", "Grad-CAM", "range"),
)
# It needs no script.
BUTTON = Markup('<dfn><button type="button" class="term" popovertarget="{}">{}</button></dfn>')


def read_glossary(path: Path) -> dict[str, str]:
    """The meaning of each word: the rows of the table in docs/glossary.md.

    Raises ArtifactError if the file is missing or lacks a word that the page marks.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise ArtifactError(f"{path}: missing; get it with git checkout {path}") from None
    meanings = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE))
    lacking = [word for word in MARKED if word not in meanings]
    if lacking:
        raise ArtifactError(f"{path}: has no row for {lacking[0]!r}; add it")
    return {word: _plain(meanings[word]) for word in MARKED}


def _plain(meaning: str) -> str:
    """A meaning without what leads elsewhere in the documentation: steps of the protocol, and backticks."""
    return re.sub(r" \(protocol steps? [^)]*\)|`", "", meaning)


@dataclass
class Glossary:
    """Marks each word once.

    Attributes:
        meanings: of each word to mark; none are marked if it is empty.
        marked: the words that were marked, in the order of the page, with the id of their explanation.
    """

    meanings: dict[str, str]
    marked: dict[str, str] = field(default_factory=dict)

    def mark(self, text: str) -> Markup:
        """The text escaped, each word a button that opens its explanation where the page first uses it."""
        left = [word for word in self.meanings if word not in self.marked]
        if not left:
            return escape(text)
        words = "|".join(map(re.escape, left))
        pattern = re.compile(rf"(?<![\w-])({words})(?:e?s)?(?![\w-])", re.IGNORECASE)  # or a plural
        parts, end = [], 0
        for found in pattern.finditer(text):
            word = next(one for one in left if one.lower() == found[1].lower())
            if word not in self.marked:
                self.marked[word] = f"term-{word.lower()}"
                parts += [escape(text[end : found.start()]), BUTTON.format(self.marked[word], found[0])]
                end = found.end()
        return Markup("").join([*parts, escape(text[end:])])
