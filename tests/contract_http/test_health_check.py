"""Is it alive, and may it have visitors?"""

from tests.contract_http.visitors import Visitor


def test_health_check_works(visitor: Visitor) -> None:
    answer = visitor.get("/health_check")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "0", b"")


def test_readiness_tells_of_each_part(visitor: Visitor) -> None:
    answer = visitor.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["parts"]["database"] == "ok"
    assert "worker" in answer.json()["parts"]
