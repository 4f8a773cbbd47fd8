"""Documents that are no files: fetched from S3, or from the server of the state."""

from pathlib import Path

from imagewright.cli.options import load_settings, open_state
from imagewright.toe.documents import SetupFailed, Sources


def sources(state: Path | None, *, owner: str | None) -> Sources:
    """Return where documents come from; a state is opened when something is fetched."""
    return Sources(
        from_s3=lambda uri: _from_s3(uri, state, owner),
        from_server=lambda arn: _from_server(arn, state),
    )


def _from_s3(uri: str, state: Path | None, owner: str | None) -> str:
    from imagewright.aws.clients import AwsClients
    from imagewright.aws.objects import ObjectReader
    from imagewright.errors import ApiError

    settings = load_settings(open_state(state))
    reader = ObjectReader(AwsClients(settings.aws))
    try:
        return reader.read_text(
            uri,
            member="documents",
            region=settings.region,
            size_bytes_max=settings.quotas.document_bytes,
            owner=owner,
        )
    except ApiError as error:
        raise SetupFailed(str(error)) from error


def _from_server(arn: str, state: Path | None) -> str:
    """Ask the server that runs on the state, or one within this process for the while."""
    from imagewright.cli.client import Refused
    from imagewright.cli.session import session

    with session(state) as running:
        try:
            found = running.client.call("GetComponent", componentBuildVersionArn=arn)
        except Refused as error:
            raise SetupFailed(error.message) from error
    return str(found["component"]["data"])
