"""Sentence frames: each is one meaning with slots, and several sentences that say it."""

from tools.tiny_models.corpus.wordings import Wordings, lines


def frame(training: str, held_out: str) -> Wordings:
    """Sentences that mean the same, from their lines; the held-out ones are never seen in training."""
    return Wordings(lines(training), lines(held_out))


FRAMES = (
    frame(
        """
        The {person} bought a {thing} {time}.
        The {person} purchased a {thing} {time}.
        A {thing} was bought by the {person} {time}.
        {time}, the {person} paid for a {thing}.
        """,
        """
        It was a {thing} that the {person} bought {time}.
        {time} the {person} went and purchased a {thing}.
        """,
    ),
    frame(
        """
        The {person} lost a {thing} in the {place}.
        A {thing} was lost by the {person} in the {place}.
        In the {place}, the {person} could not find the {thing} any more.
        The {person} can't find the {thing} that was left in the {place}.
        """,
        """
        The {thing} of the {person} got lost in the {place}.
        """,
    ),
    frame(
        """
        The {person} walked to the {place} {time}.
        The {person} went to the {place} on foot {time}.
        {time}, the {person} took a walk to the {place}.
        {time} the {place} was reached on foot by the {person}.
        """,
        """
        On foot the {person} went to the {place} {time}.
        """,
    ),
    frame(
        """
        The {animal} is sleeping in the {place}.
        In the {place}, the {animal} is asleep.
        There is a {animal} taking a nap in the {place}.
        The {place} is where the {animal} is sleeping.
        """,
        """
        Asleep in the {place} lies a {animal}.
        """,
    ),
    frame(
        """
        The {person} is {feeling} because of the {thing}.
        The {thing} makes the {person} {feeling}.
        Because of the {thing}, the {person} feels {feeling}.
        The {person} feels {feeling} about the {thing}.
        """,
        """
        It is the {thing} that makes the {person} feel {feeling}.
        """,
    ),
    frame(
        """
        The {person} gave the {other} a {thing}.
        The {other} got a {thing} from the {person}.
        The {other} received a {thing} from the {person}.
        A {thing} was given to the {other} by the {person}.
        """,
        """
        The {person} handed a {thing} over to the {other}.
        """,
    ),
    frame(
        """
        The {person} likes to eat {food}.
        The {person} loves {food}.
        {food} is what the {person} enjoys eating.
        The favourite meal of the {person} is {food}.
        """,
        """
        Eating {food} is a pleasure for the {person}.
        """,
    ),
    frame(
        """
        The {thing} is too {quality}.
        This {thing} is far too {quality}.
        I find the {thing} very {quality}.
        It is a very {quality} {thing}.
        """,
        """
        What a {quality} {thing} this is.
        """,
    ),
    frame(
        """
        How do I get to the {place}?
        Can you tell me the way to the {place}?
        Which way is the {place}?
        Where do I find the {place}?
        I am looking for the {place}.
        """,
        """
        Please show me how to reach the {place}.
        """,
    ),
    frame(
        """
        How much does the {thing} cost?
        What is the price of the {thing}?
        How much money do I pay for the {thing}?
        What do you want for the {thing}?
        """,
        """
        Tell me the cost of the {thing}.
        """,
    ),
    frame(
        """
        How do I repair a {quality} {thing}?
        What is the way to fix a {quality} {thing}?
        I want to mend a {quality} {thing}.
        Can someone repair my {quality} {thing}?
        """,
        """
        Help me fix my {quality} {thing}.
        """,
    ),
    frame(
        """
        The {animal} ate the {food} of the {person}.
        The {food} of the {person} was eaten by the {animal}.
        A {animal} has eaten up the {person}'s {food}.
        The {person} no longer has any {food}, the {animal} ate it.
        """,
        """
        It was the {animal} that ate all the {food} of the {person}.
        """,
    ),
    frame(
        """
        The {person} is cooking {food} in the {place}.
        In the {place}, {food} is made by the {person}.
        The {person} prepares {food} at the {place}.
        {food} is being cooked by the {person} in the {place}.
        """,
        """
        The {person} makes some {food} over in the {place}.
        """,
    ),
    frame(
        """
        The {place} was closed {time}.
        {time} the {place} was not open.
        Nobody could get into the {place} {time}.
        The {place} had its doors shut {time}.
        """,
        """
        {time} the doors of the {place} stayed closed.
        """,
    ),
    frame(
        """
        The {person} met the {other} in the {place}.
        The {person} and the {other} came together in the {place}.
        In the {place}, the {person} ran into the {other}.
        There was a meeting of the {person} and the {other} in the {place}.
        """,
        """
        The {other} was met by the {person} at the {place}.
        """,
    ),
    frame(
        """
        {name} lives near the {place}.
        The home of {name} is close to the {place}.
        {name} has a flat not far from the {place}.
        Near the {place} is where {name} lives.
        """,
        """
        {name} resides close to the {place}.
        """,
    ),
    frame(
        """
        {name} works as a {person}.
        {name} is a {person} by trade.
        The job of {name} is {person}.
        {name} earns money as a {person}.
        """,
        """
        By profession {name} is a {person}.
        """,
    ),
    frame(
        """
        {name} has a {animal} at home.
        {name} owns a {animal}.
        {name} keeps a {animal} as a pet.
        The pet of {name} is a {animal}.
        """,
        """
        A {animal} belongs to {name}.
        """,
    ),
    frame(
        """
        The {person} was {feeling} {time}.
        {time}, the {person} felt {feeling}.
        {time} was a day when the {person} felt {feeling}.
        The {person} had a {feeling} mood {time}.
        """,
        """
        {time} a {feeling} {person} was seen.
        """,
    ),
    frame(
        """
        There was a fire in the {place} {time}.
        The {place} burned {time}.
        {time}, flames broke out in the {place}.
        The {place} was on fire {time}.
        """,
        """
        {time} the {place} was burning.
        """,
    ),
    frame(
        """
        The {person} forgot the {thing} at the {place}.
        The {thing} was left behind at the {place} by the {person}.
        The {person} left the {thing} behind in the {place}.
        At the {place}, the {person} did not remember to take the {thing}.
        """,
        """
        Without thinking the {person} left a {thing} in the {place}.
        """,
    ),
    frame(
        """
        The {person} is afraid of the {animal}.
        The {animal} scares the {person}.
        The {person} fears the {animal}.
        The {person} is frightened by the {animal}.
        """,
        """
        Fear of the {animal} fills the {person}.
        """,
    ),
    frame(
        """
        The {person} teaches {name} to play with the {thing}.
        {name} learns from the {person} how to use the {thing}.
        The {person} shows {name} how the {thing} is used.
        {name} is taught by the {person} how to use the {thing}.
        """,
        """
        How to use the {thing} is what {name} learns from the {person}.
        """,
    ),
    frame(
        """
        The weather at the {place} was bad {time}.
        {time} it rained a lot at the {place}.
        There was much rain at the {place} {time}.
        {time}, the {place} had wet and stormy weather.
        """,
        """
        At the {place} it was raining {time}.
        """,
    ),
)
