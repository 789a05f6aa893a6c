"""A newsletter's own fields and tags, as forms send them: ``field_city`` for the field ``city``, ``tag`` for each tag.

The template ``field_inputs.html`` makes the inputs. What the newsletter does not ask for is passed over: a form that
was copied a year ago still works.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from adapters_http.forms import Form
from zero2prod_core.domain.fields import Field
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.errors import FieldInvalid

__all__ = ["PREFIX", "TAG", "chosen_tags", "filled", "typed_fields"]

PREFIX: Final = "field_"
TAG: Final = "tag"


def typed_fields(form: Form, newsletter: Newsletter) -> Mapping[str, str]:
    """What was typed into each field that the newsletter asks for, by its name; nothing is checked yet.

    Raises:
        FieldInvalid: one is there twice, is not UTF-8, or holds NUL; the error's field is ``fields.<name>``.
    """
    return {field.name: _text(form, field) for field in newsletter.fields if f"{PREFIX}{field.name}" in form.fields}


def chosen_tags(form: Form, newsletter: Newsletter) -> tuple[str, ...]:
    """The names of the newsletter's tags that were ticked."""
    ticked = set(form.every(TAG))
    return tuple(tag.name for tag in newsletter.tags if tag.name in ticked)


def filled(answers: Iterable[tuple[Field, str]], tags: Sequence[str]) -> Form:
    """A form that gives these answers and chooses the tags of these names: what is kept, to be shown for changing."""
    typed = {f"{PREFIX}{field.name}": [answer.encode()] for field, answer in answers}
    return Form({**typed, TAG: [tag.encode() for tag in tags]})


def _text(form: Form, field: Field) -> str:
    try:
        return form.text(f"{PREFIX}{field.name}")
    except FieldInvalid as refused:
        raise FieldInvalid(field.path, refused.fields["rule"], refused.fields["remedy"]).about(field.label) from None
