"""What the container makes of the settings."""

from datetime import timedelta

from adapters_http.lateness import patient_timeout
from tests.unit.zero2prod.test_settings_checks import with_settings
from zero2prod.container import Container
from zero2prod.settings import Settings


def test_the_settings_of_delivery_are_the_policy() -> None:
    settings = with_settings(
        DELIVERY_RETRIES="1m,2m",
        DELIVERY_GIVE_UP="1d",
        DELIVERY_RETENTION="2d",
        DELIVERY_RECIPIENT_RATES="20/s",
        DELIVERY_SENDER_RATES="example.org=2/s",
        MAIL_SMTP_URL="smtp://mail.example.org:587",
    )
    policy = Container(settings=settings).policy()
    assert policy.retries == (timedelta(minutes=1), timedelta(minutes=2))
    assert (policy.give_up_after, policy.retention) == (timedelta(days=1), timedelta(days=2))
    assert policy.relay == "mail.example.org:587"
    assert (policy.recipient_rates, policy.sender_rates) == (settings.recipient_rates, settings.sender_rates)


def test_a_standstill_of_the_machine_is_no_silence_of_the_database() -> None:
    assert Container(settings=Settings()).pool()._limit is patient_timeout
