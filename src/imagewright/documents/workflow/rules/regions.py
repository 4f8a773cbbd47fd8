"""Rules about regions: where copies go, and what is done to them there."""

from collections.abc import Iterator

from imagewright.documents.diagnostics import Diagnostic
from imagewright.documents.workflow.model import Step
from imagewright.documents.workflow.references import Root
from imagewright.documents.workflow.rules.facts import Facts, WorkflowRule
from imagewright.documents.workflow.templates import (
    ListTemplate,
    Literal,
    MapTemplate,
    Template,
    Whole,
)

_COPIES = "distributedImages"
_WHAT_IS_DONE = ("attributes", "configurations")


class RegionWithoutCopy(WorkflowRule):
    """What is done to copies is done in regions that get one.

    `ModifyImageAttributes` and `ApplyImageConfigurations` fail for a region to which the step that
    made the copies sent none, and that only when all of them are made.
    """

    code = "WF505"
    severity = "warning"
    good = """\
schemaVersion: 1.0
steps:
  - name: Copy
    action: DistributeImage
    inputs:
      distributions:
        - region: eu-west-1
  - name: Permit
    action: ModifyImageAttributes
    inputs:
      distributedImages.$: $.stepOutputs.Copy.distributedImages
      attributes:
        - region: eu-west-1
          launchPermission:
            userIds: ["123456789012"]
"""
    bad = good.replace(
        "- region: eu-west-1\n          launch", "- region: eu-west-2\n          launch"
    )

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Compare the regions that steps name with those of the step they take copies from."""
        for step in facts.workflow.steps:
            maker = _maker(facts, step)
            sent = _regions(maker, "distributions") if maker is not None else None
            names = [str(each.value) for each in sent or () if isinstance(each, Literal)]
            if maker is None or sent is None or len(names) < len(sent):
                continue
            for name in _WHAT_IS_DONE:
                for region in _regions(step, name) or ():
                    if isinstance(region, Literal) and str(region.value) not in names:
                        message = f"`{maker.name}` sends no copy to `{region.value}`"
                        fix = f"it sends them to {' and '.join(names) or 'no region'}"
                        yield self.finding(region.span, message, fix=fix)


def _maker(facts: Facts, step: Step) -> Step | None:
    """Find the step whose copies this one takes."""
    given = step.inputs.member(_COPIES) if step.inputs else None
    if given is None or not isinstance(given.value, Whole):
        return None
    reference = given.value.reference
    if reference.root is not Root.STEP_OUTPUTS:
        return None
    return facts.workflow.step(reference.name)


def _regions(step: Step, name: str) -> list[Template] | None:
    """Give the regions that the entries of an input name; None if not all of it is written out."""
    given = step.inputs.member(name) if step.inputs else None
    if given is None:
        return None
    entries = given.value.items if isinstance(given.value, ListTemplate) else (given.value,)
    regions = []
    for entry in entries:
        region = entry.member("region") if isinstance(entry, MapTemplate) else None
        if region is None:
            return None
        regions.append(region.value)
    return regions
