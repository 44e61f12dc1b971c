"""The sentences of a Wikipedia article, from its markup.

mwparserfromhell (the extra [wikipedia]) parses the markup; the functions here choose what is prose. Templates, tables,
references, lists, headings, pictures and comments are left out. A sentence with a formula or with code in it is left
out as a whole, because it would have a hole.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection, Iterator
from typing import Any

from ..errors import UserError
from . import text

INSTALL = "pip install mwparserfromhell"
BREAK = "\n\n"          # ends a sentence
LIST_ITEM = "\0"        # from here to the end of the line: an item of a list
HOLE = "\1"             # what is missing here belongs to the sentence

LEFT_OUT = {"table", "tr", "td", "th", "caption", "ref", "references", "gallery", "imagemap", "timeline", "graph",
            "pre", "source", "syntaxhighlight", "poem", "style", "script", "templatestyles", "includeonly",
            "categorytree", "inputbox", "mapframe", "maplink", "indicator", "section", "ul", "ol", "dl", "hr"}
HOLES = {"math", "chem", "ce", "code", "hiero", "score"}
BLOCKS = {"div", "p", "blockquote", "center"}
LIST_MARKS = {"*", "#", ":", ";"}

# Templates that are words of the sentence, and what they show of their parameters; the others show nothing.
SHOWN = {"lang": "{2}", "transl": "{2}", "transliteration": "{2}", "nowrap": "{1}", "nobr": "{1}", "nobold": "{1}",
         "em": "{1}", "strong": "{1}", "smallcaps": "{1}", "sc": "{1}", "abbr": "{1}", "tooltip": "{1}", "ill": "{1}",
         "visible anchor": "{1}", "vanchor": "{1}", "interlanguage link": "{1}", "us$": "US${1}", "usd": "US${1}",
         "gbp": "\u00a3{1}", "\u00a3": "\u00a3{1}", "euro": "\u20ac{1}", "\u20ac": "\u20ac{1}", "'": "'", "'s": "'s",
         "okina": "\u02bb", "spaced ndash": " \u2013 ", "snd": " \u2013 ", "ndash": "\u2013", "mdash": "\u2014",
         "nbsp": " ", "circa": "c. {1}"}
MEASURES = {"convert", "cvt"}       # {{convert|5|km|mi}} is 5 km, {{convert|5|to|6|km|mi}} is 5 to 6 km
RANGES = {"\u2013", "-", "to", "and", "or", "by", "x", "+/-"}
PICTURE = re.compile(r"(?i)[^:]+:.*\.(?:jpe?g|png|svg|gif|tiff?|webp|djvu|pdf|og[gvam]|webm|mp[34]|wav|flac|xcf)$")
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*:")     # the same article in another language

_LIST_ITEM = re.compile(rf"(?m){LIST_ITEM}.*$")
_MAGIC_WORD = re.compile(r"__[A-Z]+__")
_BRACKETS = re.compile(r"[(\[][\s,;:\u2013-]*[)\]]")         # where only templates were between them
_IN_BRACKET = re.compile(r"(?<=\()[\s,;:]+|[\s,;:]+(?=\))")
_BEFORE_STOP = re.compile(r"[^\S\n]+(?=[,.;:)](?:\s|$))")
# Markup that is left where an article's own markup does not match up.
_MARKUP = re.compile(rf"{HOLE}|\[\[|\]\]|\{{\{{|\}}\}}|\||''|<[a-zA-Z!/]|/>|==|\bhttps?://|&[a-z]+;"
                     r"|\b(?:align|style|class|colspan|rowspan)=")
_LETTER = re.compile(r"[^\W\d_]")


def library() -> Any:
    """mwparserfromhell. Raises UserError with the command that installs it."""
    try:
        return importlib.import_module("mwparserfromhell")
    except ImportError as error:
        raise UserError(f"a Wikipedia dump needs mwparserfromhell ({error}): expected it installed; run: {INSTALL}") \
            from error


def article_sentences(markup: str, hidden: Collection[str] = ()) -> list[list[str]]:
    """The tokens of every sentence of an article; none where the parser gives up on it.

    hidden    the names of the wiki's namespaces, in lower case, whose links show no text: those of files, categories
    """
    parser = library()
    try:
        prose = _prose(parser.parse(markup), hidden)
    except (parser.parser.ParserError, RecursionError):
        return []
    found = (text.tokens(sentence) for sentence in text.sentences(_tidied(prose)) if _is_clean(sentence))
    return [sentence for sentence in found if sentence]


def _tidied(prose: str) -> str:
    """Prose without list items, and without the punctuation around what was left out."""
    prose = _MAGIC_WORD.sub("", _LIST_ITEM.sub(BREAK, prose))
    prose = _IN_BRACKET.sub("", _BRACKETS.sub("", prose))
    return _BEFORE_STOP.sub("", prose)


def _is_clean(sentence: str) -> bool:
    return bool(_LETTER.search(sentence)) and not _MARKUP.search(sentence)


def _prose(code: Any, hidden: Collection[str]) -> str:
    """What a reader sees of parsed markup, with LIST_ITEM, HOLE and BREAK where prose is interrupted."""
    return "".join(part for node in code.nodes for part in _node(node, hidden))


def _node(node: Any, hidden: Collection[str]) -> Iterator[str]:
    kind = type(node).__name__
    if kind == "Text":
        yield node.value.replace(LIST_ITEM, "").replace(HOLE, "")
    elif kind == "Tag":
        yield _tag(node, hidden)
    elif kind == "Wikilink":
        yield _link(node, hidden)
    elif kind == "ExternalLink" and node.title is not None:
        yield _prose(node.title, hidden)
    elif kind == "Heading":
        yield BREAK
    elif kind == "HTMLEntity":
        yield _entity(node)
    elif kind == "Template":
        yield _template(node, hidden)


def _tag(tag: Any, hidden: Collection[str]) -> str:
    name = str(tag.tag).strip().lower()
    if tag.wiki_markup and str(tag.wiki_markup) in LIST_MARKS:
        return LIST_ITEM
    if name in HOLES:
        return HOLE
    if name == "br":
        return " "
    if name in LEFT_OUT:
        return "" if name == "ref" else BREAK
    shown = _prose(tag.contents, hidden) if tag.contents is not None else ""
    return f"{BREAK}{shown}{BREAK}" if name in BLOCKS else shown


def _link(link: Any, hidden: Collection[str]) -> str:
    title = str(link.title).strip()
    prefix, colon, _ = title.partition(":")
    if colon and (prefix.strip().lower() in hidden or PICTURE.match(title)):
        return ""
    if link.text is not None:
        return _prose(link.text, hidden)
    return "" if LANGUAGE.match(title) else title.lstrip(":")


def _entity(entity: Any) -> str:
    try:
        shown = str(entity.normalize())
    except (ValueError, OverflowError):     # a number that is not a character
        return ""
    return " " if shown.isspace() else shown.replace(LIST_ITEM, "").replace(HOLE, "")


def _template(template: Any, hidden: Collection[str]) -> str:
    name = str(template.name).strip().lower().replace("_", " ")

    def value(parameter: int) -> str:
        return _prose(template.get(parameter).value, hidden).strip() if template.has(parameter) else ""
    if name in MEASURES:
        return " ".join(value(k) for k in range(1, 5 if value(2) in RANGES else 3))
    shown = "{1}" if name.startswith("lang-") else SHOWN.get(name, "")
    return re.sub(r"\{(\d)\}", lambda number: value(int(number[1])), shown)
