"""A small job of its own: copies objects, with its own plan and shards, and goes wrong on request.

It lives in a module so that worker processes can import it. What an object holds says what becomes of it: ``bad…`` goes
to quarantine, ``lost…`` fails, ``stop…`` is a Ctrl-C, ``crash…`` an error, ``die…`` the end of its process.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bondstore.config.profiles import StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.errors import StoreError, WrongKeyError
from bondstore.ledger import Item, Ledger, Read, State
from bondstore.runs.context import RunContext
from bondstore.runs.paths import safe_relpath
from bondstore.runs.plan import Plan, split, total
from bondstore.runs.progress import Progress
from bondstore.runs.receipt import Receipt
from bondstore.stores import open_store

NAME = "toy.copy:s"


@dataclass(frozen=True)
class ToyJob:
    """Copy every object into a file."""

    store: StoreSpec
    refused: bool = False
    per_shard: int = 2
    few: bool = False

    @property
    def name(self) -> str:
        return NAME

    @property
    def params(self) -> Mapping[str, Any]:
        return {"store": self.store.url}

    def check(self) -> None:
        if self.refused:
            raise WrongKeyError("The key opens nothing.")

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        plan = Plan()
        for page in open_store(self.store).pages():
            listed = zip(page.keys, page.etags, page.sizes, strict=True)
            items = [Item(key, etag, size, "out/" + safe_relpath(key)) for key, etag, size in listed]
            parts = split(ledger, self.name, context.dest.holder(), items)
            if ledger is not None and context.run:
                with ledger.transaction():
                    ledger.items.put(self.name, context.run, parts.todo)
            plan += Plan(total(parts.todo), total(parts.skipped), total(parts.quarantined))
            progress.listing(plan.todo)
        return plan

    def stages(self, ledger: Ledger, context: RunContext) -> Iterator[Iterator[ToyShard]]:
        """All of it at once."""
        yield self.shards(ledger, context)

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[ToyShard]:
        for page in ledger.items.planned(self.name, context.run, page=self.per_shard):
            yield ToyShard(context, tuple(page))


@dataclass(frozen=True)
class ToyShard:
    """A few objects to copy."""

    context: RunContext
    items: tuple[Item, ...]

    def run(self) -> Receipt:
        writer, receipt = self.context.dest.writer(), Receipt()
        try:
            for item in self.items:
                data = bytes(self.context.store.get(item.key).data)
                act(data)
                receipt.reads.append(Read(item.key, item.version, item.size))
                state = {b"bad": State.QUARANTINED, b"los": State.FAILED}.get(data[:3], State.DONE)
                receipt.items.append(replace(item, state=state, reason="" if state is State.DONE else "toy"))
                if state is State.DONE:
                    writer.write(item.output, [data], kind="copy")
            receipt.outputs, receipt.staged = writer.seal()
        finally:
            writer.discard()
        return receipt


def one_of(state: State, size: int) -> Receipt:
    """A receipt of one object."""
    return Receipt([Item("k", "", size, "", state)])


def act(data: bytes) -> None:
    """Go wrong, where the content says so."""
    if data.startswith(b"stop"):
        raise KeyboardInterrupt
    if data.startswith(b"crash"):
        raise StoreError("The toy crashed.", hint="Mend it.")
    if data.startswith(b"die"):
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Mark:
    """A shard without a store: leaves a mark that it ran, then does what its word says."""

    folder: Path
    number: int
    word: bytes = b""

    def run(self) -> Receipt:
        (self.folder / str(self.number)).touch()
        act(self.word)
        receipt = one_of(State.DONE, self.number)
        receipt.skipped.append(Item(f"left-{self.number}", "", 1, ""))
        return receipt


@dataclass(frozen=True)
class Ask:
    """A shard that needs a secret somebody typed: done where the worker has it, and has it nowhere in the open."""

    ref: SecretRef
    length: int

    def run(self) -> Receipt:
        value = self.ref.resolve().reveal()
        open_places = [*os.environ.values(), Path("/proc/self/cmdline").read_text()]
        hidden = not any(value in place for place in open_places)
        return one_of(State.DONE if len(value) == self.length and hidden else State.FAILED, 0)


@dataclass(frozen=True)
class Sleeper:
    """Says who it is, and sleeps."""

    folder: Path
    number: int

    def run(self) -> Receipt:
        written = self.folder / f"{self.number}.part"
        written.write_text(str(os.getpid()))
        written.rename(self.folder / str(self.number))
        time.sleep(60)
        return Receipt()
