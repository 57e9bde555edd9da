"""Wrong answers that a machine makes from the solutions, and what the checks say.

    python -m tests.mutants nb03              # what passes, and what gets no hint
    python -m tests.mutants nb03 --all        # every note
    python -m tests.mutants                   # the shares of all modules

A *mutant* is the solution with one change: an operator swapped, a number one too
large, two arguments exchanged, a line left out. Answers that are values are changed
themselves, too. Exercises run with fixed random numbers, so every run gives the same.
"""

import ast
import contextlib
import copy
import dataclasses
import io
import itertools
import os
import pkgutil
import re
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import tutorial_lib.exercises
from tutorial_lib.exercises import Exercise, Note

# So many mutants of one exercise are tried, spread evenly over the kinds of changes.
MOST = 40

# A mutant that takes so many CPU seconds longer than the solution never ends.
LONGEST = 1.0

OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Add, ast.Div),
    ast.Div: (ast.FloorDiv, ast.Mult),
    ast.FloorDiv: (ast.Div, ast.Mult, ast.Mod),
    ast.Mod: (ast.FloorDiv, ast.Mult),
    ast.Pow: (ast.Mult, ast.Add),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq, ast.GtE),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}

TWINS = [
    ("min", "max"),
    ("argmin", "argmax"),
    ("minimum", "maximum"),
    ("sum", "mean"),
    ("any", "all"),
    ("floor", "ceil"),
    ("zeros", "ones"),
    ("rows", "cols"),
    ("height", "width"),
    ("row", "col"),
    ("log", "exp"),
]
TWIN = {a: b for pair in TWINS for a, b in (pair, pair[::-1])} | {"mean": "sum"}


class EndlessError(BaseException):
    """A mutant runs for too long. No `except Exception` catches it."""


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A wrong answer.

    Attributes:
        change: What was changed, in a few words: the name of the mutant.
        code: Code of the answer; empty for a value.
        value: The value, if there is no code.
    """

    change: str
    code: str = ""
    value: Any = None


@dataclasses.dataclass(frozen=True)
class Result:
    """What a check said of a mutant.

    Attributes:
        mutant: The mutant.
        verdict: "passed", "named" (a hint of its own, a counter-example or a sentence
            on the error), "generic", "raw" (an error that no sentence explains), "not
            attempted" or "endless".
        note: The note; None for an endless mutant.
    """

    mutant: Mutant
    verdict: str
    note: Note | None


# Changes of code


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every node below a node: its parent, the field and index there, and itself."""
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                yield node, name, None, value
            elif isinstance(value, list):
                for i, one in enumerate(value):
                    if isinstance(one, ast.AST):
                        yield node, name, i, one


def changes(node: ast.AST, parent: ast.AST, field: str, scope: "Scope") -> Iterator:
    """Pairs of a kind of change and the nodes that may stand in place of a node."""
    kind = type(node)
    for new in OPERATORS.get(kind, ()):
        yield f"operator {new.__name__}", new()
    for name, function in CHANGES.get(kind, ()):
        for new in function(node, parent, field, scope):
            yield name, new


@dataclasses.dataclass
class Scope:
    """Names and texts that occur in the code."""

    names: list[str]
    texts: list[str]


def numbers(
    node: ast.Constant, parent: ast.AST, field: str, scope: Scope
) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        others = (2 * value, value / 2, 10 * value, value / 10, 0.0)
        if isinstance(value, int):
            others = (value + 1, value - 1, 2 * value, value // 2, 0, 1)
        yield from (negative(new) for new in others if new != value)
    elif isinstance(value, str) and not isinstance(parent, ast.Expr | ast.JoinedStr):
        yield from (ast.Constant(text) for text in scope.texts if text != value)


def negative(number: float) -> ast.AST:
    if number < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-number))
    return ast.Constant(number)


def swapped_operands(node, parent, field, scope) -> Iterator:
    if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Pow | ast.Mod):
        yield ast.BinOp(node.right, node.op, node.left)


def one_operand(node, parent, field, scope) -> Iterator:
    yield from (node.left, node.right)


def arguments(node: ast.Call, parent, field, scope) -> Iterator:
    """Calls with arguments exchanged, or without one of them."""
    args = node.args
    for i in range(len(args) - 1):
        new = [*args[:i], args[i + 1], args[i], *args[i + 2 :]]
        yield ast.Call(node.func, new, node.keywords)
    for i in range(len(args)):
        if len(args) > 1:
            yield ast.Call(node.func, [*args[:i], *args[i + 1 :]], node.keywords)


