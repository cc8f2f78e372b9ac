"""SVG that matplotlib wrote: made smaller for a file; with links and the page's colours for the page."""

import base64
import io
import re
from collections.abc import Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from matplotlib.colors import to_hex
from PIL import Image

from irislib.report.palette import few_colours
from irislib.report.style import BLUE, GREY, GROUND_GID, INK, ORANGE, PALE, PAPER, TITLE_GID, Illustration

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
# DejaVu Sans is the widest of these, so text never grows out of the place that matplotlib left for it.
FONTS = "'DejaVu Sans',Verdana,system-ui,sans-serif"
SHARED = f"*{{stroke-linejoin:round;stroke-linecap:butt}}text{{font-family:{FONTS};white-space:pre}}"
# Colours of the style: the custom properties that the page has for them.
PROPERTIES = {
    INK: "--ink",
    "#000000": "--ink",
    GREY: "--grey",
    PALE: "--line",
    PAPER: "--paper",
    to_hex(BLUE): "--blue",
    to_hex(ORANGE): "--orange",
}
_KINDS = re.compile(r"(code|arm|choice)(-part)?:(.*)")
_MARKS = ("use", "path", "text")


def for_file(raw: bytes, name: str) -> bytes:
    """A file of its own: colours as they are, without links."""
    root = _tidy(raw, name)
    for parent in list(root.iter()):
        if parent.get("id") in (TITLE_GID, GROUND_GID) or _KINDS.fullmatch(parent.get("id", "")):
            del parent.attrib["id"]
    root.set("xmlns", SVG)
    style = Element("style")
    style.text = SHARED
    root.insert(0, style)
    return (ElementTree.tostring(root, encoding="unicode") + "\n").encode()


def for_page(raw: bytes, drawn: Illustration, top: float) -> str:
    """An element inside HTML, without the title, which the page shows itself.

    Args:
        raw: what matplotlib wrote.
        drawn: the figure and its texts.
        top: how many points at the upper edge are cut off, with the title in them.

    Raises:
        ValueError: an artist draws more or fewer marks than it has keys.
    """
    root = _tidy(raw, drawn.name)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.get("id") in (TITLE_GID, GROUND_GID):
                parent.remove(child)
    picked = [(group, found) for group in root.iter() if (found := _KINDS.fullmatch(group.get("id", "")))]
    for group, found in picked:
        del group.attrib["id"]
        _identify(group, found[1], bool(found[2]), found[3].split(), drawn)
    for one in root.iter():
        for key in ("style", "fill", "stroke"):
            if value := one.get(key):
                one.set(key, re.sub("#[0-9a-f]{6}", lambda colour: _property(colour[0]), value))
        if one.tag == "image":
            one.set("href", _smaller(one.get("href", "")))
    _share_styles(root)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    root.set("viewBox", f"0 {_rounded(top)} {_rounded(width)} {_rounded(height - top)}")
    root.set("class", "plot")
    root.set("role", "group" if picked else "img")
    root.set("aria-label", drawn.title)
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(raw: bytes, name: str) -> Element:
    """The tree without namespaces and metadata; names that something refers to begin with `name`."""
    root = ElementTree.fromstring(raw)
    referred = re.findall(r'(?:url\(|href=")#([^)"]+)', raw.decode())
    names = {old: f"{name}-{place}" for place, old in enumerate(dict.fromkeys(referred))}
    for parent in root.iter():
        parent.tag = parent.tag.removeprefix(f"{{{SVG}}}")
        parent.tail = None
        if parent.text and not parent.text.strip():
            parent.text = None
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
        attributes = dict(parent.attrib)
        parent.attrib.clear()
        for key, value in attributes.items():
            if key != "id" or value in names or value in (TITLE_GID, GROUND_GID) or _KINDS.fullmatch(value):
                parent.set(key.removeprefix(f"{{{XLINK}}}"), _shorter(key, value, names))
        if (parent.get("transform") or "").startswith("rotate(-0 "):
            del parent.attrib["transform"]
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    _unwrap(root)
    return root


