"""Templates filled in: ``package/file`` is `file` in the folder ``templates`` of an installed package.

So a domain that lives outside Bondstore brings its own templates, and extends ``bondstore.pages/base.html``.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bondstore import text as texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import jinja2
    from markupsafe import Markup


def render(template: str, /, **values: Any) -> str:
    """Return a filled-in template."""
    return _environment().get_template(template).render(values)


def stream(template: str, /, **values: Any) -> Iterator[bytes]:
    """Yield a filled-in template as UTF-8, piece by piece: a page may hold more than memory should."""
    pieces = _environment().get_template(template).stream(values)
    pieces.enable_buffering(64)
    return (piece.encode() for piece in pieces)


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # 40 ms, and most commands write no page

    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        # everything is escaped but plain text, which only bodies of messages are
        autoescape=jinja2.select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters |= {
        "count": texts.number_text,
        "counted": texts.counted,
        "day": texts.day_text,
        "line": texts.in_one_line,
        "minute": texts.minute_text,
        "prose": _prose,
        "size": texts.bytes_text,
        "visible": texts.printable,
    }
    made.globals |= {"stylesheet": _stylesheet, "scripts_of": _scripts, "policy": _policy}
    return made


def _source(name: str) -> str | None:
    package, _, file = name.partition("/")
    try:
        return files(package).joinpath("templates", file).read_text("utf-8")
    except (FileNotFoundError, ModuleNotFoundError):
        return None


def _finalize(value: Any) -> Any:
    """Before it is escaped, every text from outside loses what cannot be seen; markup of ours is left alone."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return texts.printable(value, lines=True)
    return value


def _prose(text: str) -> Markup:
    """Return a sentence of ours in which words between backticks are commands."""
    from markupsafe import Markup, escape

    parts = (escape(texts.printable(part)) for part in text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


def _stylesheet(names: Iterable[str]) -> Markup:
    return _verbatim("\n".join(_file(name) for name in ("bondstore.pages/base.css", *names)))


def _scripts(names: Iterable[str]) -> list[Markup]:
    return [_verbatim(_file(name)) for name in names]


def _policy(style: str, scripts: Iterable[str], images: str) -> str:
    """Return what a browser may do: only what stands in the page itself, told by its hash, and the images named."""
    rules = ["default-src 'none'", f"style-src {_hash(style)}"]
    if allowed := " ".join(_hash(one) for one in scripts):
        rules.append(f"script-src {allowed}")
    if images:
        rules.append(f"img-src {images}")
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _file(name: str) -> str:
    found = _source(name)
    if found is None:
        raise FileNotFoundError(name)
    return found.strip()


def _verbatim(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - a file of ours, never from outside
