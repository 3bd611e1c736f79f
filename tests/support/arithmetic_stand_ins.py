"""Stand-ins for models that the tests of cheating examine: takers of known skill, a judge, and a gate's model.

An item asks for a sum, such as "A farmer sells 12+30 apples. How many apples is that?". A taker answers right if the
sum is below its skill, and wrong otherwise. The judge and the gate compute the truth from the material between the tags
of their prompts. They quote all of it before their verdict, as models do.
"""

import random
import re
from collections.abc import Callable, Mapping
from typing import Final

from swarm_core.blocks.endpoints import EndpointSpec
from swarm_core.ports import Completion, Reply, Request
from swarm_core.recipe import ModelName

WRITER, WEAK, MEDIUM, STRONG = (ModelName(digit * 64) for digit in "abcd")
ENDPOINT: Final = {"url": "https://models.test", "model": "large"}
JUDGE: Final = EndpointSpec.model_validate(ENDPOINT).served_model
SKILLS: Mapping[ModelName, int] = {WEAK: 50, MEDIUM: 500, STRONG: 10_000}
"""Sums below this are answered right, by taker."""
TAKERS = (("weak", WEAK), ("medium", MEDIUM), ("strong", STRONG))
THINGS = ("apples", "pears", "plums", "melons", "lemons", "cherries", "peaches", "walnuts", "figs", "dates")
SELLERS = ("farmer", "grocer", "baker", "trader", "neighbor", "gardener", "cook", "merchant", "peddler", "vendor")
SUM = re.compile(r"(\d+)\+(\d+)")
SAID = re.compile(r"-?\d+")
Script = Callable[[Request], Reply]


def finish(text: str) -> Completion:
    """A completion that ended by itself."""
    return Completion(text, len(text), True)


def ask_sum(number: int, digits: int | None = None) -> str:
    """Item `number`: a sum of numbers with this many digits, or else with one to four, by chance."""
    draw = random.Random(number)
    digits = draw.randint(1, 4) if digits is None else digits
    first, second = (draw.randrange(10 ** (digits - 1), 5 * 10 ** (digits - 1)) for _ in range(2))
    if digits == 4:
        first += 10_000  # above the skill of every taker
    thing, seller = draw.choice(THINGS), draw.choice(SELLERS)
    return f"A {seller} at stall {number} sells {first}+{second} {thing}. How many {thing} is that?"


def find_truth(item: str) -> int | None:
    """The sum that an item asks for; None if it asks for none."""
    found = SUM.search(item)
    return int(found[1]) + int(found[2]) if found else None


def read_item(request: Request) -> str:
    """The item that a taker is asked."""
    return request.prompt.removeprefix("Q: ").removesuffix("\nA:")


def answer(request: Request) -> Completion:
    """The answer of a taker: right below its skill, and wrong by one above."""
    truth = find_truth(read_item(request))
    if truth is None:
        return finish(" I do not know that one: 0")
    return finish(f" {truth if truth < SKILLS[request.model] else truth + 1}")


def read_material(prompt: str, name: str) -> str:
    """The material of this name, between the tags of the prompt. The key is what the prompt states before them."""
    key = re.search(r"tags that end in ([0-9a-f]{16}) is", prompt)
    assert key is not None
    return prompt.split(f"<{name}-{key[1]}>\n", 1)[1].split(f"\n</{name}-{key[1]}>", 1)[0]


def mark(request: Request) -> Completion:
    """The judgment of a response: 10 if its first number is the sum, and 1 if not."""
    query, response = (read_material(request.prompt, name) for name in ("query", "response"))
    said = SAID.search(response)
    right = said is not None and int(said[0]) == find_truth(query)
    return finish(f"The query is {query}\nThe response is {response}\n\nScore: {10 if right else 1}")


def check_query(request: Request) -> Completion:
    """The verdict about a query: valid if it asks for a sum and says of no number that it is missing."""
    query = read_material(request.prompt, "query")
    valid = find_truth(query) is not None and "some number" not in query
    return finish(f"The query is {query}\n\nValid: {'yes' if valid else 'no'}")


def is_judgment(request: Request) -> bool:
    """Whether a request asks the judge for a mark."""
    return request.model == JUDGE and request.prompt.startswith("Mark a response")


def reply_honestly(request: Request) -> Reply:
    """The reply of every model but the generator."""
    if request.model == JUDGE:
        return mark(request) if is_judgment(request) else check_query(request)
    return answer(request)
