"""A small Wikipedia dump written by hand: what it holds, and the sentences that it has."""

import bz2
from xml.sax.saxutils import escape

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="de">
  <siteinfo>
    <namespaces>
      <namespace key="-2" case="first-letter">Medium</namespace>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Diskussion</namespace>
      <namespace key="6" case="first-letter">Datei</namespace>
      <namespace key="14" case="first-letter">Kategorie</namespace>
    </namespaces>
  </siteinfo>
"""
FOOT = "</mediawiki>\n"
CAT = """{{Infobox animal|name=Cat|image=[[Datei:cat.jpg]]}}
[[Datei:A cat.jpg|thumb|A [[cat]] at rest.]]
The '''cat''' (''Felis catus''{{efn|A note.}}) is a [[Mammal|small mammal]].<ref>Smith, p. 3.</ref> It weighs
{{convert|4|to|5|kg|lb}}. Its area is <math>x^2</math>, they say.

== Food ==
* mice
* {{lang|fr|souris}}
It eats &quot;mice&quot;&nbsp;&amp; birds.

{| class="wikitext"
! Year !! Cats
|-
| 1990 || 7
|}
[[Kategorie:Animals]]
"""
SENTENCES = [["The", "cat", "(", "Felis", "catus", ")", "is", "a", "small", "mammal", "."],
             ["It", "weighs", "4", "to", "5", "kg", "."],
             ["It", "eats", '"', "mice", '"', "&", "birds", "."]]


def page(markup, title="Cat", ns=0, redirect="", model="wikitext"):
    return (f"  <page>\n    <title>{title}</title>\n    <ns>{ns}</ns>\n{redirect}    <revision>\n      <id>1</id>\n"
            f"      <model>{model}</model>\n      <text bytes=\"1\" xml:space=\"preserve\">{escape(markup)}</text>\n"
            "    </revision>\n  </page>\n")


OTHERS = (page("#REDIRECT [[Cat]]", redirect='    <redirect title="Cat" />\n') + page("Is it a cat?", ns=1)
          + page('{"a": 1}', model="json"))
DUMP = HEAD + OTHERS + page(CAT) + page("{{Only a template}}") + page("A dog is not a cat.", "Dog") + FOOT
DOG = ["A", "dog", "is", "not", "a", "cat", "."]


def write_dump(path, pages=None):
    """A dump, compressed if its name says so: DUMP, or one with these articles."""
    data = (DUMP if pages is None else HEAD + "".join(map(page, pages)) + FOOT).encode()
    path.write_bytes(bz2.compress(data) if path.suffix == ".bz2" else data)
    return path
