"""Options made of a settings class: names, help, order, defaults; and what the command is handed."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from bondstore.cli import options
from bondstore.cli.from_model import Bundle, Partly, Without, settings_options, with_settings
from bondstore.config.model import Setting
from bondstore.config.secrets import SecretRef
from bondstore.errors import UsageError


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Drawing:
    title: Annotated[str, Setting("What it is called.")]
    size: Annotated[int, Setting("How large.", metavar="N", option=("--size", "-s"), at_least=1, at_most=9)] = 3
    rate: Annotated[float, Setting("A second.", show_default=False)] = 1.5
    style: Annotated[Literal["plain", "aodn"], Setting("How it looks.")] = "plain"
    colour: Annotated[Colour, Setting("Of the lines.")] = Colour.RED
    only: Annotated[tuple[str, ...], Setting("Only these.", metavar="ID", option="--platform")] = ()
    day: Annotated[datetime.date | None, Setting("When.")] = None
    since: Annotated[datetime.datetime | None, Setting("From then on.")] = None
    folder: Annotated[Path | None, Setting("Where.", metavar="DIR")] = None
    key: Annotated[SecretRef | None, Setting("Its key.", metavar="REF")] = None
    grid: Annotated[bool, Setting("Draw a grid.")] = False
    wide: Annotated[bool | None, Setting("Or not.", option="--wide/--narrow")] = None
    layout: Annotated[int, Setting(option="")] = 2
    plain: int = 1


def run(command: Any, *words: str) -> Any:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(command)
    return CliRunner().invoke(app, words, env={"COLUMNS": "80"})


def test_the_command_is_handed_the_settings() -> None:
    got: list[Any] = []

    @with_settings
    def command(source: Annotated[str, typer.Argument()], *, drawing: Drawing, json: options.Json = False) -> None:
        got.append((source, drawing, json))

    done = run(
        command, "src", "--title", "T", "-s", "4", "--style", "aodn", "--colour", "blue", "--platform", "a",
        "--platform", "b", "--day", "2024-01-31", "--since", "2024-01-31", "--folder", "x/y", "--key", "env:K",
        "--grid", "--narrow", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert run(command, "src", "--title", "T").exit_code == 0
    midnight = datetime.datetime(2024, 1, 31, tzinfo=datetime.UTC)
    full = Drawing(
        "T", 4, 1.5, "aodn", Colour.BLUE, ("a", "b"), midnight.date(), midnight, Path("x/y"), SecretRef("env", "K"),
        grid=True, wide=False,
    )  # fmt: skip
    assert got == [("src", full, True), ("src", Drawing("T"), False)]


def test_the_help_is_that_of_the_same_command_written_out() -> None:
    @with_settings
    def made(*, json: options.Json = False, drawing: Drawing, yes: options.Yes = False) -> None:
        """Draw."""

    def written(
        *,
        json: options.Json = False,
        title: Annotated[str, typer.Option("--title", help="What it is called.")],
        size: Annotated[int, typer.Option("--size", "-s", metavar="N", min=1, max=9, help="How large.")] = 3,
        rate: Annotated[float, typer.Option("--rate", help="A second.", show_default=False)] = 1.5,
        style: Annotated[str, typer.Option("--style", metavar="plain|aodn", help="How it looks.")] = "plain",
        colour: Annotated[str, typer.Option("--colour", metavar="red|blue", help="Of the lines.")] = "red",
        only: Annotated[list[str] | None, typer.Option("--platform", metavar="ID", help="Only these.")] = None,
        day: Annotated[datetime.date | None, typer.Option("--day", parser=str, help="When.")] = None,
        since: Annotated[datetime.datetime | None, typer.Option(parser=options.moment, help="From then on.")] = None,
        folder: Annotated[Path | None, typer.Option("--folder", metavar="DIR", help="Where.")] = None,
        key: Annotated[SecretRef | None, typer.Option(metavar="REF", parser=str, help="Its key.")] = None,
        grid: Annotated[bool, typer.Option("--grid", help="Draw a grid.")] = False,
        wide: Annotated[bool | None, typer.Option("--wide/--narrow", help="Or not.")] = None,
        yes: options.Yes = False,
    ) -> None:
        """Draw."""

    told = run(made, "--help").output
    assert told == run(written, "--help").output.replace("written", "made")
    assert "--layout" not in told


def test_parameters_can_come_in_another_order() -> None:
    @with_settings(order=("yes", "size", "json"))
    def command(*, drawing: Drawing, json: options.Json = False, yes: options.Yes = False) -> None:
        """Draw."""

    told = run(command, "--help").output
    places = [told.index(one) for one in ("--yes", "--size", "--json", "--title", "--rate")]
    assert places == sorted(places)


def test_only_what_was_said() -> None:
    got: list[dict[str, Any]] = []

    @with_settings
    def command(given: Annotated[dict[str, Any], Partly(Drawing)]) -> None:
        got.append(given)

    assert run(command, "--title", "T", "--platform", "a", "--size", "3").exit_code == 0
    assert got == [{"title": "T", "size": 3, "only": ("a",)}]
    told = run(command, "--help").output
    assert "default" not in told
    assert "required" not in told


def test_a_word_that_is_none_of_the_choices() -> None:
    @with_settings
    def command(*, drawing: Drawing) -> None:
        pass

    done = run(command, "--title", "T", "--style", "x")
    assert isinstance(done.exception, UsageError)
    assert str(done.exception) == "--style has a wrong value. It must be one of plain, aodn."
    assert run(command, "--title", "T", "--size", "10").exit_code == 2
    assert run(command, "--title", "T", "--day", "soon").exit_code == 2
    assert run(command, "--size", "1").exit_code == 2


@pytest.mark.parametrize("partly", [False, True])
def test_fields_without_an_option_have_none(partly: bool) -> None:
    names = {one.name for one in settings_options(Drawing, partly=partly)}
    assert not names & {"layout", "plain"}


@dataclass(frozen=True, slots=True)
class Several(Bundle):
    """Options that are taken together."""

    place: Annotated[str, typer.Option(help="Where.")] = "here"
    often: Annotated[int, typer.Option("--times", help="How often.")] = 1


def test_options_that_are_taken_together() -> None:
    took: list[tuple[Several, bool]] = []

    @with_settings
    def command(*, some: Several, loud: Annotated[bool, typer.Option("--loud")] = False) -> None:
        took.append((some, loud))

    @with_settings
    def fewer(*, some: Annotated[Several, Without("often")]) -> None:
        took.append((some, False))

    for one, words in ((command, ["--place", "there", "--times", "3", "--loud"]), (command, []), (fewer, [])):
        app = typer.Typer()
        app.command()(one)
        assert CliRunner().invoke(app, words).exit_code == 0
    assert took == [(Several("there", 3), True), (Several(), False), (Several(), False)]
    app = typer.Typer()
    app.command()(fewer)
    assert CliRunner().invoke(app, ["--times", "3"]).exit_code == 2
