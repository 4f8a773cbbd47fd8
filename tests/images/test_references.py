"""References to images in registries, as docker reads them."""

import pytest

from imagewright.images.references import read_reference

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "meant", "wanted"),
    [
        ("amazonlinux:latest", "docker.io/library/amazonlinux:latest", "latest"),
        ("debian:12", "docker.io/library/debian:12", "12"),
        ("docker://debian", "docker.io/library/debian:latest", "latest"),
        ("me/web", "docker.io/me/web:latest", "latest"),
        ("docker.io/debian", "docker.io/library/debian:latest", "latest"),
        ("index.docker.io/me/web:1", "docker.io/me/web:1", "1"),
        ("public.ecr.aws/x/y:tag", "public.ecr.aws/x/y:tag", "tag"),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1",
            "1",
        ),
        (f"host:5000/web@{DIGEST}", f"host:5000/web@{DIGEST}", DIGEST),
        (f"host:5000/a/b:1@{DIGEST}", f"host:5000/a/b:1@{DIGEST}", DIGEST),
        ("localhost/web", "localhost/web:latest", "latest"),
        ("[::1]:5000/web", "[::1]:5000/web:latest", "latest"),
        ("R.Example.com/web:V1", "r.example.com/web:V1", "V1"),
        ("docker://ami-0123456789abcdef0", "docker.io/library/ami-0123456789abcdef0:latest",
         "latest"),
    ],
)  # fmt: skip
def test_a_reference_is_spelled_out(text: str, meant: str, wanted: str) -> None:
    reference = read_reference(text)

    assert reference is not None
    assert str(reference) == meant
    assert reference.wanted == wanted


@pytest.mark.parametrize(
    "text",
    [
        "debian",
        "",
        "docker://",
        "ami-0a1b2c3d",
        "ssm:/aws/al2023",
        "ssm:name:1",
        "arn:aws:imagebuilder:us-east-1:aws:image/tiny-x86/x.x.x",
        "/srv/image.tar",
        "oci:/srv/layout",
        "file:///srv/image.tar",
        "Web:1",
        "host/Web:1",
        "web:",
        "web@sha256:short",
        "host:port/web",
        "https://host/web",
        "me:secret@host/web",
        "host/../web",
        "host/web?x=1",
        "host/web\n",
    ],
)
def test_what_is_no_reference_is_none(text: str) -> None:
    assert read_reference(text) is None


def test_a_bare_name_is_one_where_it_can_be_nothing_else() -> None:
    assert str(read_reference("debian", may_be_bare=True)) == "docker.io/library/debian:latest"
    assert read_reference("ami-0a1b2c3d", may_be_bare=True) is None