def _shorter(key: str, value: str, names: Mapping[str, str]) -> str:
    """An attribute with fewer letters, and with the new names."""
    if key == "id":
        return names.get(value, value)
    if key.endswith("href"):
        return f"#{names[value[1:]]}" if value.startswith("#") else value
    value = re.sub(r"url\(#([^)]+)\)", lambda old: f"url(#{names[old[1]]})", value)
    # A transform multiplies, so that its digits count for more.
    digits = 4 if key == "transform" else 2
    value = re.sub(r"-?\d+\.\d+(?![\d\w])", lambda number: _rounded(float(number[0]), digits), value)
    if key == "style":
        value = re.sub(r"font: (?:(\d{3}|bold) )?([\d.]+)px [^;]*", _font, value)
        value = re.sub(r"font-family:[^;]*;?", "", value)
        value = re.sub(r"\s*([;:,])\s*", r"\1", value).removesuffix(";")
    if key == "d":
        value = re.sub(r"\s*([A-Za-z])\s*", r"\1", value)
    return " ".join(value.split())


def _font(found: re.Match[str]) -> str:
    return f"font-size:{found[2]}px" + (";font-weight:700" if found[1] else "")


def _rounded(value: float, digits: int = 2) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _unwrap(root: Element) -> None:
    """Takes away groups that hold nothing, and those that say nothing about what they hold."""
    for parent in list(root.iter())[::-1]:
        for place, child in reversed(list(enumerate(parent))):
            if child.tag in ("g", "defs") and len(child) == 0:
                parent.remove(child)
            elif child.tag == "g" and not child.attrib:
                parent[place : place + 1] = list(child)


def _property(colour: str) -> str:
    return (
        f"var({PROPERTIES[colour]},{colour})"
        if colour == PAPER
        else (f"var({PROPERTIES[colour]})" if colour in PROPERTIES else colour)
    )


def _identify(group: Element, kind: str, part: bool, keys: list[str], drawn: Illustration) -> None:
    """Tells each mark of a group which code or arm it is; codes become links, words become choices."""
    if kind == "choice":
        choice = drawn.choices[keys[0]]
        group.set("data-choose", " ".join(map(str, choice.codes)))
        group.set("data-why", choice.why)
        return
    marks = list(_marks(group))
    if len(marks) != len(keys):
        raise ValueError(f"{drawn.name}: {len(marks)} marks for {len(keys)} keys of the kind {kind}")
    link = Element("a")
    for key, (parent, one) in zip(keys, marks, strict=True):
        if kind == "arm" or part:
            one.set(f"data-{kind}", key)
            if not part:
                one.insert(0, _title(drawn, key))
        elif link.get("data-code") == key and link in parent:
            # Marks of one code that follow each other are one link.
            parent.remove(one)
            link.append(one)
        else:
            # One link of a figure is a stop of the tab key, and the script moves it; see figures.js.
            link = Element("a", {"href": f"#code-{key}", "tabindex": "-1", "data-code": key})
            parent[list(parent).index(one)] = link
            link.extend([_title(drawn, key), one])


def _title(drawn: Illustration, key: str) -> Element:
    title = Element("title")
    title.text = drawn.names.get(key, key)
    return title


def _share_styles(root: Element) -> None:
    """Gives a style that all children of a group have to the group."""
    for parent in list(root.iter())[::-1]:
        children = [child for child in parent if child.tag not in ("title", "defs")]
        styles = list({child.get("style", "") for child in children})
        # Opacity is not inherited: a group would be faint as a whole.
        if parent.tag not in ("g", "a") or parent.get("style") or len(styles) != 1:
            continue
        if styles[0] and not re.search(r"(?<![\w-])opacity", styles[0]):
            parent.set("style", styles[0])
            for child in children:
                del child.attrib["style"]


def _marks(group: Element) -> list[tuple[Element, Element]]:
    """The drawn elements of a group with their parents, in order."""
    found = []
    for child in group:
        if child.tag in _MARKS:
            found.append((group, child))
        elif child.tag != "defs":
            found += _marks(child)
    return found


def _smaller(uri: str) -> str:
    """A PNG picture as lossless WebP of few colours."""
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        data = io.BytesIO()
        few_colours(picture).save(data, "WEBP", lossless=True, method=4, exact=False)
    return f"data:image/webp;base64,{base64.b64encode(data.getvalue()).decode()}"
