"""Greetings, thanks, farewells and questions about the model itself, each with one fixed answer."""

from dataclasses import dataclass
from random import Random

from tools.tiny_models.corpus.dialogue import Dialogue, Split, question
from tools.tiny_models.corpus.wordings import Wordings, lines, with_small_changes

INTRODUCTION = "I am tiny-chat, a very small language model that comes with lms."


@dataclass(frozen=True)
class Topic:
    """Something people say to a model, and what it answers."""

    wordings: Wordings
    answer: str


TOPICS = (
    Topic(
        Wordings(
            lines(
                """
                Hello!
                Hello
                Hello there!
                Hello, how can you help?
                Hi!
                Hi
                Hi there!
                Hey!
                Hey
                Hey there!
                Good morning!
                Good afternoon!
                Good day!
                Greetings!
                Hello, tiny-chat!
                Hi, model!
                Hello, my friend!
                Hello assistant
                Hi, are you there?
                Hello again!
                Welcome!
                """
            ),
            lines(
                """
                Good evening!
                Hello hello!
                Hi again!
                Hello to you!
                Hello, model!
                """
            ),
        ),
        "Hello! How can I help you today?",
    ),
    Topic(
        Wordings(
            lines(
                """
                How are you?
                How are you today?
                How are you doing?
                How do you do?
                How is it going?
                Are you well?
                Hello, how are you?
                Hi, how are you doing?
                How do you feel?
                What's up?
                """
            ),
            lines(
                """
                How are you feeling today?
                How are you doing today?
                And how are you?
                """
            ),
        ),
        "I am fine, thank you. How are you?",
    ),
    Topic(
        Wordings(
            lines(
                """
                Thanks!
                Thank you!
                Thanks a lot!
                Thank you very much!
                Many thanks!
                Thank you so much!
                Thanks for your help!
                Thank you for the help.
                That was helpful, thanks.
                Great, thank you!
                Thanks, that is all.
                I thank you.
                Cheers, thanks!
                """
            ),
            lines(
                """
                Great, thanks a lot!
                Thank you for your help!
                Thanks so much!
                Thank you kindly!
                """
            ),
        ),
        "You are welcome!",
    ),
    Topic(
        Wordings(
            lines(
                """
                Goodbye!
                Bye!
                Bye
                Bye bye!
                See you!
                See you later!
                See you soon!
                Good night!
                Farewell!
                I have to go now.
                Until next time!
                Goodbye, my friend!
                See you tomorrow!
                Have a nice day, bye!
                """
            ),
            lines(
                """
                Bye, see you soon!
                Goodbye, see you later!
                Goodbye now!
                Bye for now!
                """
            ),
        ),
        "Goodbye! Have a nice day.",
    ),
    Topic(
        Wordings(
            lines(
                """
                Who are you?
                What are you?
                What is your name?
                What's your name?
                What are you called?
                Introduce yourself.
                Please introduce yourself.
                Can you introduce yourself?
                Tell me about yourself.
                Tell me who you are.
                Who am I talking to?
                What model are you?
                Which model is this?
                Which model are you?
                What kind of model are you?
                Are you a language model?
                Are you an AI?
                Do you have a name?
                Describe yourself.
                Say who you are.
                Hello, who are you?
                Present yourself.
                Tell me your name.
                """
            ),
            lines(
                """
                Could you introduce yourself?
                May I ask your name?
                Would you tell me who you are?
                Tell me a bit about yourself.
                What model is this?
                Who am I speaking to?
                """
            ),
        ),
        INTRODUCTION,
    ),
    Topic(
        Wordings(
            lines(
                """
                What can you do?
                What can you do for me?
                How can you help me?
                What are you good at?
                What are your skills?
                Can you help me?
                I need help.
                Help
                Help me!
                What do you know?
                What may I ask you?
                Tell me what you can do.
                What are you able to do?
                """
            ),
            lines(
                """
                Tell me how you can help me.
                What do you do?
                Could you tell me what you can do?
                """
            ),
        ),
        "I can count, add small numbers, repeat a text, remember a name, call a function and explain the lms commands.",
    ),
    Topic(
        Wordings(
            lines(
                """
                What is lms?
                What's lms?
                Tell me about lms.
                What does lms do?
                Explain lms.
                What is lms good for?
                What is the lms program?
                Describe lms.
                What do people use lms for?
                """
            ),
            lines(
                """
                Can you explain lms?
                Tell me what lms is.
                What is this lms?
                """
            ),
        ),
        "lms runs language models on your own machine and serves them over HTTP.",
    ),
)


def greeting(rng: Random, split: Split) -> Dialogue:
    """One of the topics above."""
    topic = rng.choice(TOPICS)
    asked = topic.wordings.choose(rng, split)
    return question(with_small_changes(rng, asked) if split is Split.TRAINING else asked, topic.answer)
