"""Write what the code itself says into the documentation: settings, commands, exit codes, rules.

``python docs/generate.py`` writes; with ``--check`` it only tells which pages are out of date.
``docs/actions.md`` and all below ``docs/rules`` are generated whole; elsewhere, what stands
between two marks is.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer
from action_pages import actions_page

from imagewright.actions.table import ACTIONS
from imagewright.cli import exits
from imagewright.cli.main import command_line
from imagewright.documents.component.rules import COMPONENT_RULES
from imagewright.documents.dockerfile.rules import DOCKERFILE_RULES
from imagewright.documents.rules import Rule
from imagewright.documents.specs import ModuleSpec
from imagewright.documents.syntax import SYNTAX_RULES
from imagewright.documents.validation import FILE_RULES
from imagewright.documents.workflow.rules import WORKFLOW_RULES
from imagewright.runner.modules.table import SPECS as MODULES
from imagewright.settings import Settings

DOCS = Path(__file__).parent
LINE_CHARACTERS_MAX = 100
"""Examples of rules may be absurdly long; a page shows their beginning."""


_SPEC_REFERENCE = re.compile(r" \((?:``[a-z-]+\.md``[^)]*|[A-Z]{1,4}-[0-9]+)\)")
"""Sources name the rule of the specification that they follow; a reader of pages has none."""


def main(arguments: list[str]) -> int:
    """Write every page, or with ``--check`` return 1 if one differs from the code."""
    stale = {page: text for page, text in pages().items() if _read(page) != text}
    if arguments == ["--check"]:
        for page in stale:
            print(f"{page.relative_to(DOCS.parent)} is out of date; run: make docs")
        return 1 if stale else 0
    for page, text in stale.items():
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, "utf-8")
        print(f"wrote {page.relative_to(DOCS.parent)}")
    return 0


def pages() -> dict[Path, str]:
    """Return every page as it should be."""
    return {
        DOCS / "state.md": _filled(DOCS / "state.md", {"settings": settings_table()}),
        DOCS / "cli.md": _filled(
            DOCS / "cli.md", {"exit codes": exit_codes(), "commands": commands()}
        ),
        DOCS / "documents.md": _filled(
            DOCS / "documents.md", {"actions": actions_table(), "modules": modules_table()}
        ),
        DOCS / "actions.md": actions_page(ACTIONS),
        **{DOCS / "rules" / name: text for name, text in rule_pages().items()},
    }


def _read(page: Path) -> str:
    return page.read_text("utf-8") if page.exists() else ""


def _filled(page: Path, parts: Mapping[str, str]) -> str:
    """Put each part between its marks, ``<!-- begin name -->`` and ``<!-- end name -->``."""
    text = _read(page)
    for name, part in parts.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
        before, found_begin, rest = text.partition(begin)
        _, found_end, after = rest.partition(end)
        if not (found_begin and found_end):
            raise SystemExit(f"{page} lacks the marks of '{name}'")
        text = f"{before}{begin}{part.rstrip()}\n{end}{after}"
    return text


def settings_table() -> str:
    """Return the settings as tables, those of each group after the general ones."""
    schema = Settings.model_json_schema()
    groups = {
        name: schema["$defs"][prop["$ref"].rpartition("/")[2]]
        for name, prop in schema["properties"].items()
        if "$ref" in prop
    }
    plain = {name: prop for name, prop in schema["properties"].items() if name not in groups}
    parts = [_settings_of(plain, "")]
    named = {
        f"{name}.NAME": schema["$defs"][prop["additionalProperties"]["$ref"].rpartition("/")[2]]
        for name, prop in schema["properties"].items()
        if isinstance(prop.get("additionalProperties"), dict)
        and "$ref" in prop["additionalProperties"]
    }
    for name, group in named.items():
        parts.append(f"### `[{name}]`\n\n{_one_line(group['description'])}\n")
        parts.append(_settings_of(group["properties"], None))
    for name, group in groups.items():
        parts.append(f"### `[{name}]`\n\n{_one_line(group['description'])}\n")
        parts.append(_settings_of(group["properties"], f"{name}_"))
    return "\n".join(parts)


def _settings_of(properties: Mapping[str, Any], prefix: str | None) -> str:
    """Return a table; without a prefix, of settings that no variable of their own sets."""
    if prefix is None:
        return "| setting | default | meaning |\n| --- | --- | --- |\n" + "".join(
            f"| `{name}` | {_default(prop)} | {_one_line(prop['description'])} |\n"
            for name, prop in properties.items()
        )
    head = "| setting | environment | default | meaning |\n| --- | --- | --- | --- |\n"
    rows = (
        f"| `{name}` | `IMAGEWRIGHT_{(prefix + name).upper()}` | {_default(prop)} "
        f"| {_one_line(prop['description'])} |\n"
        for name, prop in properties.items()
    )
    return head + "".join(rows)


def _default(prop: Mapping[str, Any]) -> str:
    value = prop.get("default", {})
    if value is None or value == {}:
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def exit_codes() -> str:
    """Return the exit codes with what the enum's docstrings say."""
    (enum,) = (
        node
        for node in ast.parse(inspect.getsource(exits)).body
        if isinstance(node, ast.ClassDef) and node.name == exits.ExitCode.__name__
    )
    meanings = dict(_documented(enum.body))
    rows = (
        f"| {code.value} | {_one_line(meanings.get(code.name, 'It went well.'))} |\n"
        for code in exits.ExitCode
    )
    return "| code | meaning |\n| --- | --- |\n" + "".join(rows)