def keywords(node: ast.Call, parent, field, scope) -> Iterator:
    for i, one in enumerate(node.keywords):
        rest = [*node.keywords[:i], *node.keywords[i + 1 :]]
        yield ast.Call(node.func, node.args, rest)
        for other in node.keywords[i + 1 :]:
            if one.arg is None or other.arg is None:
                continue  # `**options`
            exchanged = {one.arg: other.value, other.arg: one.value}
            new = [
                ast.keyword(k.arg, exchanged.get(k.arg, k.value)) for k in node.keywords
            ]
            yield ast.Call(node.func, node.args, new)


def without_call(node: ast.Call, parent, field, scope) -> Iterator:
    if len(node.args) == 1 and not node.keywords:
        yield node.args[0]
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        yield node.func.value


def twin_name(node: ast.Name, parent, field, scope) -> Iterator:
    if node.id in TWIN and field == "func":
        yield ast.Name(TWIN[node.id], node.ctx)


def other_names(node: ast.Name, parent, field, scope: Scope) -> Iterator:
    if isinstance(node.ctx, ast.Load) and field != "func" and node.id in scope.names:
        yield from (ast.Name(x, node.ctx) for x in scope.names if x != node.id)


def twin_attribute(node: ast.Attribute, parent, field, scope) -> Iterator:
    if node.attr in TWIN:
        yield ast.Attribute(node.value, TWIN[node.attr], node.ctx)


def returned(node: ast.Return, parent, field, scope) -> Iterator:
    value = node.value
    if value is None or isinstance(value, ast.Dict | ast.Tuple | ast.Constant):
        return
    for operator, number in ((ast.Add, 1), (ast.Sub, 1), (ast.Mult, 2), (ast.Div, 2)):
        yield ast.Return(ast.BinOp(value, operator(), ast.Constant(number)))
    yield ast.Return(ast.UnaryOp(ast.USub(), value))
    yield ast.Return(ast.Tuple([value, value], ast.Load()))
    yield ast.Return(ast.List([value], ast.Load()))
    yield ast.Return(ast.Dict([ast.Constant("answer")], [value]))
    yield ast.Return(ast.BinOp(value, ast.Mult(), ast.Constant(10)))
    yield ast.Return(ast.Call(ast.Name("str", ast.Load()), [value], []))
    yield from (ast.Return(ast.Constant(one)) for one in (None, 0, 1))
    yield from (ast.Return(ast.Name(name, ast.Load())) for name in scope.names)


def parts(node: ast.Tuple, parent, field, scope) -> Iterator:
    # The axes of NumPy have no order.
    axes = isinstance(parent, ast.keyword) and parent.arg == "axis"
    if axes or not isinstance(node.ctx, ast.Load):
        return
    for i in range(len(node.elts) - 1):
        new = [*node.elts[:i], node.elts[i + 1], node.elts[i], *node.elts[i + 2 :]]
        yield type(node)(new, node.ctx)
    if len(node.elts) > 1:
        yield type(node)(node.elts[:-1], node.ctx)


def entries(node: ast.Dict, parent, field, scope) -> Iterator:
    for i in range(len(node.keys) - 1):
        values = list(node.values)
        values[i], values[i + 1] = values[i + 1], values[i]
        yield ast.Dict(node.keys, values)
    for i in range(len(node.keys)):
        yield ast.Dict(
            [*node.keys[:i], *node.keys[i + 1 :]],
            [*node.values[:i], *node.values[i + 1 :]],
        )


def slices(node: ast.Slice, parent, field, scope) -> Iterator:
    if node.lower is not None:
        yield ast.Slice(None, node.upper, node.step)
    if node.upper is not None:
        yield ast.Slice(node.lower, None, node.step)


def indices(node: ast.Subscript, parent, field, scope) -> Iterator:
    if isinstance(node.ctx, ast.Load):
        yield node.value


def branches(node: ast.IfExp, parent, field, scope) -> Iterator:
    yield ast.IfExp(node.test, node.orelse, node.body)
    yield from (node.body, node.orelse)


def negated(node: ast.If, parent, field, scope) -> Iterator:
    test = ast.UnaryOp(ast.Not(), node.test)
    yield type(node)(test, node.body, node.orelse)


