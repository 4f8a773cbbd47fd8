"""The rules of component documents: ``component-documents.md`` §2.8, with decisions of §14.

Each class is its own page; the code that finds the fault is in the module that reads that part.
"""

from imagewright.documents.rules import Rule


def _document(step: str, *, head: str = "") -> str:
    """Write a document around the lines of one step."""
    lines = "".join(f"        {line}\n" for line in step.strip("\n").splitlines())
    return (
        f"schemaVersion: 1.0\n{head}phases:\n  - name: build\n    steps:\n"
        f"      - name: First\n        action: ExecuteBash\n"
        f"        inputs: {{commands: [uname -m]}}\n      - name: Second\n{lines}"
    )


_BASH = "action: ExecuteBash\ninputs: {commands: [make]}\n"
_LOOP = "action: ExecuteBash\ninputs: {commands: ['echo {{ loop.value }}']}\nloop: "
_ECHO = "action: ExecuteBash\ninputs:\n  commands: ['{}']\n"
_NAMES = "parameters:\n  - Channel: {type: string, default: stable}\n"


class NotAMap(Rule):
    """A component document is one map with `schemaVersion` and `phases`."""

    code = "CD001"
    good = _document(_BASH)
    bad = "- schemaVersion: 1.0\n"


class MissingKey(Rule):
    """A key that must be there is not."""

    code = "CD002"
    good = _document(_BASH)
    bad = "schemaVersion: 1.0\n"


class UnknownKey(Rule):
    """A key that means nothing here is ignored.

    Mostly it is another one misspelt, or indented too little or too much.
    """

    code = "CD003"
    severity = "warning"
    good = _document(_BASH + "onFailure: Continue\n")
    bad = _document(_BASH + "onfailure: Continue\n")


class WrongKind(Rule):
    """A list, a map or a text stands where another of them belongs."""

    code = "CD004"
    good = _document(_BASH)
    bad = "schemaVersion: 1.0\nphases:\n  build: {steps: []}\n"


class SchemaVersion(Rule):
    """`schemaVersion` must be 1.0.

    `1` and `'1.0'` mean the same.
    """

    code = "CD005"
    good = _document(_BASH)
    bad = _document(_BASH).replace("schemaVersion: 1.0", "schemaVersion: 2.0")


class VariableName(Rule):
    """Parameters and constants have names of 3 to 128 letters, digits, `-` and `_`."""

    code = "CD010"
    good = _document(_BASH, head=_NAMES)
    bad = _document(_BASH, head=_NAMES.replace("Channel", "The Channel"))


class DuplicateVariable(Rule):
    """Parameters and constants share one space of names, in which each name comes once."""

    code = "CD011"
    good = _document(_BASH, head=_NAMES)
    bad = _document(_BASH, head=_NAMES + "constants:\n  - Channel: {type: string, value: stable}\n")


class VariableType(Rule):
    """The type of a parameter or constant is `string`.

    A parameter may also be a `stringList`, which stands in a text as its items with commas
    between.
    """

    code = "CD012"
    good = _document(_BASH, head=_NAMES)
    bad = _document(_BASH, head=_NAMES.replace("string", "integer"))


class DefaultNotAllowed(Rule):
    """A parameter's default should be among its `allowedValues`.

    If it is not, every run that leaves the parameter out fails.
    """

    code = "CD013"
    severity = "warning"
    good = _document(_BASH, head=_NAMES.replace("}", ", allowedValues: [stable, beta]}"))
    bad = _document(_BASH, head=_NAMES.replace("}", ", allowedValues: [beta]}"))


class NoPhases(Rule):
    """A document has at least one phase."""

    code = "CD020"
    good = _document(_BASH)
    bad = "schemaVersion: 1.0\nphases: []\n"


class PhaseName(Rule):
    """A phase's name is made of letters, digits, `-` and `_`."""

    code = "CD021"
    good = _document(_BASH)
    bad = _document(_BASH) + "  - name: check it\n    steps: [{name: A, action: Reboot}]\n"


