"""A published workflow that asks for approval, with the topic that it tells."""

from tests.e2e import test_corpus_builds as corpus
from tests.e2e.conftest import BUILD_SECONDS, Lab
from tests.other_services import OtherServices

pytestmark = corpus.pytestmark


def test_the_approval_gate_of_the_cdk_tells_its_topic_and_waits_for_the_answer(
    lab: Lab, others: OtherServices
) -> None:
    """CRT-52, workflow-documents.md §12."""
    topic, queue = others.topic("approval")
    given = [{"name": "snsTopicArn", "value": [topic]}]
    with lab.bench(IMAGEWRIGHT_AWS_SNS_ENDPOINT=others.url) as bench:
        workflow = bench.workflow(corpus.document(corpus.APPROVED_WORKFLOW, "workflows"))
        run = {"workflowArn": workflow, "parameters": given}

        arn = bench.start(bench.recipe(), workflows=[run])

        [told] = others.received(queue, seconds=BUILD_SECONDS)
        bench.client.send_workflow_step_action(
            stepExecutionId=told["workflowStepExecutionId"],
            imageBuildVersionArn=told["imageArn"],
            action="RESUME",
        )
        bench.built(arn)
        bench.nothing_is_left()