def positive(node: ast.UnaryOp, parent, field, scope) -> Iterator:
    yield node.operand


def left_out(node: ast.stmt, parent, field, scope) -> Iterator:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if not isinstance(parent, ast.Module) or len(parent.body) > 1:
        yield ast.Pass()


STATEMENT = ("a line left out", left_out)
CHANGES: dict[type, tuple[tuple[str, Callable], ...]] = {
    ast.Constant: (("another constant", numbers),),
    ast.BinOp: (("operands swapped", swapped_operands), ("one operand", one_operand)),
    ast.Call: (
        ("arguments", arguments),
        ("keywords", keywords),
        ("without a call", without_call),
    ),
    ast.Name: (("twin", twin_name), ("another name", other_names)),
    ast.Attribute: (("twin", twin_attribute),),
    ast.Return: (("another result", returned),),
    ast.Tuple: (("parts", parts),),
    ast.List: (("parts", parts),),
    ast.Dict: (("entries", entries),),
    ast.Slice: (("slice", slices),),
    ast.Subscript: (("without an index", indices),),
    ast.IfExp: (("branches", branches),),
    ast.If: (("test", negated), STATEMENT),
    ast.UnaryOp: (("sign", positive),),
    ast.Assign: (STATEMENT,),
    ast.AugAssign: (STATEMENT,),
    ast.Expr: (STATEMENT,),
    ast.For: (STATEMENT,),
}


def scope_of(tree: ast.AST) -> Scope:
    """Names of arguments and variables, and texts, in the order of their appearance."""
    names, texts = [], []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.arg != "self":
            names.append(node.arg)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
    return Scope(list(dict.fromkeys(names)), list(dict.fromkeys(texts)))


def mutants_of_code(code: str) -> list[Mutant]:
    """All mutants of some code, each once, in turn of the kinds of their changes."""
    tree = ast.parse(code)
    scope = scope_of(tree)
    found: dict[str, dict[str, Mutant]] = {}
    seen = {ast.unparse(tree)}
    for parent, field, index, node in list(places(tree)):
        for kind, new in changes(node, parent, field, scope):
            changed = replaced(tree, parent, field, index, new)
            if changed is None or changed in seen:
                continue
            seen.add(changed)
            change = difference(ast.unparse(tree), changed)
            found.setdefault(kind, {})[change] = Mutant(change, changed)
    turns = itertools.zip_longest(*(spread(kind.values()) for kind in found.values()))
    return [mutant for turn in turns for mutant in turn if mutant is not None]


def spread(mutants: Any) -> list[Mutant]:
    """The mutants of a kind in an order whose beginnings are spread over the code."""
    mutants = list(mutants)
    step = next(x for x in (7, 5, 3, 11, 13, 17, 1) if x == 1 or len(mutants) % x)
    return [mutants[i * step % len(mutants)] for i in range(len(mutants))]


def replaced(
    tree: ast.AST, parent: ast.AST, field: str, index: int | None, new: ast.AST
) -> str | None:
    """The code with another node at a place; None if that is no code."""
    old = getattr(parent, field)
    if index is None:
        setattr(parent, field, new)
    else:
        setattr(parent, field, [*old[:index], new, *old[index + 1 :]])
    try:
        code = ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree)))
        compile(code, "<mutant>", "exec")
    # An operator or name at a place where the grammar does not allow it.
    except (SyntaxError, ValueError, TypeError, AttributeError):
        return None
    finally:
        setattr(parent, field, old)
    return code


def difference(code: str, changed: str) -> str:
    """What was changed: the number of the line, and the place with what is near it."""
    old, new = (re.findall(r"\w+|\s+|.", text) for text in (code, changed))
    before = common_start(old, new)
    after = common_start(old[before:][::-1], new[before:][::-1])
    parts = [x[before : len(x) - after] for x in (old, new)]
    near = ["".join(old[max(0, before - 6) : before]), "".join(new[len(new) - after :])]
    left, right = near[0].rpartition("\n")[2], near[1].partition("\n")[0][:8]
    line = 1 + "".join(old[:before]).count("\n")
    first, second = (re.sub(r"\s+", " ", "".join(part)).strip() for part in parts)
    return f"{line}: {left.lstrip()}[{first} → {second}]{right.rstrip()}"


