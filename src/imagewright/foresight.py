"""What is known of a build before it begins, put together for the planner."""

from collections.abc import Callable, Mapping, Sequence

from imagewright.actions.command_documents import CommandDocuments
from imagewright.actions.table import STEP_ACTIONS
from imagewright.aws.clients import AwsClients
from imagewright.documents.component.loading import load_component
from imagewright.documents.reading import ADMITTED
from imagewright.engine.plan import BuildPlan
from imagewright.engine.ports import ActionError, Foreseen, Prospect, RegionRefusal
from imagewright.errors import InvalidRequest
from imagewright.managed.components import why_missing
from imagewright.runner.modules.table import MODULES, SPECS
from imagewright.runner.refusal import refusals


def component_refusals(
    missing_service: Callable[[str], str | None],
) -> Callable[[str, Sequence[str], Mapping[str, str]], Sequence[str]]:
    """Return what says why phases of a component cannot run; see ``api.planning.Planner``."""

    def tell(text: str, phases: Sequence[str], parameters: Mapping[str, str]) -> Sequence[str]:
        component = load_component(text, modules=SPECS, budget=ADMITTED).component
        if component is None:
            return ("this release does not accept its document any more",)
        runs = any(phase.name in phases for phase in component.phases)
        if runs and (why := why_missing(text)) is not None:
            return (why,)
        return refusals(
            component,
            modules=MODULES,
            phases=phases,
            parameters=parameters,
            missing_service=missing_service,
        )

    return tell


def foresee(
    commands: CommandDocuments,
    *,
    region_refusal: RegionRefusal,
    missing_service: Callable[[str], str | None],
) -> Callable[[str, Mapping[str, object], BuildPlan], Foreseen]:
    """Return what tells of steps before their build; see ``api.planning.Planner``."""

    def tell(action: str, inputs: Mapping[str, object], plan: BuildPlan) -> Foreseen:
        step_action = STEP_ACTIONS.get(action)
        if step_action is None or step_action.foresee is None:
            return Foreseen()
        prospect = Prospect(
            plan=plan,
            commands=commands,
            region_refusal=region_refusal,
            missing_service=missing_service,
        )
        return step_action.foresee(inputs, prospect)

    return tell


def parameter_reader(clients: AwsClients) -> Callable[[str, str], str]:
    """Return what reads a parameter by name and region; see ``api.distributing``."""

    def read(name: str, region: str) -> str:
        from imagewright.aws.parameters import Parameters  # few ask, and the port answers first

        try:
            found = Parameters(clients).get(name, region=region)
        except ActionError as error:
            raise InvalidRequest(str(error)) from None
        if found.is_secret:
            raise InvalidRequest(f"The parameter '{name}' is a SecureString, and shown nowhere.")
        return found.text

    return read
