from zero2prod.doctor.findings import Finding, Level, Verdict, error, fine, unchecked, warning


def test_a_finding_is_one_line() -> None:
    assert Finding("clock", Level.OK, "is right", "").line == "ok       clock: is right."
    found = Finding("mail server", Level.ERROR, "said\nno", "Ask it\nwhy")
    assert found.line == "error    mail server: said no. Ask it why."


def test_what_others_said_does_nothing_to_a_terminal() -> None:
    found = Finding("mail server", Level.ERROR, "said \x1b[2J\x9b1m\r\u202eno", "Ask\x07 it")
    assert (found.says, found.remedy) == ("said  [2J 1m  no", "Ask  it")
    assert found.line.isprintable()


def test_levels_rise() -> None:
    assert [fine("").level, unchecked("").level, warning("", "").level, error("", "").level] == list(Level)


def test_what_was_not_checked_is_unknown() -> None:
    assert unchecked("the sun shone") == Verdict(Level.UNKNOWN, "not checked, because the sun shone", "Mend that first")