def common_start(one: list, other: list) -> int:
    """In how many items from the first on two lists are the same."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


# Changes of values


def mutants_of_value(value: Any) -> list[Mutant]:
    """Wrong values like those that learners give."""
    found = {}
    for name, new in changed_values(value):
        try:
            same = bool(np.all(np.asarray(new) == np.asarray(value)))
        except ValueError:
            same = False
        if not same or type(new) is str:
            found.setdefault(f"value: {name}, {new!r}", new)
    return [Mutant(name, value=new) for name, new in found.items()]


def changed_values(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool | np.bool_):
        yield "the opposite", not value
    elif isinstance(value, int | float | np.integer | np.floating):
        yield from changed_number(value)
    elif isinstance(value, str):
        yield from (("text", x) for x in (value[::-1], value + "x", "", value[:-1]))
    elif isinstance(value, Mapping):
        yield from changed_items(value)
    elif isinstance(value, tuple | list):
        yield from changed_sequence(value)


def changed_number(value: float) -> Iterator[tuple[str, Any]]:
    kind = int if float(value).is_integer() else float
    for name, new in (
        ("one more", value + 1),
        ("one less", value - 1),
        ("twice", 2 * value),
        ("half", value / 2),
        ("wrong unit", 10 * value),
        ("wrong unit", value / 10),
        ("wrong unit", 1000 * value),
        ("sign", -value),
        ("a little more", value * 1.1),
        ("squared", value * value),
        ("zero", 0),
    ):
        yield name, kind(new) if kind(new) == new else float(new)
    yield "text", str(value)


def changed_items(value: Mapping) -> Iterator[tuple[str, Any]]:
    keys = list(value)
    for key in keys:
        for name, new in changed_values(value[key]):
            yield f"{key}: {name}", {**value, key: new}
        yield f"without {key}", {x: value[x] for x in keys if x != key}
    for one, other in itertools.pairwise(keys):
        yield "exchanged", {**value, one: value[other], other: value[one]}
    yield "one more key", {**value, "other": value[keys[0]]}


def changed_sequence(value: tuple | list) -> Iterator[tuple[str, Any]]:
    kind = type(value)
    for i, one in enumerate(value):
        for name, new in changed_values(one):
            yield f"value {i}: {name}", kind([*value[:i], new, *value[i + 1 :]])
    yield "reversed", kind(reversed(value))
    yield "one less", kind(value[:-1])
    yield "one more", kind([*value, *value[:1]])
    if value:
        yield "the first only", value[0]


# Checks of mutants


def seeded(seed: int) -> Any:
    """Let `np.random.default_rng()` start with fixed seeds."""
    make, seeds = np.random.default_rng, itertools.count(seed)
    return mock.patch.object(
        np.random,
        "default_rng",
        lambda given=None: make(next(seeds) if given is None else given),
    )


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise EndlessError after some CPU seconds."""

    def stop(*_: Any) -> None:
        raise EndlessError

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        # Not the handler from before: with that, a signal that comes late would end the
        # process.
        signal.signal(signal.SIGVTALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@contextlib.contextmanager
def quiet_folder() -> Iterator[None]:
    """Run in a temporary folder, without printing and without warnings."""
    here = Path.cwd()
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(action="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)


def is_code(exercise: Exercise) -> bool:
    """Whether the answer of an exercise is a function or a class."""
    tree = ast.parse(exercise.solution_code)
    kinds = ast.FunctionDef | ast.ClassDef
    return any(
        isinstance(x, kinds) and x.name == exercise.answer_name for x in tree.body
    )


def mutants_of(exercise: Exercise, most: int = MOST) -> list[Mutant]:
    """The mutants of an exercise."""
    made = mutants_of_code(exercise.solution_code)
    if not is_code(exercise):
        with seeded(0), quiet_folder():
            given = exercise.example()
            value = exercise.run(exercise.solution_code, **given)
        made = [*mutants_of_value(value)[: most // 2], *made]
    return made[:most]


def try_mutant(
    exercise: Exercise, mutant: Mutant, longest: float = 10.0
) -> Result | None:
    """What the check says of a mutant; None if the learner's cell itself would fail."""
    exercise = dataclasses.replace(exercise)
    with seeded(0), quiet_folder():
        given = exercise.example()
        try:
            with time_limit(longest):
                answer = mutant.value
                if mutant.code:
                    try:
                        answer = exercise.run(mutant.code, **given)
                    # Any exception: Jupyter shows it below the cell, before a check.
                    except Exception:
                        return None
                note = exercise.check(answer, **given)
                return Result(mutant, verdict_of(exercise, note, answer, given), note)
        except EndlessError:
            return Result(mutant, "endless", None)


def verdict_of(exercise: Exercise, note: Note, answer: Any, given: Mapping) -> str:
    """The verdict on a note; see `Result`."""
    if note.kind == "right":
        return "passed"
    if note.kind == "not attempted":
        return "not attempted"
    if note.kind == "wrong":
        return "generic" if note.text.startswith("This is not it yet") else "named"
    if note.text.startswith("The question asks for another kind"):
        return "generic"
    explained = note.folded or "` raised `" in note.text
    return "named" if explained or kit_explains(exercise, answer, given) else "raw"


def kit_explains(exercise: Exercise, answer: Any, given: Mapping) -> bool:
    """Whether the error is one of the kit's own, which are sentences."""
    try:
        exercise.judge(answer, **given)
    # Any exception: where it was raised is what counts.
    except Exception as err:
        while err.__cause__ is not None:
            err = err.__cause__
        trace = err.__traceback__
        while trace.tb_next is not None:
            trace = trace.tb_next
        module = trace.tb_frame.f_globals.get("__name__", "")
        return module.startswith("tutorial_lib.") and ".exercises." not in module
    return False


def results_of(exercise: Exercise, most: int = MOST) -> list[Result]:
    """What the check says of each mutant."""
    started = time.process_time()
    solution = try_mutant(exercise, Mutant("the solution", exercise.solution_code))
    if solution is None or solution.verdict != "passed":
        raise ValueError(f"The solution of '{exercise.name}' is not right: {solution}")
    longest = LONGEST + 3 * (time.process_time() - started)
    tried = (
        try_mutant(exercise, mutant, longest) for mutant in mutants_of(exercise, most)
    )
    return [result for result in tried if result is not None]


def all_exercises(prefix: str = "nb") -> dict[str, Exercise]:
    """The exercises of all modules whose names begin so, by "module.name"."""
    modules = [
        import_module(f"tutorial_lib.exercises.{info.name}")
        for info in pkgutil.iter_modules(tutorial_lib.exercises.__path__)
        if info.name.startswith("nb") and info.name.startswith(prefix)
    ]
    return {
        f"{module.__name__.rsplit('.', 1)[1]}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Exercise)
    }


def is_equal(name: str, mutant: Mutant) -> bool:
    """Whether a mutant is known to equal the solution on all valid inputs."""
    from tests.equal_mutants import EQUAL

    return mutant.change in EQUAL.get(name, {})


def share_named(results: list[Result]) -> float:
    """Share of the wrong answers that are answered with what is wrong in them."""
    counted = [one for one in results if one.verdict not in ("passed", "endless")]
    named = sum(one.verdict == "named" for one in counted)
    return named / len(counted) if counted else 1.0


def report(name: str, exercise: Exercise, *, everything: bool = False) -> list[Result]:
    """Print what passes and what gets no hint."""
    started = time.perf_counter()
    results = [
        one
        for one in results_of(exercise)
        if one.verdict != "passed" or not is_equal(name, one.mutant)
    ]
    passed = sum(one.verdict == "passed" for one in results)
    print(
        f"{name}: {len(results)} mutants, {passed} passed, {share_named(results):.0%} "
        f"named, {time.perf_counter() - started:.1f} s"
    )
    for one in results:
        if everything or one.verdict != "named":
            print(f"    {one.verdict}: {one.mutant.change}")
        if everything or one.verdict == "raw":
            print("        " + repr(one.note).replace("\n", "\n        "))
    return results


def main(arguments: list[str]) -> None:
    """Report on the modules whose names begin with the arguments."""
    everything = "--all" in arguments
    prefixes = [x for x in arguments if not x.startswith("-")] or ["nb"]
    results = []
    for prefix in prefixes:
        module, _, wanted = prefix.partition(".")
        for name, exercise in all_exercises(module).items():
            if not wanted or name.endswith(f".{wanted}"):
                results += report(name, exercise, everything=everything)
    passed = sum(one.verdict == "passed" for one in results)
    print(
        f"\n{len(results)} mutants, {passed} passed, {share_named(results):.1%} named"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
