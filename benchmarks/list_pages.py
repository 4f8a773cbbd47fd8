"""A page of list_workflows among few and among many versions."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import servers
from benchmarks.report import Row, Section, Verdict
from benchmarks.scale import Scale
from benchmarks.timing import COLUMNS, time_in_turns
from imagewright.arns import Kind
from imagewright.state import StateDirectory
from imagewright.store import resources, schema
from imagewright.store.database import open_sqlite
from imagewright.store.resources import Draft, Place
from imagewright.versions import Version

FEW = 100
PAGE = 25
RATIO_MAX = 1.3
_NAMES = 100

HOW = (
    "Two servers, one with few versions of workflows and one with many, over 100 names; "
    "the versions are put straight into the store.",
    "One boto3 client asks each in turn for pages of 25: the first, and one from the "
    "middle of the list.",
)


def measure(scale: Scale) -> Section:
    """Fill two states and ask both."""
    with TemporaryDirectory() as folder:
        few, many = Path(folder, "few"), Path(folder, "many")
        fill(few, FEW)
        fill(many, scale.versions)
        with servers.imagewright(few) as small, servers.imagewright(many) as large:
            first = [_first_page(small), _first_page(large)]
            middle = [_middle_page(small, FEW), _middle_page(large, scale.versions)]
            times = time_in_turns(scale.calls, *first, *middle)
    names = [
        f"{which} page of {count:,} versions"
        for which in ("first", "middle")
        for count in (FEW, scale.versions)
    ]
    ratios = [times[1].p50_ms / times[0].p50_ms, times[3].p50_ms / times[2].p50_ms]
    return Section(
        title="Lists: a page among few and among many",
        how=HOW,
        columns=COLUMNS,
        rows=[Row(name, found.cells) for name, found in zip(names, times, strict=True)],
        verdicts=[
            Verdict("first page, p50 among many to p50 among few", ratios[0], RATIO_MAX, " times"),
            Verdict("middle page, likewise", ratios[1], RATIO_MAX, " times"),
        ],
    )


def fill(state: Path, versions: int) -> None:
    """Put versions into the store of a state."""
    servers.new_state(state)
    database = open_sqlite(StateDirectory(state).database)
    schema.prepare(database, back_up=lambda: None)
    place = Place(account=servers.ACCOUNT, region=servers.REGION, kind=Kind.WORKFLOW)
    with database.write() as connection:
        for number in range(versions):
            resources.add_build(connection, place, _draft(number))
    database.close()


def _draft(number: int) -> Draft:
    name, version = f"workflow-{number % _NAMES:03}", f"1.0.{number // _NAMES}"
    return Draft(
        path=f"build/{name}",
        version=Version.parse(version),
        version_text=version,
        name=name,
        type="BUILD",
        digest=str(number),
        body={},
        document=b'["schemaVersion: 1.0\\n", []]',
        created_at="2026-01-01T00:00:00.000Z",
    )


def _first_page(server: servers.Running) -> Callable[[int], object]:
    client = server.client("imagebuilder")
    return lambda _: client.list_workflows(owner="Self", maxResults=PAGE)


def _middle_page(server: servers.Running, versions: int) -> Callable[[int], object]:
    client = server.client("imagebuilder")
    answer = client.list_workflows(owner="Self", maxResults=PAGE)
    for _ in range(versions // 2 // PAGE - 1):
        answer = client.list_workflows(owner="Self", maxResults=PAGE, nextToken=answer["nextToken"])
    token = answer["nextToken"]
    return lambda _: client.list_workflows(owner="Self", maxResults=PAGE, nextToken=token)
