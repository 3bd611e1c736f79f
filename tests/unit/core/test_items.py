"""An item is a record that comes back from its fields as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.items import Item, build_items, get_texts

short = st.text(max_size=5)
items = st.builds(
    Item,
    short,
    st.none() | short,
    st.lists(short, max_size=3).map(tuple),
    st.integers(0, 9),
    st.dictionaries(short, short, max_size=3).map(lambda found: tuple(sorted(found.items()))),
)


@given(items)
def test_an_item_comes_back_from_its_fields_as_it_was(item: Item) -> None:
    assert Item.from_fields(item.to_fields()) == item


def test_only_what_is_known_of_an_item_is_written() -> None:
    assert Item("1+1").to_fields() == {"text": "1+1"}
    known = Item("1+1", reference="2", choices=("2", "3"), request=4, meta=(("source", "book"),))
    assert known.to_fields() == {
        "text": "1+1",
        "reference": "2",
        "choices": ["2", "3"],
        "request": 4,
        "meta": {"source": "book"},
    }


@pytest.mark.parametrize("fields", [{}, {"text": "a", "answer": "b"}, {"text": "a", "choices": 3}])
def test_fields_that_an_item_does_not_have_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        Item.from_fields(fields)


def test_texts_become_items_and_back() -> None:
    assert build_items(["a", "b"]) == (Item("a"), Item("b"))
    assert get_texts(build_items(["a", "b"])) == ("a", "b")
