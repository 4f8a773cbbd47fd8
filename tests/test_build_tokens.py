import pytest

from imagewright.build_tokens import build_tokens, without_tokens

DATE, VERSION = "imagebuilder:buildDate", "imagebuilder:buildVersion"


@pytest.mark.parametrize(
    ("text", "tokens", "rest"),
    [
        ("golden", [], "golden"),
        ("{{imagebuilder:buildDate}}", [(DATE, None)], ""),
        ("a {{  imagebuilder:buildDate }} b", [(DATE, None)], "a  b"),
        ("{{imagebuilder:buildDate:yyyy-MM-dd}}", [(DATE, "yyyy-MM-dd")], ""),
        ("{{ imagebuilder:buildDate:HH:mm }}", [(DATE, "HH:mm")], ""),
        (
            "{{imagebuilder:buildVersion}}-{{imagebuilder:buildDate}}",
            [(VERSION, None), (DATE, None)],
            "-",
        ),
        ("{{ imagebuilder:buildVersion:x }}", [], "{{ imagebuilder:buildVersion:x }}"),
        ("{{ imagebuilder:other }} {{}}", [], "{{ imagebuilder:other }} {{}}"),
        ("{imagebuilder:buildDate}", [], "{imagebuilder:buildDate}"),
    ],
)
def test_tokens_are_found_and_the_rest_stays(
    text: str, tokens: list[tuple[str, str | None]], rest: str
) -> None:
    """DST-03."""
    found = build_tokens(text)

    assert [(token.name, token.format) for token in found] == tokens
    assert without_tokens(text) == rest