class DuplicatePhase(Rule):
    """A document has each phase once."""

    code = "CD022"
    good = _document(_BASH)
    bad = _document(_BASH) + "  - name: build\n    steps: [{name: A, action: Reboot}]\n"


class EmptyPhase(Rule):
    """A phase without steps does nothing."""

    code = "CD023"
    severity = "warning"
    good = _document(_BASH)
    bad = _document(_BASH) + "  - name: validate\n    steps: []\n"


class PhasesNeverRun(Rule):
    """A build runs the phases `build`, `validate` and `test`, and no others.

    Phases by other names run only by hand.
    """

    code = "CD024"
    severity = "warning"
    good = _document(_BASH)
    bad = _document(_BASH).replace("- name: build", "- name: verify")


class StepName(Rule):
    """A step's name is made of letters, digits, `-` and `_`.

    Spaces are not among them; quotes do not help.
    """

    code = "CD030"
    good = _document(_BASH)
    bad = _document(_BASH).replace("- name: Second", "- name: The Second")


class DuplicateStep(Rule):
    """A phase has each step once.

    Another phase may have a step of the same name.
    """

    code = "CD031"
    good = _document(_BASH)
    bad = _document(_BASH).replace("- name: Second", "- name: First")


class UnsupportedAction(Rule):
    """The action must be one of the modules there are, spelt exactly, for the component's platform.

    ExecuteBash does not exist on Windows, ExecutePowerShell only there.
    """

    code = "CD032"
    good = _document(_BASH)
    bad = _document("action: InvokeBash\ninputs: {commands: [make]}\n")


class TimeoutSeconds(Rule):
    """`timeoutSeconds` is a number of seconds from 1, or -1 for no limit."""

    code = "CD033"
    good = _document(_BASH + "timeoutSeconds: -1\n")
    bad = _document(_BASH + "timeoutSeconds: 0\n")


class OnFailureChoice(Rule):
    """`onFailure` is `Abort`, `Continue` or `Ignore`, spelt like that."""

    code = "CD034"
    good = _document(_BASH + "onFailure: Ignore\n")
    bad = _document(_BASH + "onFailure: ignore\n")


class MaxAttempts(Rule):
    """`maxAttempts` is a whole number from 1; the first run counts."""

    code = "CD035"
    good = _document(_BASH + "maxAttempts: 3\n")
    bad = _document(_BASH + "maxAttempts: 0\n")


class FixedForExecuteDocument(Rule):
    """ExecuteDocument has no time-out and one attempt.

    The steps of the document it runs have their own.
    """

    code = "CD036"
    good = _document("action: ExecuteDocument\ninputs: {document: /opt/a.yaml}\n")
    bad = _document("action: ExecuteDocument\ninputs: {document: /opt/a.yaml}\nmaxAttempts: 2\n")


class NoInputs(Rule):
    """Nearly every action needs inputs; an empty list or map is as good as none."""

    code = "CD040"
    good = _document("action: Reboot\n")
    bad = _document("action: S3Download\ninputs: []\n")


class InputShape(Rule):
    """Some actions take one map of inputs, others a list of maps that they go through in order."""

    code = "CD041"
    good = _document("action: DeleteFile\ninputs:\n  - path: /tmp/a\n  - path: /tmp/b\n")
    bad = _document("action: ExecuteBash\ninputs:\n  - commands: [ls]\n  - commands: [df]\n")


class MissingInput(Rule):
    """An input that the action cannot do without is not there."""

    code = "CD042"
    good = _document("action: CopyFile\ninputs: [{source: /a, destination: /b}]\n")
    bad = _document("action: CopyFile\ninputs: [{source: /a}]\n")


class UnknownInput(Rule):
    """The action takes no input of that name.

    It would have no effect, and be it by a slip of the pen; so it is refused.
    """

    code = "CD043"
    good = _document("action: CreateFile\ninputs: [{path: /a, content: x}]\n")
    bad = _document("action: CreateFile\ninputs: [{path: /a, contents: x}]\n")


