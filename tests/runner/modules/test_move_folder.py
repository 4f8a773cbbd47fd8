"""What MoveFolder has for itself; the rest is in ``test_copy_folder.py`` (§7.3)."""

import pytest
from tests.runner.conftest import Lab


@pytest.mark.parametrize("there", [True, False])
def test_a_moved_folder_keeps_owners_and_permissions(there: bool, lab: Lab) -> None:
    lab.sh("mkdir /opt/s; touch /opt/s/a; chown 7:8 /opt/s/a; chmod 4711 /opt/s/a")
    if there:
        lab.sh("mkdir /srv/s")

    step = lab.step("MoveFolder", [{"source": "/opt/s", "destination": "/srv/"}])

    assert step.message == ""
    assert lab.sh("stat -c '%a %u %g' /srv/s/a") == "4711 7 8"
    assert not lab.exists("/opt/s")
