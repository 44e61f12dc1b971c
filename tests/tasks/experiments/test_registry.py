"""registry: each task is listed under the name that its model file carries."""

from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.models.classifier import SentenceClassifier
from elmo_np.tasks.models.senses import WordSenses
from elmo_np.tasks.models.tagger import Tagger
from elmo_np.tasks.models.translator import Translator
from elmo_np.tasks.models.wic import WordInContext


def test_the_tasks_are_those_of_the_models():
    assert list(TASKS) == [kind.TASK for kind in (SentenceClassifier, Tagger, WordSenses, WordInContext, Translator)]
