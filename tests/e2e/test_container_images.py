"""Images of container recipes, from the Dockerfile to the configuration that they are run with."""

import json
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tests.conftest import wait_until
from tests.e2e.conftest import PARENT, Bench
from tests.e2e.test_builds import component, waiting, waiting_ids

LAUNCHED = {"instanceId.$": "$.stepOutputs.Launch.instanceId"}
COMPONENTS = "{{{ imagebuilder:environments }}}\n{{{ imagebuilder:components }}}"


def recipe(bench: Bench, *lines: str, components: Any = (), **more: Any) -> str:
    """Register a container recipe whose Dockerfile has these lines."""
    created = bench.client.create_container_recipe(
        name=f"web-{uuid4().hex[:12]}",
        semanticVersion="1.0.0",
        containerType="DOCKER",
        parentImage=more.pop("parentImage", PARENT),
        targetRepository={"service": "ECR", "repositoryName": f"team/web-{uuid4().hex[:8]}"},
        dockerfileTemplateData="\n".join(["FROM {{{ imagebuilder:parentImage }}}", *lines, ""]),
        **({"components": [{"componentArn": each} for each in components]} if components else {}),
        **more,
    )
    return str(created["containerRecipeArn"])


def start(bench: Bench, arn: str, **more: Any) -> str:
    """Start a build of a container recipe and return the image's ARN."""
    if workflows := more.pop("workflows", None):
        more["workflows"] = [{"workflowArn": each} for each in workflows]
        more["executionRole"] = "builder"
    return bench.begin(
        containerRecipeArn=arn, infrastructureConfigurationArn=bench.infrastructure(), **more
    )


def config(bench: Bench, arn: str) -> Any:
    """Return how containers of an image are run."""
    (found,) = bench.query(f"SELECT config FROM machine_images WHERE image_arn = '{arn}'")  # noqa: S608 - our own ARN
    return json.loads(found[0])


@pytest.fixture(scope="module")
def web(bench: Bench) -> Any:
    """Build an image with everything a Dockerfile may say."""
    mark = str(uuid4())
    seen = component("set -e", 'test "$GREETING" = "hello you"', "test -f /srv/web/made")
    tested = component(
        "set -e",
        'test "$GREETING" = "hello you"',
        "grep -qx nobody /srv/web/who",
        "grep -qx 'one two' /etc/motd.d/note",
        phase="test",
    )
    arn = start(
        bench,
        recipe(
            bench,
            "ARG WHOM=you",
            f'LABEL mark="{mark}"',
            "ENV GREETING='hello '$WHOM",
            "WORKDIR /srv/web",
            'RUN test "$WHOM" = you && touch made && pwd > place',
            COMPONENTS,
            "RUN chown 65534 /srv/web",
            "USER nobody",
            "RUN id -un > who",
            "COPY <<NOTE /etc/motd.d/note",
            "one two",
            "NOTE",
            "EXPOSE 8080",
            'CMD ["cat", "who"]',
            components=[bench.component(seen), bench.component(tested)],
        ),
    )
    return bench.built(arn)


