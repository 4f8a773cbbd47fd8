"""Recipe files: what they say, and where a mistake in one stands."""

from pathlib import Path
from typing import Any

import pytest

from imagewright.cli.recipe_file import Reference, parent_arn, read_recipe
from imagewright.documents.recognise import DocumentKind
from imagewright.documents.specs import Stage

FOLDER = Path("/work")
ARN = "arn:aws:imagebuilder:us-east-1:aws:workflow/test/test-image/x.x.x"


def read(text: str) -> Any:
    return read_recipe(FOLDER / "recipe.yaml", text)


def test_the_request_is_read_with_the_types_of_the_model() -> None:
    recipe, findings = read(
        "name: web\n"
        "semanticVersion: 2.1\n"
        "parentImage: debian-12\n"
        "tags: {port: 8080}\n"
        "blockDeviceMappings:\n"
        "  - ebs: {volumeSize: 20, encrypted: no}\n"
    )

    assert findings == ()
    assert recipe.recipe == {
        "name": "web",
        "semanticVersion": "2.1",
        "parentImage": "debian-12",
        "tags": {"port": "8080"},
        "blockDeviceMappings": [{"ebs": {"volumeSize": 20, "encrypted": False}}],
    }


def test_components_and_workflows_are_arns_or_paths_beside_the_file() -> None:
    recipe, findings = read(
        "name: web\n"
        "parentImage: debian-12\n"
        "components:\n"
        "  - nginx.yaml\n"
        "  - componentArn: more/motd.yaml\n"
        "    parameters: [{name: Port, value: [80]}]\n"
        "workflows:\n"
        f"  - {ARN}\n"
        "  - {workflowArn: check.yaml, type: TEST, onFailure: CONTINUE}\n"
    )

    assert findings == ()
    assert recipe.components == [
        Reference(FOLDER / "nginx.yaml", {}),
        Reference(FOLDER / "more/motd.yaml", {"parameters": [{"name": "Port", "value": ["80"]}]}),
    ]
    assert recipe.workflows == [
        Reference(ARN, {}),
        Reference(FOLDER / "check.yaml", {"onFailure": "CONTINUE"}, Stage.TEST),
    ]
    assert [(path.name, kind) for path, kind, _ in recipe.documents] == [
        ("nginx.yaml", DocumentKind.COMPONENT),
        ("motd.yaml", DocumentKind.COMPONENT),
        ("check.yaml", DocumentKind.WORKFLOW),
    ]


def test_what_concerns_the_build_is_kept_apart_from_the_recipe() -> None:
    recipe, findings = read(
        "name: web\n"
        "parentImage: debian-12\n"
        "executionRole: arn:aws:iam::000000000000:role/x\n"
        "imageTestsConfiguration: {imageTestsEnabled: false}\n"
        "infrastructure: {terminateInstanceOnFailure: false}\n"
    )

    assert findings == ()
    assert recipe.recipe == {
        "semanticVersion": "1.0.0",
        "name": "web",
        "parentImage": "debian-12",
    }
    assert recipe.build == {
        "executionRole": "arn:aws:iam::000000000000:role/x",
        "imageTestsConfiguration": {"imageTestsEnabled": False},
    }
    assert recipe.infrastructure == {"terminateInstanceOnFailure": False}


def test_a_dockerfile_makes_it_a_container_recipe_in_a_repository_of_its_name() -> None:
    recipe, findings = read("name: My Web\nparentImage: alpine:3\ndockerfile: web.Dockerfile\n")

    assert findings == ()
    assert recipe.is_for_containers
    assert recipe.dockerfile == Reference(FOLDER / "web.Dockerfile", {})
    assert recipe.recipe == {
        "name": "My Web",
        "parentImage": "alpine:3",
        "semanticVersion": "1.0.0",
        "containerType": "DOCKER",
        "targetRepository": {"service": "ECR", "repositoryName": "my-web"},
    }


