"""The base images that the product ships, as the API shows them."""

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from tests.conftest import Server

from imagewright.managed import host_architecture

if TYPE_CHECKING:
    from mypy_boto3_imagebuilder import ImagebuilderClient

DEBIAN_12 = f"arn:aws:imagebuilder:us-east-1:aws:image/debian-12-{host_architecture()}"


def test_the_managed_images_are_amazons(client: "ImagebuilderClient") -> None:
    """OWN-01, OWN-03, FLT-21."""
    listed = client.list_images(owner="Amazon")["imageVersionList"]

    assert [(entry["arn"], entry["osVersion"]) for entry in listed] == [
        (f"{DEBIAN_12}/1.0.0", "Debian GNU/Linux 12"),
        (f"{DEBIAN_12.replace('12', '13')}/1.0.0", "Debian GNU/Linux 13"),
    ]
    assert {entry["owner"] for entry in listed} == {"Amazon"}
    own = client.list_images()["imageVersionList"]
    assert "Amazon" not in {entry["owner"] for entry in own}


@pytest.mark.parametrize("region", ["us-east-1", "local-dc-1"])
def test_a_managed_image_is_read_in_every_region(server: Server, region: str) -> None:
    """VER-18, VER-19, VER-23."""
    arn = DEBIAN_12.replace("us-east-1", region)

    image = server.client(region=region).get_image(imageBuildVersionArn=f"{arn}/x.x.x")["image"]

    assert image["arn"] == f"{arn}/1.0.0/1"
    assert image["state"] == {"status": "AVAILABLE"}
    assert (image["platform"], image["imageSource"]) == ("Linux", "AMAZON_MANAGED")


def test_a_managed_image_is_not_deleted(client: "ImagebuilderClient") -> None:
    """CRT-74."""
    with pytest.raises(ClientError, match="ForbiddenException"):
        client.delete_image(imageBuildVersionArn=f"{DEBIAN_12}/1.0.0/1")
