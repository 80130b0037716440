"""Notes and assessments as files: whatever the text, they parse, show it, and keep what the user wrote."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import markdown
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.documents import USER_MARK, MarkdownDocuments, keep_user_part, split_user_part
from ytsb_tui.services.escape import literal, one_line, tame
from ytsb_tui.study import Assessment, Question

DOCUMENTS = MarkdownDocuments()
JOB = VideoProcessingJob(
    "dQw4w9WgXcQ",
    "https://youtu.be/dQw4w9WgXcQ",
    subject="Computer_Science",
    video_title="How Hash Tables Work",
    channel="Lectures",
    duration=3723.9,
    language="en",
    author="claude",
    model="some-model",
    concepts=("hash table", "bucket"),
    coverage=0.75,
    related=("Big_O_Notation",),
    study_notes="## Core Concepts\n\n- **bucket** – a slot",
    notes_filepath=Path("Computer_Science/How_Hash_Tables_Work.md"),
    assessment_filepath=Path("Computer_Science/Assessment_How_Hash_Tables_Work.md"),
    started_at=1_000_000_000.0,
)
QUIZ = Assessment(
    (
        Question("Gap Analysis", "What is left out?", "The **load factor**.\n\n- a\n- b", ("load factor",), 75.0),
        Question("Recall", "Which term is missing?", "bucket", hints=("bucket", "key")),
        Question("Gap Analysis", "And what else?", "Rehashing."),
    )
)
TITLES = [
    "---",
    "a: b",
    "- [ ] task",
    '\'"quoted"',
    "line\nbreak\r\n---\ntitle: forged",
    "[[Other]] | x # y ^ z",
    "\x00\x07\x1b[31mred\x85",
    "🎓" * 300,
    "yes",
    "2024-01-01",
    "1:30",
    "{{tp.file}} <% x %> %% hidden %%",
    "<script>alert(1)</script>",
    "right‮to left",
    "\ud800 alone",
    "!!python/object:os.system",
]
OUTSIDE = st.one_of(st.sampled_from(TITLES), st.text(st.characters(exclude_categories=()), max_size=80))


def properties(text: str) -> dict[str, Any]:
    """A file's frontmatter, as any YAML reader sees it."""
    assert text.startswith("---\n")
    loaded = yaml.safe_load(text.removeprefix("---\n").split("\n---\n", 1)[0])
    assert isinstance(loaded, dict)
    return loaded


def shown(text: str) -> str:
    """Outside text in a property: a line that no template begins in."""
    return one_line(text).replace("<%", "< %")


def body(text: str) -> str:
    """A file without its frontmatter."""
    return text.split("\n---\n", 1)[1]


def html(text: str) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(text))


def kinds(text: str) -> set[str]:
    """The kinds of tokens a Markdown parser finds."""
    return {each.type for token in MarkdownIt("commonmark").parse(text) for each in (token, *(token.children or ()))}


def test_a_note_tells_where_it_comes_from() -> None:
    assert properties(DOCUMENTS.note(JOB)) == {
        "title": "How Hash Tables Work",
        "aliases": ["How Hash Tables Work"],
        "source": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "video_id": "dQw4w9WgXcQ",
        "channel": "Lectures",
        "duration": "1:02:03",
        "language": "en",
        "subject": "Computer Science",
        "tags": ["study-notes", "computer-science"],
        "created": properties(DOCUMENTS.assessment_note(JOB))["created"],
        "author": "claude (some-model)",
        "concepts": ["hash table", "bucket"],
        "coverage": 0.75,
    }


def test_a_note_reads_title_link_notes_related_notes_and_the_users_part() -> None:
    shown = body(DOCUMENTS.note(JOB))
    parts = [
        "# How Hash Tables Work",
        "[Watch on YouTube](https://www.youtube.com/watch?v=dQw4w9WgXcQ) · Lectures · 1:02:03 · "
        "[[Assessment_How_Hash_Tables_Work|Assessment]]",
        "## Core Concepts",
        "## Related Notes\n\n- [[Big_O_Notation|Big O Notation]]",
        USER_MARK,
        "## My Notes",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)


