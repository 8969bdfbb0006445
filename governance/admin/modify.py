"""The form with which a founder modifies a contract's scope; fields for each type of change.

GET changes nothing, and neither do the buttons that open, add and remove fields: each returns the
form again. "Replace the contract" sends the digest of the last preview, and is refused if its
changes were others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from governance.admin.contract_page import FoldedList, contract_context
from governance.admin.links import contract_url
from governance.admin.readonly import ReadOnlyAdmin, person_of, require_reviewer
from governance.admin.scope_board import ScopeBoard
from governance.admin.scope_rows import KIND_WORDS
from governance.admin.wording import normalize_newlines
from governance.authorities.review.differences import ChangeRow, change_rows, values_in
from governance.domain.canonical import digest
from governance.domain.errors import GovernanceError, InvalidInputError, NotPreviewedError
from governance.domain.sentences import Sentence
from governance.domain.visible_text import visible_text
from governance.flows.modify_scope import modify_scope, preview_scope
from governance.models import SystemContract
from governance.services.registry.queries import capability_names

MAX_NAMES = 1000
PREVIEW, MODIFY = "preview", "modify"


@dataclass(frozen=True)
class Preview:
    """The draft that would replace the contract; `digest` is the SHA-256 of its changes."""

    digest: str
    changes: FoldedList
    removed: Sequence[Sentence]
    capabilities: Sequence[str]
    conflicts: int


def modify_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Show the form, or replace the ELIGIBLE contract by a DRAFT with the changes of the form."""
    require_reviewer(request)
    contract = model_admin.find(request, object_id)
    at = timezone.now()
    refusal: GovernanceError | None = None
    preview: Preview | None = None
    notice, seen_digest = "", contract.content_digest or ""
    if request.method == "POST":
        board = ScopeBoard.read(contract, request.POST)
        do, seen_digest = request.POST.get("do", PREVIEW), request.POST.get("seen_digest", "")
        try:
            if do not in (PREVIEW, MODIFY):
                notice = board.act(do)
            elif (preview := _preview(board)) and do == MODIFY:
                successor = _modify(board, preview, request)
                messages.success(request, visible_text(_done(contract, successor)))
                return HttpResponseRedirect(contract_url(successor))
        except InvalidInputError as error:
            refusal = error
            board.take_faults(error.errors)
        except GovernanceError as error:
            refusal = error
        # Another person may have decided meanwhile, so the page shows the current state.
        contract = model_admin.find(request, object_id)
    else:
        board = ScopeBoard.of(contract)

    page = contract_context(request, contract, at=at)
    obstacles = page["permissions"].against_modifying
    faults = _faults(board)
    shown_error = refusal or next(iter(obstacles), None)
    context = model_admin.page_context(
        request,
        title=f"Modify {contract.reference}",
        board=board,
        existing_changes=board.existing_changes,
        kinds=KIND_WORDS.items(),
        names=capability_names(limit=MAX_NAMES),
        faults=faults,
        notice=notice,
        preview=preview,
        seen_digest=seen_digest,
        refusal=None if faults else refusal,
        obstacles=() if refusal else obstacles,
        can_send=not obstacles,
        # After a POST the form is shown even if it was refused, so that no input is lost.
        decidable=request.method == "POST" or not obstacles,
        contract_url=contract_url(contract),
        again_url=request.path,
        **page,
    )
    status = shown_error.http_status if shown_error else 400 if faults else 200
    return render(request, "admin/governance/modify.html", context, status=status)


def _preview(board: ScopeBoard) -> Preview | None:
    """Return the draft that the form describes; None if a field is invalid and has its error."""
    documents = board.documents()
    if documents is None:
        return None
    scope, capabilities = preview_scope(board.contract, documents)
    rows: list[ChangeRow] = change_rows(
        scope.changes, plan=scope.plan, current_value=values_in(scope.state), decided=False
    )
    return Preview(
        digest=digest(documents),
        changes=FoldedList.of(rows),
        removed=board.removed_words,
        capabilities=capabilities,
        conflicts=sum(row.conflict for row in rows),
    )


def _modify(board: ScopeBoard, preview: Preview, request: HttpRequest) -> SystemContract:
    if request.POST.get("previewed") != preview.digest:
        raise NotPreviewedError(
            "This is not what the last preview showed. Check the preview below, then send it."
        )
    return modify_scope(
        contract_id=board.contract.pk,
        founder=person_of(request),
        changes=board.documents(),
        reason=normalize_newlines(board.reason),
        seen_digest=request.POST.get("seen_digest", ""),
    )


def _faults(board: ScopeBoard) -> list[tuple[str, str]]:
    """Return all errors of the form in the order of the page: the field's id or "", the message."""
    found = [("", message) for message in board.faults]
    if board.removed_error:
        found.append(("removed", board.removed_error))
    for row in board.rows.values():
        if row.error:
            found.append((f"row-{row.key}", f"{row.title}: {row.error}"))
        field_rows = [*row.field_rows, *(one.field_row for one in row.parameters)]
        found += [(one.name, f"{one.label}: {one.error}") for one in field_rows if one.error]
        values = [row.value] if row.value else [one.value for one in row.parameters]
        for value in values:
            leaves = [leaf for leaf in value.leaves if leaf.error]
            for leaf in leaves or ([value] if value.error else []):
                label = leaf.label or value.label
                found.append((f"{leaf.name}-typed", f"{label}: {leaf.error}"))
    if board.reason_error:
        found.append(("reason", f"Reason: {board.reason_error}"))
    return found


def _done(old: SystemContract, new: SystemContract) -> str:
    return (
        f"{old.reference} was superseded. This is {new.reference}: a draft awaiting "
        "verdicts. Then another founder decides on it."
    )
