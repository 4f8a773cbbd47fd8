"""Every rule of the workflow document.

WF1 form, WF2 actions, WF3 references, WF4 conditions, WF5 the run as a whole, WF6 workflows that
run for one image.
"""

from imagewright.documents.rules import Rule
from imagewright.documents.workflow.rules import (
    actions,
    companions,
    conditions,
    flow,
    reference_forms,
    references,
    regions,
    structure,
)
from imagewright.documents.workflow.rules.facts import WorkflowRule

MEANING_RULES: tuple[WorkflowRule, ...] = (
    actions.UnknownAction(),
    actions.ActionNotInStage(),
    actions.ActionsExcludeEachOther(),
    actions.TimeoutTooLong(),
    actions.WrongInput(),
    references.UnknownStep(),
    references.LaterStep(),
    references.UnknownOutput(),
    references.UndeclaredParameter(),
    references.UnknownSystemVariable(),
    references.WrongReferenceKind(),
    reference_forms.ReferenceWithoutSuffix(),
    reference_forms.LiteralUnderSuffix(),
    reference_forms.BracesWithoutReference(),
    reference_forms.UnknownBuildVariable(),
    conditions.WrongOperand(),
    conditions.ConstantCondition(),
)
"""Asked about a document once it has been read."""

ADVICE_RULES: tuple[WorkflowRule, ...] = (
    reference_forms.ReadsSkippedStep(),
    reference_forms.UnusedParameter(),
    flow.DeadStep(),
    flow.NoImageOutput(),
    flow.MachineNotEnded(),
    flow.MachineGone(),
    regions.RegionWithoutCopy(),
)
"""Asked about a document without errors: a misspelt name makes everything look unused."""

WORKFLOW_RULES: tuple[type[Rule], ...] = (
    structure.NotAWorkflow,
    structure.BadSchemaVersion,
    structure.UnknownKey,
    structure.MissingKey,
    structure.WrongKind,
    structure.WrongCount,
    structure.WrongLength,
    structure.WrongChoice,
    structure.BadStepName,
    structure.DuplicateName,
    structure.BadDefault,
    structure.BadTimeout,
    actions.UnknownAction,
    actions.ActionNotInStage,
    actions.ActionsExcludeEachOther,
    actions.TimeoutTooLong,
    actions.MissingInput,
    actions.UnknownInput,
    actions.WrongInput,
    actions.InputGivenTwice,
    references.MalformedReference,
    references.UnknownRoot,
    references.UnknownStep,
    references.LaterStep,
    references.UnknownOutput,
    references.UndeclaredParameter,
    references.UnknownSystemVariable,
    references.WrongReferenceKind,
    reference_forms.ReferenceWithoutSuffix,
    reference_forms.LiteralUnderSuffix,
    reference_forms.BracesWithoutReference,
    reference_forms.ReadsSkippedStep,
    reference_forms.UnusedParameter,
    reference_forms.UnknownBuildVariable,
    conditions.UnknownOperator,
    conditions.ConditionForm,
    conditions.ConditionCount,
    conditions.ConditionDepth,
    conditions.WrongOperand,
    conditions.ConstantCondition,
    flow.DeadStep,
    flow.NoImageOutput,
    flow.MachineNotEnded,
    flow.MachineGone,
    regions.RegionWithoutCopy,
    companions.UnknownWorkflowOutput,
    companions.SharedOutputName,
)
"""All of them, for the reference page and for their tests."""