class InputValue(Rule):
    """An input has a value that the action cannot take."""

    code = "CD044"
    good = _document("action: CreateFile\ninputs: [{path: /a, permissions: 0644}]\n")
    bad = _document("action: CreateFile\ninputs: [{path: /a, permissions: u+x}]\n")


class NotOnWindows(Rule):
    """`owner`, `group` and `permissions` mean nothing on Windows."""

    code = "CD045"
    good = _document("action: CreateFile\ninputs: [{path: 'C:\\a'}]\n").replace(
        "action: ExecuteBash", "action: ExecutePowerShell"
    )
    bad = good.replace("}]", ", owner: root}]")


class ConditionShape(Rule):
    """A condition is a map with exactly one operator and what belongs to it.

    Several conditions go into a list under `and` or `or`; `not` takes one.
    """

    code = "CD050"
    good = _document(_BASH + "if: {and: [fileExists: /a, fileExists: /b]}\n")
    bad = _document(_BASH + "if: {fileExists: /a, folderExists: /b}\n")


class UnknownOperator(Rule):
    """There are 20 operators that compare, and `and`, `or` and `not`."""

    code = "CD051"
    good = _document(_BASH + "if: {fileExists: /a}\n")
    bad = _document(_BASH + "if: {fileExist: /a}\n")


class MissingOperand(Rule):
    """An operator compares with what stands beside it under `value`, or `path` for digests."""

    code = "CD052"
    good = _document(_BASH + "if: {stringEquals: a, value: b}\n")
    bad = _document(_BASH + "if: {stringEquals: a}\n")


class NotANumber(Rule):
    """An operator on numbers compares with a number."""

    code = "CD053"
    good = _document(_BASH + "if: {numberEquals: 3, value: 3.0}\n")
    bad = _document(_BASH + "if: {numberEquals: three, value: 3}\n")


class PatternNotRe2(Rule):
    """A pattern is written as RE2 has it: no look-ahead, no look-behind, no back-references."""

    code = "CD054"
    good = _document(_BASH + "if: {patternMatches: '^al', value: alpha}\n")
    bad = _document(_BASH + "if: {patternMatches: '(?=x)', value: alpha}\n")


class StepAction(Rule):
    """`then` and `else` are `Execute`, `Skip` or `Abort`, spelt like that."""

    code = "CD055"
    good = _document(_BASH + "if: {fileExists: /a, else: Abort}\n")
    bad = _document(_BASH + "if: {fileExists: /a, else: Fail}\n")


class LoopShape(Rule):
    """A loop has either `for` or `forEach`, and the keys that go with it."""

    code = "CD060"
    good = _document(_LOOP + "{forEach: [a, b]}\n")
    bad = _document(_LOOP + "{name: units}\n")


class LoopNeverEnds(Rule):
    """A counting loop steps from `start` towards `end`."""

    code = "CD061"
    good = _document(_LOOP + "{for: {start: 2, end: 0, updateBy: -1}}\n")
    bad = _document(_LOOP + "{for: {start: 0, end: 5, updateBy: -1}}\n")


class Delimiter(Rule):
    """A delimiter is one of `.`, `,`, `;`, `:`, newline, tab, space, `-` and `_`."""

    code = "CD062"
    good = _document(_LOOP + "{forEach: {list: a;b, delimiter: ;}}\n")
    bad = _document(_LOOP + "{forEach: {list: a|b, delimiter: '|'}}\n")


class LoopName(Rule):
    """A loop's name is made of letters, digits, `-` and `_`, and comes once in its phase."""

    code = "CD063"
    good = _document(_LOOP + "{name: units, forEach: [a, b]}\n")
    bad = _document(_LOOP + "{name: my units, forEach: [a, b]}\n")


class ManyRounds(Rule):
    """A loop has at most 10,000 rounds; the step of a longer one fails when it runs.

    The setting `components.loop_rounds_max` allows for more, or fewer.
    """

    code = "CD064"
    severity = "warning"
    good = _document(_LOOP + "{for: {start: 1, end: 10000, updateBy: 1}}\n")
    bad = _document(_LOOP + "{for: {start: 1, end: 100000, updateBy: 1}}\n")


