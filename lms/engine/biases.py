"""Biases for the tokens of one vocabulary. Pure."""

from lms.engine.model import Vocabulary
from lms.errors import InvalidRequest
from lms.generation.request import Sampling


def by_tokens(sampling: Sampling, vocabulary: Vocabulary) -> dict[int, float]:
    """What is added to the logit of each token, by id and by text; a token that is in several texts gets all of it.

    Raises InvalidRequest for an id that is no token of the model.
    """
    biases = dict(sampling.logit_bias)
    wrong = next((token for token in biases if not 0 <= token < len(vocabulary)), None)
    if wrong is not None:
        raise InvalidRequest(
            f"{wrong} is no token of this model: its ids are 0 to {len(vocabulary) - 1}.",
            hint="Say it as text if it is meant so.",
            param="logit_bias",
        )
    for text, bias in sampling.text_bias.items():
        for token in set(vocabulary.tokenize(text, add_special=False)):
            biases[token] = biases.get(token, 0.0) + bias
    return biases
