"""Rules about the form of the document: its keys, what they hold, how much and how long."""

from imagewright.documents.rules import Rule


class NotAWorkflow(Rule):
    """A workflow document is a map.

    At its top stand `name`, `description`, `schemaVersion`, `parameters`, `steps` and `outputs`.
    """

    code = "WF101"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
"""
    bad = """\
- name: Ask
  action: WaitForAction
"""


class BadSchemaVersion(Rule):
    """The schema version is 1.0.

    It must be given; `1.0`, `"1.0"` and `1` all say the same.
    """

    code = "WF102"
    good = """\
schemaVersion: "1.0"
steps:
  - name: Ask
    action: WaitForAction
"""
    bad = """\
schemaVersion: 2.0
steps:
  - name: Ask
    action: WaitForAction
"""


class UnknownKey(Rule):
    """Only known keys may stand in the document, in a step, a parameter or an output.

    A key that nobody reads is mostly a misspelt one, and what it was to do would silently not
    happen.
    """

    code = "WF103"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    onFailure: Continue
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    onfail: Continue
"""


class MissingKey(Rule):
    """Some keys must be there.

    The document needs `steps`; a step needs `name` and `action`; a parameter needs `name`; an
    output needs `name` and `value`.
    """

    code = "WF104"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
"""


class WrongKind(Rule):
    """Each key takes one kind of value: text, a number, true or false, a list, a map."""

    code = "WF105"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    timeoutSeconds: 3600
"""
    bad = """\
schemaVersion: 1.0
steps:
  name: Ask
  action: WaitForAction
"""


class WrongCount(Rule):
    """A document has 1 to 15 steps and at most 25 parameters and 25 outputs."""

    code = "WF106"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
"""
    bad = """\
schemaVersion: 1.0
steps: []
"""


class WrongLength(Rule):
    """Texts have their limits.

    The description of a step or document has 1 to 1,024 characters, that of a parameter at most
    as many; the name of a parameter or output has 1 to 128; a parameter's value has at most 1,024.
    """

    code = "WF107"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    description: Wait until someone has looked at it.
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    description: ""
"""


class WrongChoice(Rule):
    """Some keys take one of a few words, spelt exactly.

    `onFailure` is `Abort` or `Continue`; the type of a parameter is `string`, `integer`, `boolean`
    or `stringList`.
    """

    code = "WF108"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    onFailure: Continue
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    onFailure: CONTINUE
"""


class BadStepName(Rule):
    """A step's name has 3 to 100 letters, digits, `_` and `-` and begins with a letter.

    Other names could not be referred to, or not be read back through the API.
    """

    code = "WF109"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask-first
    action: WaitForAction
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask first
    action: WaitForAction
"""


class DuplicateName(Rule):
    """No two steps, parameters or outputs have the same name."""

    code = "WF110"
    good = """\
schemaVersion: 1.0
steps:
  - name: AskOnce
    action: WaitForAction
  - name: AskAgain
    action: WaitForAction
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
  - name: Ask
    action: WaitForAction
"""


class BadDefault(Rule):
    """A parameter's default is a value of its type.

    An `integer` is a whole number, a `boolean` is true or false, a `stringList` is a list of texts.
    """

    code = "WF111"
    good = """\
schemaVersion: 1.0
parameters:
  - name: ask
    type: boolean
    default: true
steps:
  - name: Ask
    action: WaitForAction
    if:
      booleanEquals: true
      value: $.parameters.ask
"""
    bad = """\
schemaVersion: 1.0
parameters:
  - name: ask
    type: boolean
    default: maybe
steps:
  - name: Ask
    action: WaitForAction
"""


class BadTimeout(Rule):
    """A time-out is a whole number of seconds, at least 1.

    (That it does not exceed its action's maximum is the business of WF204.)
    """

    code = "WF112"
    good = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    timeoutSeconds: 3600
"""
    bad = """\
schemaVersion: 1.0
steps:
  - name: Ask
    action: WaitForAction
    timeoutSeconds: 0
"""