def test_what_is_unknown_is_left_out() -> None:
    bare = VideoProcessingJob("file-0123456789ab", "/home/me/talk.srt", study_notes="## Key Points")
    text = DOCUMENTS.note(bare)
    assert properties(text) == {
        "title": "talk.srt",
        "source": "/home/me/talk.srt",
        "video_id": "file-0123456789ab",
        "tags": ["study-notes"],
    }
    assert "From talk.srt" in text
    assert "Related Notes" not in text
    assert "youtu" not in text


@given(OUTSIDE, OUTSIDE, OUTSIDE)
def test_no_title_channel_or_concept_breaks_the_frontmatter(title: str, channel: str, concept: str) -> None:
    job = replace(JOB, video_title=title, channel=channel, concepts=(concept,), subject=channel)
    for text in (DOCUMENTS.note(job), DOCUMENTS.assessment_note(job)):
        assert "\ud800" not in text
        known = properties(text)
        assert known["title"].removeprefix("Assessment: ") == (shown(title) or "dQw4w9WgXcQ")
    note = properties(DOCUMENTS.note(job))
    assert note.get("channel", "") == shown(channel)
    assert note.get("concepts", []) == [name for name in [shown(concept)] if name]
    assert note["video_id"] == "dQw4w9WgXcQ"


@given(OUTSIDE)
def test_outside_text_is_shown_as_the_text_it_is(text: str) -> None:
    item = f"- (x){literal(text)}(x)"
    assert kinds(item) <= {
        *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
        *("paragraph_open", "paragraph_close", "inline", "text", "text_special"),
    }
    escaped = f"(x){one_line(text)}(x)"
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        escaped = escaped.replace(mark, entity)
    assert html(item) == f"<ul>\n<li>{escaped}</li>\n</ul>\n"


@given(OUTSIDE)
def test_outside_text_begins_no_block_of_its_own(text: str) -> None:
    assert kinds(literal(text)) <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@pytest.mark.parametrize(
    "text",
    [
        "[[x]]",
        "![[x]]",
        "![](file:///etc/passwd)",
        "#tag",
        "$x$",
        "==x==",
        "%%x%%",
        "~~x~~",
        "a ^block",
        "https://e.vil",
    ],
)
def test_obsidian_finds_nothing_to_follow_hide_or_draw_in_outside_text(text: str) -> None:
    shown = literal(text).replace("\\[", "").replace("\\]", "").replace("\\#", "")
    for mark in ("[[", "]]", "](", "#", "$", "==", "%%", "~~", "^", "://"):
        assert mark not in shown.replace("&#", "")


@given(st.one_of(OUTSIDE, st.text("<>!`~[]()ab/ \n%-*", max_size=60)))
def test_an_authors_markdown_brings_no_html_image_or_comment(text: str) -> None:
    tamed = tame(text)
    assert not kinds(tamed) & {"html_block", "html_inline", "image"}
    assert kinds(tamed + "\n\n## After") >= {"heading_open"}


RUNS = "require('child_process').exec('x')"


@pytest.mark.parametrize(
    "text",
    [
        f"```dataviewjs\n{RUNS}\n```",
        f"- ```dataviewjs\n  {RUNS}\n  ```",
        f"> 1. ~~~ DataviewJS\n>    {RUNS}\n>    ~~~",
        f"```js-engine\n{RUNS}\n```",
        f"```data&#118;iewjs\n{RUNS}\n```",
        f"- a\n  ```text\nb\n```dataviewjs\n{RUNS}\n```",
        f"$$\n```text\n$$\n```dataviewjs\n{RUNS}\n```",
        f"Look: `$= {RUNS}`",
        f"Look: `` \n$= {RUNS}``",
        f"$$\n```text\n$$\n`$= {RUNS}`",
        f"`= {RUNS}`",
    ],
)
def test_obsidians_plugins_find_nothing_to_run_in_an_authors_markdown(text: str) -> None:
    tamed = tame(text)
    tokens = [each for token in MarkdownIt("commonmark").parse(tamed) for each in (token, *(token.children or ()))]
    assert {token.info for token in tokens if token.type == "fence"} <= {"", "text"}
    assert not [token for token in tokens if token.type == "code_inline" and "=" in token.content]
    assert not re.search(r"(?:```|~~~)\W*(?:data|js)|(?<!\\)`\s*\$=", tamed, re.IGNORECASE)
    assert "exec" in tamed


@pytest.mark.parametrize("text", ["`=>` is an arrow, `x = 1` sets, `==` compares", "```C++\nx = `a`;\n```"])
def test_code_that_no_plugin_takes_for_its_own_is_kept(text: str) -> None:
    assert tame(text) == text


