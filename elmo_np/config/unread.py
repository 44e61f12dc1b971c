"""Which settings change nothing in a training, the others being as they are."""

from .schema import Settings


def unread(settings: Settings) -> dict[str, str]:
    """{setting: what it changes nothing without}."""
    data, model, train = settings.data, settings.model, settings.train
    characters = "char_dim", "char_activation", "char_highways", "char_projection", "max_characters"
    other_rates = model.input_dropout is not None and model.output_dropout is not None
    wait = train.average_wait + 2       # epochs after which NT-ASGD begins at the earliest
    needs = [(characters, "char_filters", model.char_filters is not None),
             (("share_embedding", "share_softmax"), "direction = both", model.direction == "both"),
             (("proj_clip",), "projection_dim", model.projection_dim is not None),
             (("residual",), "a second layer", model.layers > 1),
             (("samples",), "softmax = sampled", model.softmax == "sampled"),
             (("cutoffs", "div_value"), "softmax = adaptive", model.softmax == "adaptive"),
             (("dropout",), "a second layer, as input_dropout and output_dropout are set",
              model.layers > 1 or not other_rates),
             (("locked_dropout",), "a dropout", any(model.dropout_rates)),
             (("steps", "streams"), "state = carry", train.state == "carry"),
             (("nesterov",), "a momentum above 0", train.momentum > 0),
             (("momentum", "nesterov"), "optimizer = sgd", train.optimizer == "sgd"),
             (("decay",), f"more than {train.decay_after} epochs (decay_after)", train.epochs > train.decay_after),
             (("decay_after",), "a decay below 1", train.decay < 1),
             (("average",), f"more than {wait} epochs (average_wait + 2)",
              train.average != "asgd" or train.epochs > wait),
             (("average_decay",), "average = ema", train.average == "ema"),
             (("average_wait",), "average = asgd", train.average == "asgd"),
             (("held_out",), "sentences held out, as a validation text is given", data.valid is None)]
    return {name: need for names, need, is_read in needs if not is_read for name in names}
