"""A founder modifies a contract's scope: a form made for each type of change, never JSON.

Looking (GET, HEAD) changes nothing, and neither do the form's own buttons, which open, add and
remove fields and draw it again. A contract is replaced only by what was previewed just before: the
form carries the digest of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from governance.admin.contract_page import Folded, contract_context
from governance.admin.places import contract_url
from governance.admin.readonly import ReadOnlyAdmin, require_founders_page
from governance.admin.refusals import http_status
from governance.admin.scope_board import Board
from governance.admin.scope_rows import KIND_WORDS
from governance.admin.typed_values import one_kind_of_line_end
from governance.flows.modify_scope import modify_scope, preview_scope
from governance.models import SystemContract
from governance.registry.queries import capability_names
from governance.review.differences import ChangeRow, change_rows, standing_in
from governance.vocabulary.canonical import digest
from governance.vocabulary.errors import GovernanceError, InvalidInputError, StaleCopyError

MOST_NAMES = 1000
PREVIEW, MODIFY = "preview", "modify"


@dataclass(frozen=True)
class Preview:
    """What would take the contract's place; `digest` is that of its changes."""

    digest: str
    changes: Folded
    removed: Sequence[str]
    capabilities: Sequence[str]
    conflicts: int


def modify_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """ELIGIBLE → REJECTED, superseded by a DRAFT with the changes of the form."""
    require_founders_page(request)
    contract = model_admin.find(request, object_id)
    at = timezone.now()
    refusal: GovernanceError | None = None
    preview: Preview | None = None
    notice, seen_digest = "", contract.content_digest or ""
    if request.method == "POST":
        board = Board.read(contract, request.POST)
        do, seen_digest = request.POST.get("do", PREVIEW), request.POST.get("seen_digest", "")
        try:
            if do not in (PREVIEW, MODIFY):
                notice = board.act(do)
            elif (preview := _preview(board)) and do == MODIFY:
                successor = _modify(board, preview, request, at)
                messages.success(request, _done(contract, successor))
                return HttpResponseRedirect(contract_url(successor))
        except InvalidInputError as error:
            refusal = error
            board.take_faults(error.errors)
        except GovernanceError as error:
            refusal = error
        # Somebody else may have moved it meanwhile: show what stands there now.
        contract = model_admin.find(request, object_id)
    else:
        board = Board.of(contract)

    page = contract_context(request, contract, at=at)
    obstacles = page["standing"].against_modifying
    faults = _faults(board)
    heard = refusal or next(iter(obstacles), None)
    context = model_admin.page_context(
        request,
        title=f"Modify {contract.reference}",
        board=board,
        standing_changes=list(board.standing),
        kinds=KIND_WORDS.items(),
        names=capability_names(most=MOST_NAMES),
        faults=faults,
        notice=notice,
        preview=preview,
        seen_digest=seen_digest,
        refusal=None if faults else refusal,
        obstacles=() if refusal else obstacles,
        can_send=not obstacles,
        # What was typed stays on the page, whatever it was refused for.
        decidable=request.method == "POST" or not obstacles,
        contract_url=contract_url(contract),
        again_url=request.path,
        **page,
    )
    status = http_status(heard) if heard else 400 if faults else 200
    return render(request, "admin/governance/modify.html", context, status=status)


def _preview(board: Board) -> Preview | None:
    """What the form comes to; None where a field of it does not fit, which says so itself."""
    documents = board.documents()
    if documents is None:
        return None
    scope, capabilities = preview_scope(board.contract, documents)
    rows: list[ChangeRow] = change_rows(
        scope.changes, plan=scope.plan, now=standing_in(scope.state), decided=False
    )
    return Preview(
        digest=digest(documents),
        changes=Folded.of(rows),
        removed=board.removed_words,
        capabilities=capabilities,
        conflicts=sum(row.conflict for row in rows),
    )


def _modify(board: Board, preview: Preview, request: HttpRequest, at: datetime) -> SystemContract:
    if request.POST.get("previewed") != preview.digest:
        raise StaleCopyError(
            "This is not what the last preview showed. Look at the preview below, then send it.",
            code="not_previewed",
        )
    return modify_scope(
        contract_id=board.contract.pk,
        founder=request.user,
        changes=board.documents(),
        reason=one_kind_of_line_end(board.reason),
        seen_digest=request.POST.get("seen_digest", ""),
        at=at,
    )


@dataclass(frozen=True)
class Fault:
    """What is wrong with the form, and where: the id of the field, if it is that of one."""

    where: str
    message: str


def _faults(board: Board) -> list[Fault]:
    """Everything that is wrong, in the order of the page."""
    found = [Fault("", message) for message in board.faults]
    if board.removed_error:
        found.append(Fault("removed", board.removed_error))
    for row in board.rows.values():
        if row.error:
            found.append(Fault(f"row-{row.key}", f"{row.title}: {row.error}"))
        lines = [*row.lines, *(one.line for one in row.parameters)]
        found += [Fault(one.name, f"{one.label}: {one.error}") for one in lines if one.error]
        values = [row.value] if row.value else [one.value for one in row.parameters]
        for value in values:
            leaves = [leaf for leaf in value.leaves if leaf.error]
            for leaf in leaves or ([value] if value.error else []):
                label = leaf.label or value.label
                found.append(Fault(f"{leaf.name}-typed", f"{label}: {leaf.error}"))
    if board.reason_error:
        found.append(Fault("reason", f"Reason: {board.reason_error}"))
    return found


def _done(old: SystemContract, new: SystemContract) -> str:
    return (
        f"{old.reference} ended, superseded. This is {new.reference}: a draft that waits for its "
        "verdicts. Another founder than you decides on it then."
    )
