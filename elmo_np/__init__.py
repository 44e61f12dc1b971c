"""ELMo from scratch in NumPy, with the recurrent loop in Cython: to read, to check and to use."""

from .bilm import BiLM
from .config import BiLMConfig, DataConfig, Settings, TrainConfig
from .elmo import ELMo
from .errors import UserError
from .evaluate import evaluate
from .gradcheck import gradcheck
from .lstm import LSTM
from .optim import SGD, Adagrad, Adam
from .text import preprocess_text
from .train import train
from .vocabulary import Vocabulary

__version__ = "0.1.0"

__all__ = ["LSTM", "SGD", "Adagrad", "Adam", "BiLM", "BiLMConfig", "DataConfig", "ELMo", "Settings", "TrainConfig",
           "UserError", "Vocabulary", "evaluate", "gradcheck", "preprocess_text", "train"]