def test_what_a_container_recipe_says_itself_stands() -> None:
    recipe, findings = read(
        "name: web\n"
        "parentImage: alpine:3\n"
        "targetRepository: {service: ECR, repositoryName: team/web}\n"
        "dockerfileTemplateData: FROM x\n"
    )

    assert findings == ()
    assert recipe.dockerfile is None
    assert recipe.recipe["targetRepository"]["repositoryName"] == "team/web"
    assert recipe.recipe["dockerfileTemplateData"] == "FROM x"


@pytest.mark.parametrize(
    ("text", "place", "message", "fix"),
    [
        ("parentImge: x\n", (1, 1), "no member `parentImge`", "did you mean `parentImage`?"),
        ("a: 1\n", (1, 1), "no member `a`", "it may have"),
        ("components:\n  - {componentArm: x}\n", (2, 6), "`componentArm`", "`componentArn`"),
        ("components:\n  - {parameters: []}\n", (2, 5), "has no `componentArn`", ""),
        ("workflow: [a.yaml]\n", (1, 1), "no member `workflow`", "did you mean `workflows`?"),
        ("dockerFile: x\n", (1, 1), "no member `dockerFile`", "did you mean `dockerfile`?"),
        ("a: 1\n", (1, 1), "no member `a`", "workflows"),
        ("components: nginx.yaml\n", (1, 13), "`components` must be a list", ""),
        ("workflows:\n  - {workflowArn: x, type: TST}\n", (2, 28), "the type", "`TEST`"),
        ("tags: [a]\n", (1, 7), "must be a mapping", ""),
        ("tags:\n  a: [b]\n", (2, 6), "must be a string", ""),
        ("infrastructure: {instanceTypes: m5}\n", (1, 33), "must be a list", ""),
        ("enhancedImageMetadataEnabled: maybe\n", (1, 31), "not a boolean", ""),
        ("- a\n", (1, 1), "must be a mapping", ""),
        ("name: [\n", (2, 1), "", ""),
        ("", (1, 1), "the document is empty", ""),
        ("\nname: web\n", (2, 1), "needs `parentImage`", ""),
        ("name: web\nparentImage: x\ndockerfile: [a]\n", (3, 13), "the path of a file", ""),
        ("dockerfile: x\ndockerfileTemplateData: FROM x\n", (2, 1), "already", "leave"),
        ("dockerfileTemplateUri: s3://a/b\ndockerfile: x\n", (1, 1), "already", "leave"),
        ("dockerfile: x\nnam: y\n", (2, 1), "no member `nam`", "`name`"),
        ("dockerfile: x\nparentImage: y\n", (1, 1), "needs `name`", ""),
        ("\nparentImage: debian-12\n", (2, 1), "needs `name`", ""),
    ],
)
def test_a_mistake_is_found_with_its_place(
    text: str, place: tuple[int, int], message: str, fix: str
) -> None:
    _, findings = read(text)

    assert len(findings) == 1
    assert (findings[0].span.start.line, findings[0].span.start.column) == place
    assert message in findings[0].message
    assert fix in findings[0].help


@pytest.mark.parametrize(
    ("parent", "spelt"),
    [
        ("my-base/x.x.x", "arn:aws:imagebuilder:r:1:image/my-base/x.x.x"),
        ("My base/1.0.0/2", "arn:aws:imagebuilder:r:1:image/my-base/1.0.0/2"),
        ("ami-12345678", "ami-12345678"),
        ("arn:aws:imagebuilder:r:aws:image/amazon-linux-2/x.x.x",) * 2,
    ],
)
def test_a_parent_is_spelt_out(parent: str, spelt: str) -> None:
    assert parent_arn(parent, "1", "r") == spelt


def test_a_managed_base_is_named_by_its_short_name() -> None:
    assert parent_arn("debian-12", "1", "r").startswith(
        "arn:aws:imagebuilder:r:aws:image/debian-12-"
    )
