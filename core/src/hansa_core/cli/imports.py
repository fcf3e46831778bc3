"""`hansa import`: records from a CSV file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hansa_core.cli.failures import WORK_FAILED
from hansa_core.cli.options import JsonOption, TenantOption, give_way, tenant_of
from hansa_core.cli.output import complain, note, on_terminal, say, say_json
from hansa_core.cli.place import Place, open_place, open_tenant, seal
from hansa_core.transfer import (
    ImportOptions,
    ImportPlan,
    ImportReport,
    Tally,
    plan_import,
    run_import,
    told,
)
from hansa_sdk import Invalid

_SHOWN_MAX: Final = 50
_CORRECT: Final = "Correct what is said above, or use --skip-errors to import the good rows."


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("import")(import_file)


def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The CSV file.", metavar="FILE.csv")],
    entity: Annotated[str, typer.Option(help="What its rows are, like contacts.party.")],
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=PATH", help="Where a column goes; empty ignores it."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A value that every row gets."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Where the records come from.", show_default="FILE")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="The field that tells an existing record, like external_id.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try everything, keep nothing.")] = (
        False
    ),
    skip_errors: Annotated[
        bool, typer.Option("--skip-errors", help="Import the good rows, report the others.")
    ] = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import records from a CSV file; all of its rows or, with any problem, none.

    A PATH names a field, a field of owned lines, or one across a reference of a line: name,
    addresses.street, phones[kind=fax].number, contacts.person.name.
    """
    options = ImportOptions(
        _pairs(map_ or (), "--map", "COLUMN=PATH"),
        _pairs(set_ or (), "--set", "FIELD=VALUE"),
        source,
        by,
        dry_run,
        skip_errors,
    )
    slug = tenant_of(context, tenant)
    with open_place() as place:
        give_way(context)
        report = asyncio.run(_import(place, slug, file, entity, options, quiet=as_json))
    if as_json:
        say_json(report.as_json())
    else:
        _show(report, skip_errors=skip_errors)
    if report.gave_up or (report.problems and not (skip_errors and report.written)):
        raise typer.Exit(WORK_FAILED)


async def _import(
    place: Place, slug: str, file: Path, entity: str, options: ImportOptions, *, quiet: bool
) -> ImportReport:
    async with open_tenant(place, slug) as (runtime, tenant):
        caller = await runtime.system_caller(tenant, f"import {file.name}")
        plan = await asyncio.to_thread(plan_import, caller.shape, file, entity, options)
        if not quiet:
            _show_mapping(plan, options)
        with _bar() as bar:
            task = bar.add_task(file.name, total=plan.rows)

            def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            report = await run_import(runtime, caller, plan, options, progress)
        await seal(runtime, tenant)
        return report


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not on_terminal(),
        transient=True,
    )


def _show_mapping(plan: ImportPlan, options: ImportOptions) -> None:
    origins = {"given": "", "plugin": "  (guessed: plugin)", "name": "  (guessed: name)"}
    width = max(len(line.column) for line in plan.lines)
    for line in plan.lines:
        say(f"  {line.column:<{width}}  ->  {line.path}{origins[line.origin]}")
    for column in plan.columns.ignored:
        say(f"  {column:<{width}}  ->  ignored, as you said")
    for column in plan.columns.unmapped:
        say(f"  {column:<{width}}  ->  NOT IMPORTED; map it with --map '{column}=PATH'")
    if plan.sourced:
        given = options.source is not None or "source" in options.constants
        guessed = "" if given else "  (the file's name; --source NAME says another)"
        say(f"Source: {plan.source_name}{guessed}")
    for text in plan.notes:
        note(text)


def _show(report: ImportReport, *, skip_errors: bool) -> None:
    problems = told(report.problems)
    for problem in problems[:_SHOWN_MAX]:
        complain(problem)
    if len(problems) > _SHOWN_MAX:
        complain(f"... and {len(problems) - _SHOWN_MAX} more; --json lists them all.")
    if report.gave_up:
        complain(f"Too many problems: stopped after {report.rows} rows.")
    counts = f"{report.rows} rows: {_counts(report, report.tally)}, {report.failed} with problems."
    if report.dry_run:
        say(f"Dry run, nothing was written. {counts}")
        if report.problems and not skip_errors:
            complain("With these problems nothing would be imported.", _CORRECT)
    elif not report.written:
        bad, good = report.failed, report.rows - report.failed
        complain(
            f"Nothing was imported: {bad} of {report.rows} rows with problems, {good} without.",
            _CORRECT,
        )
    else:
        say(counts)
    if report.written or report.dry_run:
        for name, records in sorted(report.records.items()):
            say(f"  {name}: {_counts(report, records)}")
    for hint in report.hints:
        note(hint)


def _counts(report: ImportReport, tally: Tally) -> str:
    created, updated = ("to create", "to update") if report.dry_run else ("created", "updated")
    return f"{tally.created} {created}, {tally.updated} {updated}, {tally.unchanged} unchanged"


def _pairs(given: Sequence[str], option: str, form: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise Invalid(f"{option} takes {form}; found {text!r}.", next_step="Correct it.")
        if name.strip() in pairs:
            raise Invalid(f"{option} says {name.strip()} twice.", next_step="Leave one out.")
        pairs[name.strip()] = value
    return pairs