class TestABuild:
    """From the request to the image."""

    def test_runs_the_three_managed_workflows(self, bench: Bench, web: Any) -> None:
        """IMG-13, §9.3, §9.4."""
        executions = bench.executions(web["arn"])

        assert [each["type"] for each in executions] == ["BUILD", "TEST", "DISTRIBUTION"]
        assert {each["status"] for each in executions} == {"COMPLETED"}
        steps = bench.steps(web["arn"])
        assert list(steps) == [
            "LaunchBuildInstance",
            "BootstrapBuildInstance",
            "ApplyBuildComponents",
        ]
        assert {step["status"] for step in steps.values()} == {"COMPLETED"}
        assert "Docker" in json.loads(steps["BootstrapBuildInstance"]["outputs"])["output"]
        bench.nothing_is_left()

    def test_shows_its_recipe_with_the_template(self, bench: Bench, web: Any) -> None:
        """IMG-03, CTR-02."""
        assert web["type"] == "DOCKER"
        assert "imageRecipe" not in web
        assert web["containerRecipe"]["dockerfileTemplateData"].startswith("FROM {{{")

    def test_puts_it_where_the_recipe_says(self, bench: Bench, web: Any) -> None:
        """IMG-52."""
        (place,) = web["outputResources"]["containers"]

        repository = web["containerRecipe"]["targetRepository"]["repositoryName"]
        assert place["region"] == "us-east-1"
        assert any(uri.endswith(":1.0.0-1") and repository in uri for uri in place["imageUris"])

    def test_keeps_what_the_dockerfile_says_of_containers(self, bench: Bench, web: Any) -> None:
        found = config(bench, web["arn"])

        assert "GREETING=hello you" in found["Env"]
        assert found["WorkingDir"] == "/srv/web"
        assert found["User"] == "nobody"
        assert found["Cmd"] == ["cat", "who"]
        assert found["ExposedPorts"] == {"8080/tcp": {}}

    def test_does_again_only_what_changed(self, bench: Bench) -> None:
        mark = f"RUN echo {uuid4()} > /mark"
        first = bench.built(start(bench, recipe(bench, mark, "RUN echo a > /last")))
        again = bench.built(start(bench, recipe(bench, mark, "RUN echo b > /last")))

        assert "Doing line 2" in bench.log(first["arn"])
        assert "Reused line 2" in bench.log(again["arn"])
        assert "Doing line 3" in bench.log(again["arn"])

    def test_gives_what_it_makes_to_whom_docker_would(self, bench: Bench) -> None:
        """A name brings its own group, a number stands for its group too."""
        lines = (
            f"RUN mkdir /srv/old; : {uuid4()}",
            "USER games",
            "WORKDIR /srv/old/new/deep",
            "COPY --chown=4711 --chmod=600 <<A /opt/number/a",
            "A",
            "COPY --chown=games:staff <<B /opt/names/b",
            "B",
            "COPY <<C /opt/root/c",
            "C",
            "RUN stat -c '%U:%G %a %n' /srv/old /srv/old/* /srv/old/new/* /opt/*/*",
            "RUN stat -c '%u:%g %a %n' /opt/*",
        )
        log = bench.log(bench.built(start(bench, recipe(bench, *lines)))["arn"])

        for line in (
            "root:root 755 /srv/old",
            "games:games 755 /srv/old/new",
            "games:games 755 /srv/old/new/deep",
            "UNKNOWN:UNKNOWN 600 /opt/number/a",
            "4711:4711 755 /opt/number",
            "games:staff 644 /opt/names/b",
            "root:root 644 /opt/root/c",
        ):
            assert f'"{line}"' in log

    def test_has_nothing_of_what_other_steps_did_on_the_machine(self, bench: Bench) -> None:
        document = workflow_of_container(
            {
                "name": "Before",
                "action": "RunCommand",
                "inputs": {
                    "instanceId.$": "$.stepOutputs.Launch.instanceId",
                    "documentName": "AWS-RunShellScript",
                    "parameters": {"commands": ["touch /left-by-a-step"]},
                },
            }
        )
        arn = recipe(bench, "RUN test ! -e /left-by-a-step")

        bench.built(start(bench, arn, workflows=[bench.workflow(document)]))

    def test_begins_anew_with_a_second_run_of_the_template(self, bench: Bench) -> None:
        again = {"name": "BuildAgain", "action": "ExecuteComponents", "inputs": LAUNCHED}
        after = {
            "name": "After",
            "action": "RunCommand",
            "inputs": {
                **LAUNCHED,
                "documentName": "AWS-RunShellScript",
                "parameters": {"commands": ["touch /left-by-a-step"]},
            },
        }
        document = json.loads(workflow_of_container())
        document["steps"] += [again, after]
        arn = recipe(bench, "RUN mkdir /once")

        built = bench.built(start(bench, arn, workflows=[bench.workflow(json.dumps(document))]))

        check = recipe(bench, "RUN test ! -e /left-by-a-step", parentImage=built["arn"])
        bench.built(start(bench, check))


class TestTheImage:
    """What else can be done with it."""

    def test_is_a_parent_with_its_configuration(self, bench: Bench, web: Any) -> None:
        """CTR-04."""
        arn = recipe(bench, 'RUN test -f made && test -n "$GREETING"', parentImage=web["arn"])

        built = bench.built(start(bench, arn))

        assert "GREETING=hello you" in config(bench, built["arn"])["Env"]

    def test_is_not_retried_as_a_stage(self, bench: Bench) -> None:
        """IMG-65; going on at the failed step is our own."""
        arn = start(bench, recipe(bench, "RUN test -e /tmp/never"))
        assert bench.finished(arn)["state"]["status"] == "FAILED"

        with pytest.raises(ClientError, match="Only images that produce AMIs") as refused:
            bench.client.retry_image(imageBuildVersionArn=arn)
        assert refused.value.response["Error"]["Code"] == "InvalidRequestException"


