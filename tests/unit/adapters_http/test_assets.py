from adapters_http.assets import STATIC, asset, version_of
from tests.support.http import House


async def test_every_page_asks_for_its_files_by_their_content(house: House) -> None:
    page = (await house.get("/")).text
    for name in ("style.css", "pico.min.css", "favicon.svg"):
        assert f'href="{asset(name)}"' in page


def test_a_file_that_is_not_there_has_no_version() -> None:
    assert version_of("nothing.css") is None


def test_two_files_have_two_versions() -> None:
    versions = [version_of(file.name) for file in STATIC.iterdir()]
    assert len(set(versions)) == len(versions)


def test_the_style_that_is_not_ours_has_its_licence_beside_it() -> None:
    assert "Pico CSS" in (STATIC / "pico.min.css").read_text()[:200]
    assert (STATIC / "pico.LICENSE.txt").read_text().startswith("MIT License")
