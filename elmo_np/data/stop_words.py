"""English function words: they carry grammar rather than topic and are dropped before topics are compared.

The list is closed and sorted by word class, so that a reader can see what is in it and why.
`preprocess_text` uses it; a language model does not, since it learns mostly from function words.
"""

_CLASSES = (
    # Articles and other determiners.
    "a an the this that these those each every either neither some any no all both half several such another other "
    "same own enough much many more most less least few fewer",
    # Personal pronouns, their possessives and reflexives.
    "i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself "
    "we us our ours ourselves they them their theirs themselves one oneself",
    # Indefinite pronouns.
    "anybody anyone anything everybody everyone everything nobody none nothing somebody someone something",
    # Interrogatives and relatives.
    "who whom whose which what when where why how whoever whomever whichever whatever whenever wherever however",
    # Forms of be, have and do.
    "am is are was were be been being have has had having do does did done doing",
    # Modal verbs, and the halves of cannot.
    "can could may might must shall should will would ought cannot",
    # Prepositions and particles.
    "about above across after against along among amongst around as at before behind below beneath beside besides "
    "between beyond by despite down during except for from in inside into near of off on onto out outside over past "
    "per since through throughout till to toward towards under until up upon via with within without",
    # Conjunctions.
    "and but or nor so yet if unless because although though whereas whether while than lest once",
    # Adverbs of negation, place, time and degree with a grammatical role.
    "not never here there now then again further also too very just only even ever quite rather still already almost "
    "thus hence therefore otherwise perhaps else",
    # Remnants of contractions whose apostrophe became a space: it's, don't, we'd, they'll, you're, I've, I'm.
    "s t d ll re ve m",
    # First halves of negated verbs (don't, isn't, ...), except those that are also words (won, can).
    "don doesn didn isn aren wasn weren haven hasn hadn couldn wouldn shouldn mustn mightn needn shan ain",
)

STOP_WORDS = frozenset(" ".join(_CLASSES).split())
