"""Which field of study a lecture belongs to, by the words it uses."""

from __future__ import annotations

import re
from collections import Counter

from ytsb_tui.services.outline.phrases import singular
from ytsb_tui.services.outline.sentences import Speech

_FIELDS = {
    "Computer Science": "algorithm array bit byte cache code compiler computer cpu data database function hash list "
    "loop memory module object operator parameter pointer processor program programmer programming python recursion "
    "runtime server software sort stack string syntax table thread variable browser html api",
    "Artificial Intelligence": "attention classifier dataset decoder embedding encoder gradient inference model neural "
    "network overfitting prediction robot tensor token tokenizer training transformer",
    "Mathematics": "algebra axiom calculus derivative equation geometry integral lemma logarithm matrix polynomial "
    "probability proof set theorem topology vector",
    "Physics": "acceleration atom electron energy entropy field force gravity mass momentum newton photon quantum "
    "relativity velocity wavelength particle",
    "Chemistry": "acid bond catalyst compound electron ion molecule oxidation polymer reaction solvent",
    "Biology": "bacteria cell chromosome dna ecosystem enzyme evolution gene genome membrane mutation neuron organism "
    "photosynthesis protein species virus",
    "Medicine": "blood clinical diagnosis disease dose drug infection patient surgery symptom therapy vaccine",
    "Economics": "bank capital demand economy gdp inflation interest investment labor market monetary price supply tax "
    "trade",
    "History": "army century colony dynasty emperor empire kingdom medieval revolution treaty war",
    "Philosophy": "aristotle epistemology ethics existence kant metaphysics moral plato socrates truth virtue",
    "Psychology": "anxiety behavior bias cognition cognitive conditioning emotion freud memory perception personality "
    "psychologist therapy",
    "Law": "clause constitution contract court criminal defendant judge jury liability plaintiff statute",
}
DIFFERENT = 4
"""How many different words of a field have to be used before it is named."""


def field_of(speech: Speech) -> str:
    """The field an English lecture most likely belongs to; "" when its words do not tell it from another."""
    if speech.language != "en":
        return ""
    words = Counter(
        singular(word) for sentence in speech.sentences for word in re.findall(r"[a-z]+", sentence.text.lower())
    )
    hits = {field: [words[word] for word in known.split() if words[word]] for field, known in _FIELDS.items()}
    scores = {field: sum(min(times, 10) for times in found) for field, found in hits.items()}
    best, second = sorted(scores, key=lambda field: -scores[field])[:2]
    clear = scores[best] >= 1.5 * scores[second]
    return best if clear and len(hits[best]) >= DIFFERENT else ""
