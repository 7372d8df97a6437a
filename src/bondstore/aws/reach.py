"""What a program reaches by its imports, read from its files without running any of it.

An import by a name that is made at run time is not seen. So only compiled parts of other people's packages, and whole
rooms of Bondstore, are judged by this.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath

_COMPILED = re.compile(r"(.+?)(?:\.cpython-\d+[^/]*|\.abi3)?\.so")
Reader = Callable[[str], bytes]


def reached_modules(files: Mapping[str, Reader], roots: Iterable[str]) -> set[str]:
    """Return the modules that are imported on the way from some, and from what any distribution is imported by.

    `files` reads each file by its path, as installed. Imports in functions count, those for type checkers do not. What
    a compiled module imports cannot be parsed: it reaches the compiled ones beside it whose names are in its bytes.
    """
    modules = {name: path for path in files if (name := module_of(path, files))}
    reached: set[str] = set()
    todo = [*roots, *(name for name in modules if "." not in name and name != "bondstore")]
    while todo:
        name = todo.pop()
        if name in reached or name not in modules:
            if "." in name:
                todo.append(name.rpartition(".")[0])  # "from a.b import c" may name what is no module
            continue
        reached.add(name)
        todo.append(name.rpartition(".")[0])
        path = modules[name]
        if path.endswith(".py"):
            todo += _imports(ast.parse(files[path](path)), name, package=path.endswith("/__init__.py"))
        elif beside := _compiled_beside(name, modules, reached):
            data = files[path](path)
            # a name as a whole: "npyv_simd" is none that numpy imports "_simd" by
            todo += [
                other for other in beside if re.search(rb"(?<!\w)%b(?!\w)" % other.rpartition(".")[2].encode(), data)
            ]
    return reached


def unused_libraries(files: Mapping[str, Reader], reached: set[str]) -> set[str]:
    """Return compiled modules that are not reached, and libraries brought along for none but these.

    Only what lies in a package, or in the folder ``NAME.libs`` where wheels keep copies of libraries, is judged: a file
    elsewhere may be opened by its path (netCDF4 has such plugins). A library is needed by what names its file: names in
    there have a checksum, so that they occur nowhere else.
    """
    compiled = {path: name for path in files if path.endswith(".so") and (name := module_of(path, files))}
    libraries = {path for path in files if PurePosixPath(path).parts[0].endswith(".libs")}
    unused = {path for path, name in compiled.items() if name not in reached}
    needed = [path for path in compiled if path not in unused] if libraries else []
    while needed:
        path = needed.pop()
        data = files[path](path)
        found = {one for one in libraries if PurePosixPath(one).name.encode() in data}
        libraries -= found
        needed += found
    return unused | libraries


def module_of(path: str, files: Mapping[str, Reader]) -> str:
    """Return the name that a file is imported by; empty where it is no module."""
    compiled = _COMPILED.fullmatch(path)
    stem = compiled.group(1) if compiled else path.removesuffix(".py")
    folder, _, last = stem.rpartition("/")
    if stem == path or not last.isidentifier() or (compiled and folder and f"{folder}/__init__.py" not in files):
        return ""
    return (folder if last == "__init__" else stem).replace("/", ".")


def room_of(module: str) -> str:
    """Return the part of Bondstore that a module is in, ``stores`` or ``domains.ocean``; empty for Bondstore itself.

    The rooms inside of some parts are parts of their own, as they are large and come with other work.
    """
    _, *parts = module.split(".")
    inside = parts[:1] in (["domains"], ["deid"], ["vault"])
    return ".".join(parts[: 2 if inside else 1])


def _compiled_beside(name: str, modules: Mapping[str, str], reached: set[str]) -> list[str]:
    top = name.partition(".")[0]
    return [
        other
        for other, path in modules.items()
        if other.partition(".")[0] == top and path.endswith(".so") and other not in reached
    ]


def _imports(node: ast.AST, module: str, *, package: bool) -> Iterator[str]:
    for one in ast.iter_child_nodes(node):
        if isinstance(one, ast.Import):
            yield from (alias.name for alias in one.names)
        elif isinstance(one, ast.ImportFrom):
            above = module.split(".")
            base = above[: len(above) - one.level + package] if one.level else []
            base += [one.module] if one.module else []
            yield from (".".join([*base, *([] if alias.name == "*" else [alias.name])]) for alias in one.names)
        elif isinstance(one, ast.If) and "TYPE_CHECKING" in ast.unparse(one.test):
            for other in one.orelse:
                yield from _imports(ast.Module([other], []), module, package=package)
        else:
            yield from _imports(one, module, package=package)
