"""Other AWS services that builds lean on, served over HTTP by moto."""

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"


@dataclass(frozen=True)
class OtherServices:
    """A moto server; its state machines execute, its functions need no container."""

    url: str

    def client(self, service: Any) -> Any:
        """Return a client; any key will do."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )

    @property
    def s3(self) -> "S3Client":
        client: S3Client = self.client("s3")
        return client

    @property
    def kms(self) -> "KMSClient":
        client: KMSClient = self.client("kms")
        return client

    def put(self, bucket: str, key: str, content: bytes) -> str:
        """Store an object and return its URI."""
        self.s3.create_bucket(Bucket=bucket)
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"

    def state_machine(self, name: str, **state: Any) -> str:
        """Make a state machine of one state and return its ARN."""
        definition = {"StartAt": "Only", "States": {"Only": {"End": True, **state}}}
        if state["Type"] == "Fail":
            del definition["States"]["Only"]["End"]  # type: ignore[index]  # a map of maps
        made = self.client("stepfunctions").create_state_machine(
            name=name,
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::123456789012:role/r",
        )
        return str(made["stateMachineArn"])

    def executions(self, state_machine_arn: str) -> list[dict[str, Any]]:
        """Return the executions of a state machine."""
        listed = self.client("stepfunctions").list_executions(stateMachineArn=state_machine_arn)
        return list(listed["executions"])

    def queue(self, name: str) -> tuple[str, str]:
        """Make an SQS queue; return its URL and its ARN. One of a name in ``.fifo`` orders."""
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        url = self.client("sqs").create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
        return url, f"arn:aws:sqs:{REGION}:123456789012:{name}"

    def topic(self, name: str) -> tuple[str, str]:
        """Make an SNS topic that a queue hears; return the topic's ARN and the queue's URL."""
        fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
        sns = self.client("sns")
        topic: str = sns.create_topic(Name=name, Attributes=fifo)["TopicArn"]
        url, queue = self.queue(name)
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=queue,
            Attributes={"RawMessageDelivery": "true"},
        )
        return topic, url

    def received(self, queue_url: str, *, count: int = 1, seconds: float = 30) -> list[Any]:
        """Wait for so many messages of a queue, and return them and all that came with them."""
        sqs, bodies = self.client("sqs"), list[Any]()
        deadline = time.monotonic() + seconds
        while len(bodies) < count:
            assert time.monotonic() < deadline, f"{len(bodies)} of {count} messages came"
            found = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
            for message in found.get("Messages", ()):
                bodies.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    @contextmanager
    def strangers_refused(self) -> Iterator[None]:
        """Have every access key refused that IAM does not know: all of ours."""
        self._post("reset-auth", b"0", "text/plain")
        yield
        self._post("reset-auth", b"inf", "text/plain")

    def configure(self) -> None:
        """Have state machines execute, and functions do without containers."""
        wanted = {
            "stepfunctions": {"execute_state_machine": True},
            "lambda": {"use_docker": False},
        }
        self._post("config", json.dumps(wanted).encode(), "application/json")

    def _post(self, path: str, content: bytes, kind: str) -> None:
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}/moto-api/{path}", data=content, headers={"Content-Type": kind}
        )
        urllib.request.urlopen(request).close()  # noqa: S310


@contextmanager
def serving() -> Iterator[OtherServices]:
    """Run a moto server."""
    served = ThreadedMotoServer(port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    services = OtherServices(f"http://{host}:{port}")
    services.configure()
    yield services
    served.stop()