class UnknownStep(Rule):
    """A reference names a phase or a step that does not exist in this document.

    Nothing can be read from other documents.
    """

    code = "CD070"
    good = _document(
        "action: ExecuteBash\ninputs: {commands: ['{{ build.First.outputs.stdout }}']}"
    )
    bad = good.replace("First.outputs", "Frist.outputs")


class UnknownMember(Rule):
    """A reference names an input or an output that the step does not have.

    An action has the outputs its page lists; many have none.
    """

    code = "CD071"
    good = UnknownStep.good
    bad = good.replace("outputs.stdout", "outputs.stderr")


class ReadBeforeItRan(Rule):
    """A step can read only from steps that run before it."""

    code = "CD072"
    good = UnknownStep.good
    bad = good.replace("First.outputs", "Second.outputs")


class ForbiddenMetadata(Rule):
    """Metadata below `iam/` and `identity-credentials/` holds credentials and is not handed out."""

    code = "CD073"
    good = _document("action: ExecuteBash\ninputs: {commands: ['{{ aws:imds:instance-id }}']}")
    bad = good.replace("instance-id", "iam/info")


class UnknownVariable(Rule):
    """Braces around a name that no parameter and no constant has stay as they are.

    Names differ by case. To write braces on purpose, put `{{ '{{' }}` for the first two.
    """

    code = "CD074"
    severity = "warning"
    good = _document("action: ExecuteBash\ninputs: {commands: ['{{ Channel }}']}", head=_NAMES)
    bad = good.replace("{{ Channel }}", "{{ channel }}")


class NotAnExpression(Rule):
    """Braces around something that is no expression stay as they are.

    There are no filters, no defaults and no arithmetic. Where the braces belong to another
    language, such as Jinja, all is well; `{{ '{{' }}` says so and ends the warning.
    """

    code = "CD075"
    severity = "warning"
    good = UnknownVariable.good
    bad = good.replace("{{ Channel }}", "{{ Channel | upper }}")


class NoSuchLoop(Rule):
    """A loop's index and value can be read only in the inputs of the step that has the loop.

    Elsewhere the braces stay as they are.
    """

    code = "CD076"
    severity = "warning"
    good = _document(_LOOP + "{forEach: [a, b]}\n")
    bad = _document(_LOOP.replace("loop: ", ""))


class OtherStage(Rule):
    """A build runs the phase `test` on another machine, where no output of other phases is known.

    The reference is then an empty text. Use a parameter, or read the value again in the test.
    """

    code = "CD077"
    severity = "warning"
    good = UnknownStep.good
    bad = (
        _document(_BASH)
        + "  - name: test\n    steps:\n      - name: Check\n        action: ExecuteBash\n"
        + "        inputs: {commands: ['test {{ build.First.outputs.stdout }} = x86_64']}\n"
    )


COMPONENT_RULES: tuple[type[Rule], ...] = (
    NotAMap,
    MissingKey,
    UnknownKey,
    WrongKind,
    SchemaVersion,
    VariableName,
    DuplicateVariable,
    VariableType,
    DefaultNotAllowed,
    NoPhases,
    PhaseName,
    DuplicatePhase,
    EmptyPhase,
    PhasesNeverRun,
    StepName,
    DuplicateStep,
    UnsupportedAction,
    TimeoutSeconds,
    OnFailureChoice,
    MaxAttempts,
    FixedForExecuteDocument,
    NoInputs,
    InputShape,
    MissingInput,
    UnknownInput,
    InputValue,
    NotOnWindows,
    ConditionShape,
    UnknownOperator,
    MissingOperand,
    NotANumber,
    PatternNotRe2,
    StepAction,
    LoopShape,
    LoopNeverEnds,
    Delimiter,
    LoopName,
    ManyRounds,
    UnknownStep,
    UnknownMember,
    ReadBeforeItRan,
    ForbiddenMetadata,
    UnknownVariable,
    NotAnExpression,
    NoSuchLoop,
    OtherStage,
)