def test_templates_in_a_title_or_note_are_not_filled_in() -> None:
    template = "<%* tp.system.clipboard() %>"
    job = replace(
        JOB, video_title=template, channel=template, concepts=(template,), study_notes=f"```\n{template}\n```"
    )
    quiz = Assessment((Question("Recall", template, f"`{template}`", (template,)),))
    job = replace(job, assessment_content=DOCUMENTS.assessment(job, quiz))
    for text in (DOCUMENTS.note(job), DOCUMENTS.assessment_note(job)):
        assert "<%" not in text
        assert text.count("tp.system") >= 3


@pytest.mark.parametrize(
    "text",
    [
        "[a](obsidian://advanced-uri?eval=x)",
        "[a](<file:///c:/windows/system32/calc.exe>)",
        "[a](&#111;bsidian://x)",
        "[a](\nobsidian://x)",
        "[a](javascript:alert(1))",
        "[a\\\\](obsidian://x)",
        "[a](Other.md)",
        "[a]\n\n[a]: obsidian://x",
        "[a]\n\n[a]:\n  obsidian://x",
        "> [a b]\n\n- [a\n  b]: vscode://x",
        "Go to obsidian://open?vault=x or zotero://select",
        "<obsidian://x>",
    ],
)
def test_links_of_an_author_lead_to_the_web_or_nowhere(text: str) -> None:
    parser = MarkdownIt("commonmark")
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    tamed = tame(text)
    assert "href" not in parser.render(tamed)
    assert not re.search(r"[a-z]://", tamed)


PIECES = [
    "```",
    "~~~",
    "`",
    "``",
    "dataviewjs",
    "text",
    "$= x",
    "= x",
    "\n",
    "\n\n",
    "- ",
    "> ",
    "  ",
    "    ",
    "$$",
    "x",
]
PIECES += ["[a", "]", "](", "]:", "](<", "obsidian://x", "https://x", "&#111;bsidian:", "\\", "<", ")", "[^", "!["]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_however_it_is_put_together_nothing_in_it_runs_or_leads_elsewhere(text: str) -> None:
    parser = MarkdownIt("commonmark")
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    for token in parser.parse(tame(text)):
        assert token.info.split()[:1] != ["dataviewjs"], token
        for inner in token.children or ():
            assert inner.type != "code_inline" or not re.match(r"\s*\$?= x", inner.content), inner
            assert inner.type != "link_open" or str(inner.attrs["href"]).startswith("https://"), inner


@pytest.mark.parametrize(
    ("text", "tamed"),
    [
        ("For $i<n$ and $y[n](t)$.", "For $i< n$ and $y[n] (t)$."),
        ("$$\n\\mathcal{L}[f](s) = x<y\n$$\nA <b>.", "$$\n\\mathcal{L}[f] (s) = x< y\n$$\nA &lt;b>."),
        ("$$X[k]: a<b$$ then a<b", "$$X[k] : a< b$$ then a&lt;b"),
        ("It is $5 <b>, or $6.", "It is $5 &lt;b>, or $6."),
        ("See [Part 2](#part-2).", "See [Part 2](#part-2)."),
    ],
)
def test_formulas_mean_what_they_meant_and_links_to_headings_work(text: str, tamed: str) -> None:
    assert tame(text) == tamed


def test_footnotes_and_what_only_looks_like_a_link_are_kept() -> None:
    text = "As *f\\[i\\](x)* shows[^1] on [its page](https://example.org/a_(b)).\n\n[^1]: There."
    assert tame(text) == text
    assert "f[i](x)" in html(tame("f[i](x)"))


@pytest.mark.parametrize(
    "text",
    [
        "- A list:\n    ```cpp\n    vector<int> list;\n    ```\n- more",
        "1. A step:\n   ~~~html\n   <b>%% ![[x]] %%</b>\n   ~~~\n2. more",
        "> A quote:\n> ```\n> a <b> c\n> ```",
        '- - ```sh\n    echo "<$x>"\n    ```',
    ],
)
def test_code_is_kept_in_lists_and_quotes_too(text: str) -> None:
    assert tame(text) == text
    assert tame(f"{text}\n\n<b>") == f"{text}\n\n&lt;b>"