class TestAFailure:
    """It names its cause."""

    def test_names_the_line_and_the_last_words(self, bench: Bench) -> None:
        arn = start(bench, recipe(bench, "ENV A=b", "RUN echo what now >&2; \\", "  exit 3"))

        reason = bench.finished(arn)["state"]["reason"]

        assert "Line 3" in reason
        assert "exited with 3" in reason
        assert "what now" in reason
        bench.nothing_is_left()

    def test_an_unknown_user_is_named(self, bench: Bench) -> None:
        arn = start(bench, recipe(bench, "USER nosuch", "RUN true"))

        assert "nosuch" in bench.finished(arn)["state"]["reason"]

    def test_a_component_is_told_as_in_any_build(self, bench: Bench) -> None:
        """IMG-33."""
        broken = bench.component(component("echo $((6 * 7)) is wrong >&2", "exit 5"))
        arn = start(bench, recipe(bench, COMPONENTS, components=[broken]))

        failure = bench.finished(arn)["state"]["failureContext"]["componentFailure"]

        assert failure["componentArn"] == broken
        assert "42 is wrong" in failure["errorMessage"]

    def test_of_the_tests_distributes_nothing(self, bench: Bench) -> None:
        broken = bench.component(component("exit 5", phase="test"))
        arn = start(bench, recipe(bench, COMPONENTS, components=[broken]))

        image = bench.finished(arn)

        assert image["state"]["status"] == "FAILED"
        assert image["outputResources"].get("containers", []) == []

    def test_of_a_parent_without_a_shell_is_told_before_the_template(self, bench: Bench) -> None:
        """§7.3: BootstrapInstanceForContainer."""
        untested = {"imageTestsConfiguration": {"imageTestsEnabled": False}}
        bare = bench.built(start(bench, recipe(bench, "RUN rm /usr/bin/sh"), **untested))
        express = PARENT.replace("image/debian-12-x86", "workflow/build/express-build-container")
        arn = start(bench, recipe(bench, parentImage=bare["arn"]), workflows=[express])

        assert bench.finished(arn)["state"]["status"] == "FAILED"
        step = bench.steps(arn)["BootstrapBuildInstance"]
        assert step["status"] == "FAILED"
        assert "takes no commands" in step["message"]
        assert "/bin/sh" in step["message"]


class TestARefusal:
    """Before anything starts."""

    @pytest.mark.parametrize(
        ("lines", "why"),
        [
            (["COPY app /srv"], "line 2"),
            (["FROM debian"], "line 2"),
            (["RNU true"], "line 2"),
        ],
    )
    def test_of_a_template_names_the_line(self, bench: Bench, lines: list[str], why: str) -> None:
        with pytest.raises(ClientError, match=why) as refused:
            start(bench, recipe(bench, *lines))
        assert refused.value.response["Error"]["Code"] == "InvalidRequestException"

    def test_of_an_action_that_makes_amis(self, bench: Bench) -> None:
        """§7.1."""
        make = {"name": "Make", "action": "CreateImage", "inputs": LAUNCHED}
        made = bench.workflow(workflow_of_container(make))

        with pytest.raises(ClientError, match="CreateImage, which is not for a container recipe"):
            start(bench, recipe(bench), workflows=[made])

    def test_of_another_image_to_launch(self, bench: Bench) -> None:
        """§7.12: the machine is the container."""
        document = json.loads(workflow_of_container())
        document["steps"][0]["inputs"]["imageIdOverride"] = "ami-0123456789abcdef0"

        with pytest.raises(ClientError, match="'Launch': imageIdOverride names what a machine"):
            start(bench, recipe(bench), workflows=[bench.workflow(json.dumps(document))])

    def test_of_a_hop_limit_that_reaches_no_container(self, bench: Bench) -> None:
        """CTR-08."""
        infrastructure = bench.infrastructure(
            instanceMetadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 1}
        )
        with pytest.raises(ClientError, match="httpPutResponseHopLimit"):
            bench.client.create_image(
                containerRecipeArn=recipe(bench), infrastructureConfigurationArn=infrastructure
            )


def test_a_cancelled_build_ends_and_leaves_nothing(bench: Bench) -> None:
    document = workflow_of_container(waiting())
    arn = start(bench, recipe(bench), workflows=[bench.workflow(document)])
    wait_until(lambda: waiting_ids(bench, arn) != [], what="the step")

    bench.client.cancel_image_creation(imageBuildVersionArn=arn)

    assert bench.finished(arn)["state"] == {"status": "CANCELLED"}
    bench.nothing_is_left()


def workflow_of_container(*steps: dict[str, Any]) -> str:
    """Write a build workflow for a container recipe around some steps."""
    return json.dumps(
        {
            "schemaVersion": "1.0",
            "steps": [
                {"name": "Launch", "action": "LaunchInstance", "inputs": {"waitFor": "ssmAgent"}},
                *steps,
                {"name": "Build", "action": "ExecuteComponents", "inputs": LAUNCHED},
            ],
            "outputs": [{"name": "InstanceId", "value": "$.stepOutputs.Launch.instanceId"}],
        }
    )
