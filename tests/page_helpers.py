"""Shared by tests of the HTML pages: an untrained model, what a page holds, and text that must stay text."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np

from elmo_np import ELMo
from elmo_np.config.schema import BiLMConfig
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.occurrences import Occurrence, Sample
from elmo_np.nn.bilm import BiLM
from elmo_np.runtime.progress import Progress
from elmo_np.viz.explore import explore_page

QUIET = Progress(quiet=True)
HOSTILE = ["</script><script>document.title='owned'</script>", "<!--", "<script>", "&amp;", "<img/src=x>"]


def model(sentences, dim=8, layers=2, **options):
    """A model as it was drawn: its vectors depend on the context all the same."""
    vocabulary = Vocabulary.build(sentences)
    config = BiLMConfig(**{"embedding_dim": dim, "hidden_dim": dim, "layers": layers, "init_scale": 0.5, **options})
    return ELMo(BiLM(config, len(vocabulary), rng=np.random.default_rng(0)), vocabulary)


class Elements(HTMLParser):
    """The elements of a page and the text in each kind."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.inside, self.texts, self.policy = [], [], {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if dict(attributes).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attributes)["content"]
        self.inside.append(tag)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if self.inside:
            self.texts.setdefault(self.inside[-1], []).append(data)


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def array(text, dtype, columns=1):
    found = np.frombuffer(base64.b64decode(text), dtype)
    return found.reshape(-1, columns) if columns > 1 else found


def page_of_2000(rng):
    """Occurrences in sentences of 25 words, as long as the news has them, none twice, and two LSTM layers."""
    drawn = [[f"word{k:02}" for k in row] for row in rng.integers(0, 100, (2000, 24)).tolist()]
    sentences = [(*row[:12], "word", *row[12:]) for row in drawn]
    shown = Sample("word", 2000, [Occurrence(sentence, 12, "") for sentence in sentences])
    return explore_page(model(sentences, dim=4), "news", [shown], QUIET)
