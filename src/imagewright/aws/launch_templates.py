"""Launch templates of EC2: ``engine.ports.LaunchTemplates`` (§7.2)."""

from typing import Any

from imagewright.aws.asking import ask
from imagewright.aws.clients import AwsClients


class LaunchTemplates:
    """Adds versions to launch templates."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def add_version(
        self, template_id: str, image_id: str, *, set_default: bool, region: str, token: str
    ) -> int:
        """See ``engine.ports.LaunchTemplates``.

        The token stands in the version's description too, where it is looked for first: EC2
        remembers client tokens for a while only, and not every endpoint does at all.
        """
        failure = f"The launch template '{template_id}' could not be updated"
        number = self._version_of(template_id, token, region)
        if number is None:
            added = ask(
                self._clients,
                "ec2",
                region,
                "create_launch_template_version",
                failure,
                LaunchTemplateId=template_id,
                SourceVersion="$Latest",
                VersionDescription=f"imagewright {token}",
                LaunchTemplateData={"ImageId": image_id},
                ClientToken=token,
            )
            number = int(added["LaunchTemplateVersion"]["VersionNumber"])
        if set_default:
            ask(
                self._clients,
                "ec2",
                region,
                "modify_launch_template",
                failure,
                LaunchTemplateId=template_id,
                DefaultVersion=str(number),
            )
        return number

    def _version_of(self, template_id: str, token: str, region: str) -> int | None:
        more: dict[str, Any] = {}
        while True:
            found = ask(
                self._clients,
                "ec2",
                region,
                "describe_launch_template_versions",
                f"The launch template '{template_id}' could not be read",
                LaunchTemplateId=template_id,
                **more,
            )
            for version in found["LaunchTemplateVersions"]:
                if version.get("VersionDescription") == f"imagewright {token}":
                    return int(version["VersionNumber"])
            if not found.get("NextToken"):
                return None
            more = {"NextToken": found["NextToken"]}
