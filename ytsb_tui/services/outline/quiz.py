"""Questions made from a lecture's own sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ytsb_tui.services.escape import literal
from ytsb_tui.services.outline.digest import SHORT, TELLING, Digest, Role, leans
from ytsb_tui.services.outline.phrases import Concept
from ytsb_tui.services.outline.quotes import WIDEST, quote
from ytsb_tui.services.outline.sentences import Sentence
from ytsb_tui.study import Question
from ytsb_tui.transcript import timestamp

BLANK = r"\_\_\_\_\_"
_HOLE = "\ue000"
"""Stands for the blank until the sentence around it is made literal."""
RECALL, DEFINITIONS, EXPLAIN, GAPS = "Recall", "Definitions", "Explain in Your Own Words", "Gap Analysis"
PASSAGE = 3
"""Sentences of a passage that the notes left out."""


def questions(lecture: Digest, timed: bool, notes: str) -> list[Question]:
    """Up to 7 questions, each with its answer in the lecture; at least 1 when anything is said.

    Those of the gap analysis ask about passages of which `notes` quote nothing.
    """
    if not lecture.sentences:
        return []
    return _Quiz(lecture, timed, notes).questions()


class _Quiz:
    """The questions on one lecture; no sentence is asked about twice."""

    def __init__(self, lecture: Digest, timed: bool, notes: str) -> None:
        self.lecture = lecture
        self.timed = timed
        self.notes = notes
        self.asked: set[int] = set()

    def questions(self) -> list[Question]:
        gaps = list(islice(self._gaps(), 2))
        definitions = list(islice(self._definitions(), 1))
        explanations = list(islice(self._explanations(), 2))
        missing = 6 - len(gaps + definitions + explanations)
        recall = list(islice(self._clozes(), max(2, missing)))
        return [*recall, *definitions, *explanations, *gaps] or [self._about_everything()]

    def _clozes(self) -> Iterator[Question]:
        """Weighty sentences with a concept blanked out, each concept once."""
        blanked: set[str] = set()
        for sentence in self._weightiest():
            longest_first = sorted(self._concepts_in(sentence), key=lambda each: -len(each.name))
            concept = next((each for each in longest_first if each.name not in blanked), None)
            if concept is None or not self._can_have_a_hole(sentence, concept):
                continue
            blanked.add(concept.name)
            self.asked.add(sentence.place)
            holed = literal(concept.pattern.sub(_HOLE, sentence.text.replace(_HOLE, ""))).replace(_HOLE, BLANK)
            yield Question(
                kind=RECALL,
                prompt=f"Fill in the missing term: {holed}",
                answer=f"**{literal(concept.name)}**\n\n{self._quoted([sentence])}",
                concepts=(concept.name,),
                at=self._at(sentence),
                hints=self._choices(concept),
            )

    def _can_have_a_hole(self, sentence: Sentence, concept: Concept) -> bool:
        """Whether a sentence still makes sense, alone and without `concept`."""
        return (
            SHORT * (0.3 if self.lecture.speech.spaceless else 1) < len(sentence.text) <= WIDEST
            and self.lecture.weight(sentence) >= TELLING
            and len(concept.pattern.findall(sentence.text)) <= 2
            and self._role(sentence) not in (Role.QUESTION, Role.ACTION)
            and not leans(sentence.text)
        )

    def _definitions(self) -> Iterator[Question]:
        weighed = sorted(self.lecture.definitions, key=lambda each: -self.lecture.weight(each.sentence))
        for term, sentence in ((each.term, each.sentence) for each in weighed):
            if sentence.place in self.asked:
                continue
            self.asked.add(sentence.place)
            yield Question(
                kind=DEFINITIONS,
                prompt=f"How does the speaker define **{literal(term)}**?",
                answer=self._quoted([sentence]),
                concepts=tuple(each.name for each in self._concepts_in(sentence)) or (term,),
                at=self._at(sentence),
            )

    def _explanations(self) -> Iterator[Question]:
        """The most important concepts, each answered by the sentences that say most about it."""
        for concept in self.lecture.concepts:
            about = [each for each in self.lecture.about(concept) if self._role(each) is not Role.QUESTION]
            explained = self.lecture.explanations.get(concept.name)
            if len(about) < 2 or explained is None or explained.place in self.asked:
                continue
            fresh = [each for each in about if each.place not in self.asked and each is not explained]
            best = [explained, *sorted(fresh, key=lambda each: (-self.lecture.weight(each), each.place))[: PASSAGE - 1]]
            self.asked.update(each.place for each in best)
            told = sorted(best, key=lambda each: each.place)
            yield Question(
                kind=EXPLAIN,
                prompt=f"Explain **{literal(concept.name)}** to somebody who has not seen this video.",
                answer=f"The speaker says:\n\n{self._quoted(told)}",
                concepts=(concept.name,),
                at=self._at(told[0]),
            )

    def _gaps(self) -> Iterator[Question]:
        """The weightiest passages of which the notes quote nothing."""
        for passage in self._left_out():
            if any(each.place in self.asked for each in passage):
                continue
            self.asked.update(each.place for each in passage)
            named = list(dict.fromkeys(each.name for sentence in passage for each in self._concepts_in(sentence)))
            where = f"around {timestamp(passage[0].start)} " if self.timed else ""
            topic = " and ".join(f"**{literal(name)}**" for name in named[:2])
            yield Question(
                kind=GAPS,
                prompt=f"The notes leave out what is said {where}about {topic}. What is it, and why does it matter?",
                answer=f"The speaker says:\n\n{self._quoted(passage)}",
                concepts=tuple(named[:4]),
                at=self._at(passage[0]),
            )

    def _left_out(self) -> Iterator[Sequence[Sentence]]:
        """Passages of which the notes quote nothing: the longer first, then the weightier."""
        sentences = self.lecture.sentences
        fresh = [self.notes != "" and quote(each.text) not in self.notes for each in sentences]
        for size in range(PASSAGE, 0, -1):
            starts = [
                at
                for at in range(len(sentences) - size + 1)
                if all(fresh[at : at + size])
                and self.lecture.weights[at] >= TELLING
                and any(map(self._concepts_in, sentences[at : at + size]))
            ]
            starts.sort(key=lambda at: (-sum(self.lecture.weights[at : at + size]), at))
            yield from (sentences[at : at + size] for at in starts)

    def _about_everything(self) -> Question:
        first = list(self.lecture.sentences[:PASSAGE])
        return Question(
            kind=RECALL,
            prompt="What is said in this video? Answer in one sentence.",
            answer=self._quoted(first),
            at=self._at(first[0]),
        )

    def _weightiest(self) -> list[Sentence]:
        fresh = [each for each in self.lecture.sentences if each.place not in self.asked]
        return sorted(fresh, key=lambda each: (-self.lecture.weight(each), each.place))

    def _concepts_in(self, sentence: Sentence) -> list[Concept]:
        return [concept for concept in self.lecture.concepts if concept.within(sentence.text)]

    def _choices(self, right: Concept) -> tuple[str, ...]:
        """The concept among three others, in the order of the alphabet."""
        concepts = self.lecture.concepts
        near = sorted(concepts, key=lambda each: abs(concepts.index(each) - concepts.index(right)))[:4]
        return tuple(literal(name) for name in sorted((each.name for each in near), key=str.lower)) if near[1:] else ()

    def _role(self, sentence: Sentence) -> Role:
        return self.lecture.roles[sentence.place]

    def _quoted(self, sentences: Iterable[Sentence]) -> str:
        """Sentences as a block quote, with a mark where some are skipped."""
        said: list[str] = []
        before: Sentence | None = None
        for sentence in sentences:
            if before is not None and sentence.place != before.place + 1:
                said.append("[…]")
            said.append(quote(sentence.text))
            before = sentence
        return f"> {' '.join(said)}"

    def _at(self, sentence: Sentence) -> float | None:
        return sentence.start if self.timed else None
