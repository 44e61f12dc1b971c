"""ELMo from scratch in NumPy, with the recurrent loop in Cython: to read, to check and to use.

The names below are what a program may rely on, together with elmo_np.sklearn, elmo_np.spacy and elmo_np.pandas. The
equations are in elmo_np.nn, whose docstring gives an order to read them in; each package's docstring says what it is
for.
"""

from . import _early_interrupt as _early_interrupt  # first: it watches over the other imports
from . import _old_names
from .config.schema import BiLMConfig, DataConfig, Settings, TrainConfig
from .data.text import preprocess_text
from .data.vocabulary import Vocabulary
from .errors import UserError
from .inference.elmo import ELMo
from .inference.evaluate import evaluate
from .nn.bilm import BiLM
from .nn.gradcheck import gradcheck
from .nn.lstm import LSTM
from .nn.optim import SGD, Adagrad, Adam
from .training.trainer import train

__version__ = "0.1.0"

__all__ = ["LSTM", "SGD", "Adagrad", "Adam", "BiLM", "BiLMConfig", "DataConfig", "ELMo", "Settings", "TrainConfig",
           "UserError", "Vocabulary", "evaluate", "gradcheck", "preprocess_text", "train"]

_old_names.install(__name__)
