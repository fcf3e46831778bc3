"""Answering a GraphQL request: schema of the caller's shape, checked document, plan, one answer."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import TypeVar, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,  # pyright: ignore[reportUnknownVariableType]  # its executor_class has no argument
    get_operation_ast,
)
from graphql.execution.values import VariableValues

from hansa_core.caller import Caller
from hansa_core.graphql.answers import resolve_default
from hansa_core.graphql.asking import (
    Answer,
    Asking,
    Refused,
    answer_of,
    coerced_of,
    failed,
    is_too_large,
    no_operation,
    refused_for_now,
    streamed,
    too_large,
    unexplained,
)
from hansa_core.graphql.documents import Documents, are_storable, is_storable, unstorable
from hansa_core.graphql.errors import formatted, formatted_error
from hansa_core.graphql.explaining import beside
from hansa_core.graphql.fetching import Fetch, answered_by, answered_on
from hansa_core.graphql.following import Following
from hansa_core.graphql.introspection import Introspection
from hansa_core.graphql.mutating import Mutating
from hansa_core.graphql.operation import Asked
from hansa_core.graphql.persisted import PersistedDocuments, check_may_send_text
from hansa_core.graphql.plain import PlainMutations
from hansa_core.graphql.plans import Plan, Plans, located, make_plan
from hansa_core.graphql.request import RequestContext
from hansa_core.graphql.schema import CompiledSchema
from hansa_core.graphql.schemas import SchemaPlatform
from hansa_core.graphql.telling import Notes, Planned, check_may_explain
from hansa_core.graphql.variables import ERRORS_MAX
from hansa_core.graphql.wire import GraphQLRequest, encoded
from hansa_core.idempotency import Submission
from hansa_core.query.late import Request
from hansa_core.query.predicates import HiddenField
from hansa_core.query.reader import identity_of, request_of
from hansa_core.storage.transaction import Session
from hansa_sdk import HansaError

T = TypeVar("T")


class GraphQL:
    """The GraphQL interface of a platform; one per process."""

    def __init__(self, platform: SchemaPlatform) -> None:
        self.platform = platform
        self._documents = Documents()
        self._persisted = PersistedDocuments(platform)
        self._plans = Plans()
        self._introspection = Introspection(platform.shapes.schemas)
        self._plain = PlainMutations(platform)

    async def execute(
        self,
        caller: Caller,
        text: str,
        variables: Mapping[str, object] | None = None,
        operation_name: str | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Answer a document as a dictionary of plain values, exact numbers as Decimal.

        Without `data` the request itself was refused. Never raises for what a client sent. Under
        an idempotency key a mutation is run once, and answered so for 24 hours.
        """
        answer = encoded(
            await self.answer(caller, text, variables, operation_name, idempotency_key)
        )
        return cast(Answer, json.loads(answer, parse_float=Decimal))

    async def quick(self, caller: Caller, asking: GraphQLRequest, fetch: Fetch) -> Answer | None:
        """Answer, by one statement, what was asked before in other words or values.

        None where anything but one statement of a plan that is kept is needed, or where `fetch`
        says that it is not for this caller; `answer_request` then has to.
        """
        known = self._known(caller, asking)
        if known is None:
            return None
        asked, request = known
        plan = self._plans.known(asked, caller, request.variables)
        if plan is None or plan.statement is None or not plan.is_statement:
            return None
        try:
            plan.statement.bound(request)
        except HansaError:  # refused with its place in the answer
            return None
        return await answered_by(plan, request, fetch)

    async def quick_change(
        self, caller: Caller, asking: GraphQLRequest, session: Session
    ) -> Answer | None:
        """Answer a mutation that was sent before by one statement; None as `quick`.

        `session` is one of `Database.writing`.
        """
        known = self._known(caller, asking)
        return None if known is None else await self._plain.answer(caller, *known, session)

    def _known(self, caller: Caller, asking: GraphQLRequest) -> tuple[Asked, Request] | None:
        """Return an operation that is kept, with a request's variables where they are plain."""
        compiled = self.platform.shapes.schemas.known(caller.shape)
        plain = asking.document_id is None and not asking.tells
        if compiled is None or not plain or caller.principal.documents is not None:
            return None
        checked = self._documents.known(compiled, asking.query)
        asked = None if checked is None else checked.asked.get(asking.operation_name)
        variables = None if asked is None else asked.coercion.quick(asking.variables)
        if asked is None or variables is None or not are_storable(variables):
            return None
        return asked, request_of(caller, self.platform.cursors, self.platform.clock, variables)

    async def answer_request(
        self,
        caller: Caller,
        asked: GraphQLRequest,
        idempotency_key: str | None = None,
        *,
        identified_seconds: float | None = None,
    ) -> Answer:
        """Answer a request as a client sent it, in parts ready for `wire.encoded`.

        `identified_seconds` is how long it took to find out who asks.
        """
        notes = Notes(asked.tells)
        if identified_seconds is not None:
            notes.seconds["identify"] = identified_seconds
        try:
            if "explain" in asked.tells:
                check_may_explain(caller)
            text = await self._persisted.text(caller, asked)
        except Exception as error:  # logged under a reference where it is no HansaError
            return {"errors": [formatted_error(error)]}
        return await self.answer(
            caller,
            text,
            asked.variables,
            asked.operation_name,
            idempotency_key,
            persisted=asked.document_id is not None,
            notes=notes,
        )

    async def answer(
        self,
        caller: Caller,
        text: str,
        variables: Mapping[str, object] | None = None,
        operation_name: str | None = None,
        idempotency_key: str | None = None,
        *,
        persisted: bool = False,
        notes: Notes | None = None,
    ) -> Answer:
        """Answer a document as `execute` does, in parts ready for `wire.encoded`.

        `persisted` says that the text is that of a persisted document the caller may run, `notes`
        what is to be told beside the answer.
        """
        asking = Asking(
            text,
            dict(variables or {}),
            operation_name,
            idempotency_key,
            persisted,
            notes or Notes(),
        )

        async def answered(asked: Asked) -> Answer:
            answer = await self._answer(caller, asked, asking)
            told = await beside(asking.notes, self.platform) if asking.notes.wants else None
            return {**answer, "extensions": told} if told else answer

        return await self._tried(caller, asking, answered)

    async def follow(self, caller: Caller, request: GraphQLRequest) -> Following | Answer | None:
        """Plan a subscription; None for any other operation, errors for one that is refused."""
        try:
            if "explain" in request.tells:
                check_may_explain(caller)
            text = await self._persisted.text(caller, request)
        except Exception as error:  # logged under a reference where it is no HansaError
            return {"errors": [formatted_error(error)]}
        asking = Asking(
            text,
            dict(request.variables),
            request.operation_name,
            persisted=request.document_id is not None,
        )

        async def planned(asked: Asked) -> Following | None:
            if asked.operation.operation is not OperationType.SUBSCRIPTION:
                return None
            if "explain" in request.tells:
                raise Refused([unexplained()])
            return Following.of(asked, caller, coerced_of(asked, asking.variables))

        return await self._tried(caller, asking, planned)

    async def _tried(
        self, caller: Caller, asking: Asking, work: Callable[[Asked], Awaitable[T]]
    ) -> T | Answer:
        """Do the work on a valid operation, or return the errors of one that is refused."""
        try:
            if not asking.persisted:
                check_may_send_text(caller)
            compiled = await self.platform.shapes.schemas.of(caller.shape)
            try:
                return await work(await self._checked(compiled, asking))
            except (HiddenField, Refused) as error:
                # Said with the schema the caller sees: a hidden name is a name that is not there.
                if caller.grants.hides:
                    shown = await self.platform.shapes.schemas.shown(caller)
                    coerced_of(await self._checked(shown, asking), asking.variables)
                raise error
        except Refused as error:
            return {"errors": error.errors}
        except GraphQLError as error:
            return {"errors": [formatted(error)]}
        except Exception as error:  # logged under a reference where it is no HansaError
            return {"errors": [formatted_error(error)]}

    async def _checked(self, compiled: CompiledSchema, asking: Asking) -> Asked:
        """Return a valid operation of a schema; raises Refused."""
        name = asking.operation_name
        if name is not None and not is_storable(name):
            raise Refused([unstorable()])
        checked = await self._documents.check(compiled, asking.text)
        if checked.document is None:
            raise Refused(checked.errors)
        if not are_storable(asking.variables):
            raise Refused([unstorable()])
        asked = checked.asked.get(name)
        if asked is None:
            operation = get_operation_ast(checked.document, name)
            if not isinstance(operation, OperationDefinitionNode):
                raise Refused([no_operation(checked.document, name)])
            asked = Asked(compiled, asking.text, checked.document, operation)
            checked.asked[name] = asked
        return asked

    async def _answer(self, caller: Caller, asked: Asked, asking: Asking) -> Answer:
        """Return the answer, with what is to be told of it in its notes."""
        notes = asking.notes
        notes.lap("document")
        if asked.operation.operation is OperationType.SUBSCRIPTION:
            raise Refused([streamed()])
        coerced = coerced_of(asked, asking.variables)
        request = request_of(caller, self.platform.cursors, self.platform.clock, coerced.coerced)
        try:
            plan, fresh = self._plans.of(asked, caller, coerced, request)
            if not fresh and plan.statement is not None:
                try:
                    plan.statement.bound(request)
                except HansaError:  # planned anew, the refusal has its place in the answer
                    plan, fresh = make_plan(asked, caller, coerced, request, {}), True
        except GraphQLError as error:
            if error.path is None:
                raise
            return refused_for_now({"data": None, "errors": [formatted(error)]})
        notes.planned = Planned(asked, caller, coerced, request, plan, cached=not fresh)
        notes.lap("plan")
        if asked.operation.operation is OperationType.MUTATION:
            answer = await self._mutated(caller, asked, asking, coerced, request)
        else:
            answer = await self._read(caller, asked, asking, plan, request)
        notes.lap("answer")
        return answer

    async def _read(
        self, caller: Caller, asked: Asked, asking: Asking, plan: Plan, request: Request
    ) -> Answer:
        given, notes = asking.variables, asking.notes
        platform = notes.platform(self.platform)
        if plan.is_statement:
            try:
                async with platform.looking(caller) as session:
                    return await answered_on(session, plan, request, notes)
            except Exception as error:  # of the connection
                key, nodes = plan.parts[0]
                return failed(located(error, nodes, key))
        found: dict[str, object] = {key: None for key in plan.nulls}  # typed
        errors = list(plan.errors)
        async with AsyncExitStack() as stack:
            context = RequestContext(platform, caller, asked.compiled.api, stack)
            if plan.statement is not None:
                async with context.reading() as unit:  # all parts of an answer are of one moment
                    answer = await answered_on(unit.session, plan, request, notes)
                if "errors" in answer:
                    return answer
                found |= cast("dict[str, object]", answer["data"])
            if plan.rest is not None:
                result = await self._resolved(asked, plan.rest, given, context)
                errors += result.errors or []
                if result.data is None:
                    return refused_for_now(answer_of(None, errors))
                found |= result.data
        if plan.introspection is not None:
            shown, wrong = await self._introspection.answer(
                caller, asked, plan.introspection, given
            )
            if shown is None:
                return answer_of(None, [*errors, *wrong])
            found |= shown
        return answer_of({key: found[key] for key in plan.keys}, errors)

    async def _mutated(
        self,
        caller: Caller,
        asked: Asked,
        asking: Asking,
        coerced: VariableValues,
        request: Request,
    ) -> Answer:
        """Run the mutations one after the other; the first that raises ends the operation."""
        submission = None
        if asking.idempotency_key is not None:
            submission = Submission.of(
                asking.idempotency_key,
                identity_of(caller),
                caller.grants.key,
                asking.text,
                asking.variables,
                asking.operation_name,
            )
        elif not asking.notes.wants:
            plain = await self._plain.answer(caller, asked, request)
            if plain is not None:
                return plain
        platform = asking.notes.platform(self.platform)
        mutating = Mutating(platform, caller, asked, asking.variables, coerced, submission)
        mutating.check()
        found: dict[str, object] = {}
        for key, nodes in mutating.fields.items():
            try:
                found[key] = await mutating.field(nodes)
            except Exception as error:
                at = error if isinstance(error, GraphQLError) and error.path else None
                answer = answer_of(None, [at or located(error, nodes, key)])
                return refused_for_now(answer) if len(mutating.fields) == 1 else answer
        if is_too_large(found.values()):
            return {"data": None, "errors": too_large()}
        return answer_of(found, mutating.errors)

    async def _resolved(
        self,
        asked: Asked,
        document: DocumentNode,
        given: dict[str, object],
        context: RequestContext,
    ) -> ExecutionResult:
        """Resolve what no statement answers, with graphql-core."""
        result = execute(
            asked.compiled.schema,
            document,
            context_value=context,
            variable_values=given,
            field_resolver=resolve_default,
            max_coercion_errors=ERRORS_MAX,
            hide_suggestions=True,
        )
        if inspect.isawaitable(result):
            result = await result
        return result
