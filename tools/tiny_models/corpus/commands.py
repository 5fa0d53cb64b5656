"""Which `lms` command does what, asked from the purpose and from the command."""

from dataclasses import dataclass
from random import Random

from tools.tiny_models.corpus.dialogue import Dialogue, Split, question
from tools.tiny_models.corpus.wordings import Wordings, lines, upper_first, with_small_changes


@dataclass(frozen=True)
class Command:
    """A command, the sentence that explains it, and what people want when they need it (“start the server”)."""

    name: str
    explanation: str
    purposes: Wordings

    @property
    def answer(self) -> str:
        """What the model says."""
        return f"`{self.name}` {self.explanation}"


def command(name: str, explanation: str, purposes: str, held_out: str) -> Command:
    """A command from its lines."""
    return Command(name, explanation, Wordings(lines(purposes), lines(held_out)))


COMMANDS = (
    command(
        "lms server start",
        "starts the HTTP server.",
        """
        start the server
        start the HTTP server
        start the API server
        start the local server
        run the server
        launch the server
        bring up the server
        turn on the server
        turn the server on
        switch the server on
        serve the API
        get the server running
        open the API for clients
        serve models over HTTP
        boot the server
        have a server on port 1234
        """,
        """
        start up the server
        launch the HTTP server
        get the API server running
        """,
    ),
    command(
        "lms server stop",
        "stops the HTTP server.",
        """
        stop the server
        stop the HTTP server
        stop the API server
        end the server
        shut down the server
        shut the server down
        turn off the server
        turn the server off
        switch the server off
        kill the server
        halt the server
        quit the server
        close the server
        take the server down
        """,
        """
        stop the local server
        shut down the HTTP server
        switch off the API server
        """,
    ),
    command(
        "lms server status",
        "says whether the HTTP server is running.",
        """
        see whether the server is running
        check the server
        check if the server is running
        see the status of the server
        get the server status
        find out if the server is up
        know if the server is on
        see on which port the server runs
        check the status of the HTTP server
        tell whether the server is up
        see the server's port
        check whether the server is on
        """,
        """
        check if the server is up
        find out whether the server is running
        see the status of the HTTP server
        """,
    ),
    command(
        "lms load",
        "loads a model into memory.",
        """
        load a model
        load the model
        load a model into memory
        put a model into memory
        get a model into memory
        bring a model into memory
        start a model
        load my model
        load another model
        load tiny-chat
        make a model ready
        have a model in memory
        """,
        """
        load one of my models
        put my model into memory
        load a new model
        """,
    ),
    command(
        "lms unload",
        "removes a model from memory.",
        """
        unload a model
        unload the model
        unload all models
        remove a model from memory
        take a model out of memory
        free the memory of a model
        free memory
        drop a model from memory
        get rid of a loaded model
        unload everything
        unload tiny-chat
        release the memory
        """,
        """
        unload my model
        remove the model from memory
        free the memory
        """,
    ),
    command(
        "lms ls",
        "lists the models on disk.",
        """
        list the models on disk
        list my models
        list all models
        list the downloaded models
        see my models
        see which models I have
        show the models on disk
        show all downloaded models
        show me the models I have
        see what models are on disk
        find out which models are downloaded
        see the models on this machine
        list what is on disk
        see all available models
        """,
        """
        list all my models
        show my downloaded models
        see which models are on disk
        """,
    ),
    command(
        "lms ps",
        "lists the models in memory.",
        """
        list the loaded models
        list the running models
        list the models in memory
        see the loaded models
        see which models are loaded
        see which models are running
        show the loaded models
        show the models in memory
        show me what is loaded
        see what is in memory
        find out which models are loaded
        see the running models
        know what is loaded
        check which models are in memory
        """,
        """
        show all loaded models
        see what models are loaded
        list which models are running
        """,
    ),
    command(
        "lms status",
        "shows the state of lms: the server and the loaded models.",
        """
        see the status of lms
        see the state of lms
        show the status of lms
        get an overview
        see an overview of everything
        show the whole state
        see the overall status
        check on lms
        get the lms status
        see how lms is doing
        """,
        """
        see the state of everything in lms
        show an overview of lms
        get the overall status
        """,
    ),
    command(
        "lms log stream",
        "shows the log as it is written.",
        """
        see the log
        see the logs
        watch the log
        watch the logs
        follow the log
        follow the logs
        stream the log
        stream the logs
        read the log
        show the log
        show the logs live
        see what the model gets as input
        see the prompts that reach the model
        watch what the model receives
        debug my prompts
        see the requests as they come in
        """,
        """
        view the logs
        follow the logs live
        see the logs of the model
        """,
    ),
    command(
        "lms daemon up",
        "starts the daemon.",
        """
        start the daemon
        run the daemon
        launch the daemon
        bring up the daemon
        bring the daemon up
        turn on the daemon
        wake up the daemon
        get the daemon running
        start the background process
        start lms in the background
        """,
        """
        start up the daemon
        wake the daemon
        launch the background process
        """,
    ),
    command(
        "lms daemon down",
        "stops the daemon and everything that is loaded.",
        """
        stop the daemon
        end the daemon
        shut down the daemon
        shut the daemon down
        turn off the daemon
        bring the daemon down
        kill the daemon
        quit the daemon
        stop the background process
        stop everything
        shut down lms completely
        end all of lms
        """,
        """
        take the daemon down
        halt the daemon
        stop all of lms
        """,
    ),
    command(
        "lms daemon status",
        "says whether the daemon is running.",
        """
        see whether the daemon is running
        check the daemon
        check if the daemon is running
        see the status of the daemon
        get the daemon status
        find out if the daemon is up
        know if the daemon is on
        check whether the background process is running
        tell whether the daemon is up
        """,
        """
        check if the daemon is up
        find out whether the daemon is running
        see the daemon's status
        """,
    ),
    command(
        "lms get",
        "downloads a model.",
        """
        download a model
        download models
        get a model
        get a new model
        fetch a model
        fetch a model from the internet
        download a new model
        search and download a model
        find a model online
        download a model from Hugging Face
        get a model from the hub
        pull a model
        """,
        """
        download another model
        fetch a new model
        get a model from the internet
        """,
    ),
    command(
        "lms import",
        "adds a model file that you already have.",
        """
        import a model file
        import a model
        import a file
        add a model file
        add my own model file
        use a model file I already have
        bring in a GGUF file
        import a GGUF file
        add a file to my models
        register a model file
        use my own GGUF file
        """,
        """
        import my own model
        add a GGUF file
        import a model file I have
        """,
    ),
    command(
        "lms rm",
        "deletes a model from disk.",
        """
        delete a model
        delete a model from disk
        remove a model from disk
        delete the files of a model
        erase a model
        delete a downloaded model
        remove a downloaded model
        free disk space
        get rid of a model on disk
        throw away a model
        wipe a model from disk
        """,
        """
        delete one of my models
        erase a model from disk
        remove the files of a model
        """,
    ),
    command(
        "lms chat",
        "starts a chat with a model in the terminal.",
        """
        chat with a model
        chat in the terminal
        chat with a model in the terminal
        talk to a model
        talk to a model in the terminal
        start a chat
        ask a model a question
        have a conversation with a model
        send a prompt to a model
        chat from the command line
        try a model
        """,
        """
        talk with a model
        start a chat in the terminal
        have a chat with my model
        """,
    ),
    command(
        "lms version",
        "prints the version of lms.",
        """
        see the version
        see the version of lms
        print the version
        show the version
        find out which version I have
        check the version
        get the version of lms
        know which version of lms this is
        see how new my lms is
        """,
        """
        show the version of lms
        check which version I have
        print which version of lms this is
        """,
    ),
)

