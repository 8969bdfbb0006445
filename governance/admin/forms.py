"""The forms of what people do in a review: decide, ask, answer, comment.

They read fields; what is allowed the operation says.
"""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextareaWidget

from governance.vocabulary.values import SHORTEST_REASON

LONGEST_TEXT = 4000


class MomentInput(forms.DateTimeInput):
    """The browser's own picker of a day and a minute; what it sends is read as UTC."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(attrs={"class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%dT%H:%M")


class ApproveForm(forms.Form):
    window_opens_at = forms.DateTimeField(
        label="Window opens (UTC)",
        widget=MomentInput,
        help_text="From this minute on the change may be made.",
    )
    window_closes_at = forms.DateTimeField(
        label="Window closes (UTC)",
        widget=MomentInput,
        help_text="At most 168 hours after it opens. Unused by then, the contract fails.",
    )
    note = forms.CharField(
        label="Note (optional)",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "maxlength": LONGEST_TEXT}),
        help_text="Stays in the contract's history for good.",
    )
    # What the page showed; the operation refuses when something else stands there by now.
    seen_digest = forms.CharField(widget=forms.HiddenInput)

    def clean_note(self) -> str:
        return _plain_lines(self.cleaned_data["note"])


class RejectForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        # An empty reason is for the operation to refuse, in its own words.
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={
                "rows": 4,
                "minlength": SHORTEST_REASON,
                "maxlength": LONGEST_TEXT,
                "required": True,
            }
        ),
        help_text="More than 10 characters. The requester will read it.",
    )

    def clean_reason(self) -> str:
        return _plain_lines(self.cleaned_data["reason"])


def _words(label: str, help_text: str) -> forms.CharField:
    """Some lines of text; that there are any is for the operation to demand, in its own words."""
    return forms.CharField(
        label=label,
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 4, "maxlength": LONGEST_TEXT, "required": True}
        ),
        help_text=help_text,
    )


class WordsForm(forms.Form):
    """A form of one text."""

    name: str

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        return {name: _plain_lines(text) for name, text in said.items()}


class QuestionForm(WordsForm):
    name = "question"
    question = _words("Question", "Whoever proposed the contract, and its operators, will read it.")


class AnswerForm(WordsForm):
    name = "answer"
    answer = _words("Answer", "The founders will read it before they decide.")


class CommentForm(WordsForm):
    name = "text"
    text = _words("Comment", "Everybody who may see the contract can read it.")


def _plain_lines(text: Any) -> str:
    """Browsers send \\r\\n for a line's end; the record keeps \\n."""
    return str(text).replace("\r\n", "\n")