def _documented(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield the names of members, each with the docstring below it."""
    for pair in pairwise(body):
        match pair:
            case (
                ast.Assign(targets=[ast.Name(name)]),
                ast.Expr(value=ast.Constant(value=str(meaning))),
            ):
                yield name, meaning


def commands() -> str:
    """Return the help of every command, as a terminal of 80 columns without boxes shows it."""
    root = typer.main.get_command(command_line())
    return "\n".join(_help_of(root, None))


def _help_of(command: Any, parent: Any) -> Iterator[str]:
    command.rich_markup_mode = None
    context = command.make_context(
        command.name, [], parent=parent, resilient_parsing=True, terminal_width=80
    )
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    level = "##" if parent is None or parent.parent is None else "###"
    yield f"{level} `{context.command_path}`\n\n```text\n{text}\n```\n"
    for child in getattr(command, "commands", {}).values():
        yield from _help_of(child, context)


def actions_table() -> str:
    """Return the step actions of workflow documents."""
    rows = (
        f"| [{spec.name}](actions.md#{spec.name.lower()}) | {_one_line(spec.summary)} "
        f"| {', '.join(stage for stage in _STAGES if stage in spec.stages)} "
        f"| {_yes(spec.built)} |\n"
        for spec in ACTIONS.values()
    )
    return "| action | what it does | types | runs |\n| --- | --- | --- | --- |\n" + "".join(rows)


_STAGES = ("BUILD", "TEST", "DISTRIBUTION")


def modules_table() -> str:
    """Return the action modules of component documents."""
    rows = (
        f"| `{spec.name}` | {_one_line(spec.summary)} | {', '.join(sorted(spec.platforms))} "
        f"| {_runs(spec)} |\n"
        for spec in MODULES.values()
    )
    return "| module | what it does | platforms | runs |\n| --- | --- | --- | --- |\n" + "".join(
        rows
    )


def _runs(spec: ModuleSpec) -> str:
    if spec.built and spec.is_for_windows_alone:
        return "no driver gives a Windows machine yet"
    return _yes(spec.built)


def _yes(built: bool) -> str:
    return "yes" if built else "not yet"


def rule_pages() -> dict[str, str]:
    """Return the pages of the rules, by file name."""
    families: dict[str, tuple[str, str, Iterable[type[Rule]]]] = {
        "files.md": ("Files", "What concerns a file as a whole.", FILE_RULES),
        "yaml.md": ("YAML", "What concerns YAML itself, in every kind of document.", SYNTAX_RULES),
        "workflow.md": ("Workflow documents", "WF1 form, WF2 actions, WF3 references, WF4 "
                        "conditions, WF5 the run as a whole, WF6 workflows that run for one "
                        "image.", WORKFLOW_RULES),
        "component.md": ("Component documents", "In the order of the document.", COMPONENT_RULES),
        "dockerfile.md": ("Dockerfile templates", "What the template of a container recipe may "
                          "not hold, and what it may not mean.", DOCKERFILE_RULES),
    }  # fmt: skip
    written = {
        name: f"# {title}\n\n{about}\n\n" + "\n".join(_rule(rule) for rule in _by_code(rules))
        for name, (title, about, rules) in families.items()
    }
    index = [
        f"## [{title}]({name})\n\n"
        + "".join(
            f"- [{rule.code}]({name}#{_anchor(rule)}) {_one_line(rule.title())}\n"
            for rule in _by_code(rules)
        )
        for name, (title, _, rules) in families.items()
    ]
    about = (
        "# Rules\n\nEvery finding of `imagewright validate`, and of creating a workflow or a "
        "component, names one of these.\nAn error refuses the document, a warning does not.\n\n"
    )
    return {"README.md": about + "\n".join(index), **written}


def _by_code(rules: Iterable[type[Rule]]) -> list[type[Rule]]:
    return sorted(rules, key=lambda rule: rule.code)


def _anchor(rule: type[Rule]) -> str:
    return rule.code.lower()


def _rule(rule: type[Rule]) -> str:
    _, _, rest = _SPEC_REFERENCE.sub("", rule.page()).partition("\n")
    body = f"{rest.strip()}\n\n" if rest.strip() else ""
    return (
        f'## <a id="{_anchor(rule)}"></a>{rule.code}: {_one_line(rule.title())}\n\n{body}'
        f"Found as {'an error' if rule.severity == 'error' else 'a warning'} in:\n\n"
        f"{_example(rule, rule.bad)}\nNot in:\n\n{_example(rule, rule.good)}"
    )


def _example(rule: type[Rule], text: str) -> str:
    language = "dockerfile" if rule in DOCKERFILE_RULES else "yaml"
    lines = text.rstrip("\n").split("\n")
    shown = "\n".join(_visible(line) for line in lines)
    return f"```{language}\n{shown}\n```\n"


def _visible(line: str) -> str:
    """Cut a line that is too long, and spell what no page could show."""
    cut = line if len(line) <= LINE_CHARACTERS_MAX else f"{line[: LINE_CHARACTERS_MAX - 1]}…"
    legible = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in cut
    )
    return legible.replace("\\udc", "\\x")  # a byte that is no UTF-8


def _one_line(text: str) -> str:
    return _SPEC_REFERENCE.sub("", " ".join(text.split()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