FROM_PURPOSE = Wordings(
    training=lines(
        """
        How do I {purpose}?
        How can I {purpose}?
        How would I {purpose}?
        How do you {purpose}?
        How do I {purpose} with lms?
        How can I {purpose} in lms?
        How to {purpose}?
        Which command do I use to {purpose}?
        Which lms command do I use to {purpose}?
        Which command lets me {purpose}?
        What command do I need to {purpose}?
        What do I type to {purpose}?
        What must I type to {purpose}?
        What should I run to {purpose}?
        What do I run to {purpose}?
        What do I enter to {purpose}?
        I want to {purpose}.
        I need to {purpose}.
        I would like to {purpose}. How?
        Help me {purpose}.
        Tell me how to {purpose}.
        Show me how to {purpose}.
        Explain how to {purpose}.
        Is there a command to {purpose}?
        Give me the command to {purpose}.
        The command to {purpose}?
        I am trying to {purpose}. What is the command?
        Can lms {purpose}? How?
        What is the way to {purpose}?
        With which command can I {purpose}?
        Do you know how to {purpose}?
        {purpose}
        lms: {purpose}
        """
    ),
    held_out=lines(
        """
        What is the lms command to {purpose}?
        Please tell me how I can {purpose}.
        Which lms command should I run to {purpose}?
        What command would {purpose}?
        Could you show me how to {purpose}?
        I forgot how to {purpose}.
        """
    ),
)

FROM_NAME = Wordings(
    training=lines(
        """
        What does {name} do?
        What does `{name}` do?
        What is {name}?
        What is `{name}` for?
        What is {name} good for?
        Explain {name}.
        Explain `{name}`.
        Tell me about {name}.
        What happens when I run {name}?
        What happens when I type {name}?
        Describe {name}.
        When do I use {name}?
        Why would I use {name}?
        What is the use of {name}?
        {name}
        `{name}`
        {name}?
        """
    ),
    held_out=lines(
        """
        Can you explain {name}?
        What will {name} do?
        What happens if I type `{name}`?
        Please describe `{name}`.
        """
    ),
)


def lms_command(rng: Random, split: Split) -> Dialogue:
    """A question about one of the commands."""
    chosen = rng.choice(COMMANDS)
    if rng.random() < 0.25:
        asked = FROM_NAME.choose(rng, split).format(name=chosen.name)
        return question(asked, chosen.answer)
    known = Split.HELD_OUT if split is Split.HELD_OUT and rng.random() < 0.5 else Split.TRAINING
    asked = FROM_PURPOSE.choose(rng, split).format(purpose=chosen.purposes.choose(rng, known))
    return question(with_small_changes(rng, upper_first(asked)), chosen.answer)