def test_an_authors_code_links_and_tables_are_kept() -> None:
    text = "See `Vec<u8>` and [12:34](https://youtu.be/x?t=754).\n\n```html\n<b>bold</b>\n```\n\n| a | b |\n|---|---|"
    assert tame(text) == text


def test_an_open_fence_cannot_swallow_the_users_part() -> None:
    job = replace(JOB, study_notes="## Code\n\n```python\nprint(1)")
    assert "<p>%% ytsb" in html(DOCUMENTS.note(job))


def test_questions_stand_under_their_kinds_numbered_through_and_answers_are_folded() -> None:
    text = DOCUMENTS.assessment(JOB, QUIZ)
    lines = text.split("\n")
    order = [
        "## Gap Analysis",
        "**Question 2**",
        "## Recall",
        "**Question 3**",
        "- bucket",
        "> [!success]- Model answers",
    ]
    places = [lines.index(line) for line in order]
    assert places == sorted(places)
    assert "**Question 1** · [1:15](https://youtu.be/dQw4w9WgXcQ?t=75)" in lines
    assert "> *Key concepts: load factor*" in lines
    assert all(line.startswith(">") for line in lines[places[-1] :])
    assert text.startswith("## ")


@pytest.mark.parametrize("render", [html, lambda text: markdown.markdown(text)])
def test_an_assessment_is_the_same_to_every_markdown(render: Any) -> None:
    job = replace(JOB, assessment_content=DOCUMENTS.assessment(JOB, QUIZ))
    shown = render(body(DOCUMENTS.assessment_note(job)))
    assert shown.count("<blockquote>") == 1
    assert shown.count("<h2>") == 3
    for text in ("What is left out?", "<strong>load factor</strong>", "<li>b</li>", "Question 3"):
        assert text in shown


def test_an_assessment_of_nothing_is_empty() -> None:
    assert DOCUMENTS.assessment(JOB, Assessment(())) == ""


@given(OUTSIDE, OUTSIDE)
def test_a_question_cannot_leave_its_place(prompt: str, answer: str) -> None:
    quiz = Assessment((Question("Recall", prompt, answer, (prompt,), hints=(answer,)),))
    job = replace(JOB, assessment_content=DOCUMENTS.assessment(JOB, quiz))
    ours, users = split_user_part(DOCUMENTS.assessment_note(job))
    assert not kinds(body(ours)) & {"html_block", "html_inline", "image"}
    assert users.lstrip().startswith("## My Answers")


def test_what_the_user_wrote_below_the_mark_survives() -> None:
    old = DOCUMENTS.note(JOB) + "my own words\n"
    new = DOCUMENTS.note(replace(JOB, study_notes="## Better"))
    kept = keep_user_part(old, new)
    assert "## Better" in kept
    assert "a slot" not in kept
    assert split_user_part(kept)[1] == split_user_part(old)[1]


def test_answers_survive_new_questions_and_say_what_they_answer() -> None:
    first = replace(JOB, assessment_content=DOCUMENTS.assessment(JOB, QUIZ))
    second = replace(JOB, assessment_content=DOCUMENTS.assessment(JOB, Assessment((Question("Recall", "New?", "n"),))))
    answered = DOCUMENTS.assessment_note(first).replace("What is left out?\n\n\n", "What is left out?\n\nThe seed.\n\n")
    kept = split_user_part(keep_user_part(answered, DOCUMENTS.assessment_note(second)))[1]
    assert "**1.** What is left out?\n\nThe seed." in kept
    untouched = keep_user_part(DOCUMENTS.assessment_note(first), DOCUMENTS.assessment_note(second))
    assert untouched == DOCUMENTS.assessment_note(second)


def test_a_file_without_the_mark_has_no_users_part() -> None:
    assert split_user_part("# Mine\n") == ("# Mine\n", "")
    assert split_user_part(f"above\n{USER_MARK}\r\nbelow") == (f"above\n{USER_MARK}\r\n", "below")


@given(OUTSIDE)
def test_no_related_note_or_title_breaks_a_wikilink(name: str) -> None:
    job = replace(JOB, video_title=name, related=(one_line(name) or "x",))
    for text in (DOCUMENTS.note(job), DOCUMENTS.assessment_note(job)):
        ours = body(split_user_part(text)[0])
        assert ours.count("[[") == ours.count("]]")
        assert not kinds(ours) & {"html_block", "html_inline", "image"}
