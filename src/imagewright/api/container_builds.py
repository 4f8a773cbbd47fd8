"""What is refused of a container recipe before its image is built."""

from imagewright.api.recipe_resolution import ResolvedRecipe
from imagewright.documents.diagnostics import has_errors
from imagewright.documents.diagnostics.wire import wire_message
from imagewright.engine.plan import Infrastructure
from imagewright.errors import InvalidRequest

_HOPS_MIN = 2


def check_dockerfile(recipe: ResolvedRecipe, template: str) -> None:
    """Raise InvalidRequest for a template that cannot be built here, with all that is wrong."""
    # Builds of AMIs need none of it, and a server answers before it has loaded it.
    from imagewright.documents.dockerfile.check import load_dockerfile

    findings = load_dockerfile(template).findings
    if has_errors(findings):
        raise InvalidRequest(
            f"The template of the container recipe '{recipe.stored.arn}' cannot be built. "
            f"{wire_message(findings)}"
        )


def check_container_build(recipe: ResolvedRecipe, infrastructure: Infrastructure) -> None:
    """Raise InvalidRequest for a container image that no machine here can build (CTR-08)."""
    if recipe.platform == "Windows":
        raise InvalidRequest(
            f"The container recipe '{recipe.stored.arn}' is for Windows; no driver gives a Windows "
            "machine."
        )
    hops = infrastructure.http_put_response_hop_limit
    if infrastructure.http_tokens == "required" and hops < _HOPS_MIN:
        raise InvalidRequest(
            "With 'httpTokens' required, 'httpPutResponseHopLimit' of the infrastructure "
            f"configuration must be at least {_HOPS_MIN} to build container images; it is {hops}."
        )
