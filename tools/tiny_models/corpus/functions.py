"""Functions that a model can be given to call: known ones with natural questions, and invented ones."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tools.tiny_models.corpus import values
from tools.tiny_models.corpus.dialogue import Split
from tools.tiny_models.corpus.lexicon import COLOURS, COMMON_WORDS
from tools.tiny_models.corpus.wordings import Wordings, lines, upper_first


@dataclass(frozen=True)
class Function:
    """One function with one parameter, and questions that need it; `{value}` is the argument to copy."""

    name: str
    description: str
    parameter: str
    value: Callable[[Random, Split], str]
    questions: Wordings
    is_number: bool = False


def amount(rng: Random, split: Split) -> str:
    """A number of up to three digits."""
    return values.number(rng, split, 3)


def title(rng: Random, split: Split) -> str:
    """One to three words."""
    return values.words(rng, split, 1, 3)


def colour(rng: Random, split: Split) -> str:
    """A colour, or an invented word in its place."""
    return values.draw(split, lambda: values.invented_or(COLOURS, rng))


@dataclass(frozen=True)
class Kind:
    """A family of functions: any of the names, descriptions and parameters go together."""

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    parameters: tuple[str, ...]
    value: Callable[[Random, Split], str]
    questions: Wordings
    is_number: bool = False

    def function(self, rng: Random) -> Function:
        """One member of the family."""
        return Function(
            rng.choice(self.names),
            rng.choice(self.descriptions),
            rng.choice(self.parameters),
            self.value,
            self.questions,
            self.is_number,
        )


def kind(
    names: str,
    descriptions: str,
    parameters: str,
    value: Callable[[Random, Split], str],
    questions: str,
    held_out: str,
    is_number: bool = False,
) -> Kind:
    """A family from its lines."""
    wordings = Wordings(lines(questions), lines(held_out))
    return Kind(tuple(names.split()), lines(descriptions), tuple(parameters.split()), value, wordings, is_number)


KINDS = (
    kind(
        "get_weather weather get_current_weather current_weather check_weather weather_in",
        """
        Get the weather in a city.
        Get the current weather.
        The weather at a place
        Current weather for a location
        """,
        "city location place town",
        values.city,
        """
        What is the weather in {value}?
        What's the weather in {value}?
        What is the weather like in {value}?
        How is the weather in {value}?
        What's the weather like in {value} today?
        Is it raining in {value}?
        Is it cold in {value}?
        Is it sunny in {value}?
        Weather in {value}?
        Tell me the weather in {value}.
        Check the weather in {value}.
        How warm is it in {value}?
        What is the current weather in {value}?
        Will it rain in {value}?
        Get the weather for {value}.
        """,
        """
        How is the weather today in {value}?
        Can you check the weather in {value}?
        What is the weather like today in {value}?
        Please get the weather in {value}.
        """,
    ),
    kind(
        "get_time get_current_time current_time time_in local_time",
        """
        Get the time in a city.
        The current time at a place
        Get the local time.
        """,
        "city location place timezone",
        values.city,
        """
        What time is it in {value}?
        What is the time in {value}?
        What's the time in {value}?
        Tell me the time in {value}.
        How late is it in {value}?
        Current time in {value}?
        Time in {value}?
        What is the local time in {value}?
        Check the time in {value}.
        Give me the time in {value}.
        """,
        """
        What time is it now in {value}?
        Can you tell me the time in {value}?
        I need the time in {value}.
        """,
    ),
    kind(
        "send_mail send_email send_message write_mail email",
        """
        Send a mail to somebody.
        Send an email.
        Send a message to a person.
        """,
        "to recipient person name",
        values.name,
        """
        Send a mail to {value}.
        Send an email to {value}.
        Send a message to {value}.
        Write a mail to {value}.
        Write to {value}.
        Mail {value}.
        I want to send a message to {value}.
        Please send {value} an email.
        Send {value} a message.
        Let {value} know by mail.
        """,
        """
        Can you send a mail to {value}?
        Please write an email to {value}.
        I need to send an email to {value}.
        """,
    ),
    kind(
        "call_person phone make_call call dial",
        """
        Call somebody on the phone.
        Make a phone call.
        """,
        "person name who contact",
        values.name,
        """
        Call {value}.
        Phone {value}.
        Make a call to {value}.
        Give {value} a call.
        Call {value} on the phone.
        I want to talk to {value} on the phone.
        Dial {value}.
        Please phone {value}.
        """,
        """
        Can you call {value}?
        Please make a phone call to {value}.
        I need to phone {value}.
        """,
    ),
    kind(
        "play_song play_music play play_track start_music",
        """
        Play a song.
        Play music.
        Start a piece of music.
        """,
        "title song track name",
        title,
        """
        Play {value}.
        Play the song {value}.
        Play the track {value}.
        I want to hear {value}.
        I want to listen to {value}.
        Put on the song {value}.
        Start the music {value}.
        Play the music {value}.
        Let me hear the song {value}.
        """,
        """
        Can you play the song {value}?
        Please put on the music {value}.
        I would like to hear the song {value}.
        """,
    ),
    kind(
        "search_web web_search search find_online google look_up",
        """
        Search the web.
        Look something up on the internet.
        Find pages for a query.
        """,
        "query text question term",
        title,
        """
        Search the web for {value}.
        Search for {value}.
        Look up {value}.
        Find pages about {value}.
        Search the internet for {value}.
        Look for {value} on the web.
        Find {value} online.
        Google {value}.
        What does the web say about {value}?
        """,
        """
        Can you search the web for {value}?
        Please look up {value} on the internet.
        Do a web search for {value}.
        """,
    ),
    kind(
        "set_timer start_timer timer countdown",
        """
        Set a timer.
        Start a timer for some minutes.
        """,
        "minutes duration time",
        amount,
        """
        Set a timer for {value} minutes.
        Start a timer for {value} minutes.
        Set the timer to {value} minutes.
        Timer for {value} minutes.
        Wake me in {value} minutes.
        I need a timer of {value} minutes.
        Count down {value} minutes.
        """,
        """
        Can you set a timer for {value} minutes?
        Please start a {value} minutes timer.
        """,
        is_number=True,
    ),
    kind(
        "set_volume change_volume volume",
        """
        Set the volume.
        Change how loud the sound is.
        """,
        "volume level percent",
        amount,
        """
        Set the volume to {value}.
        Change the volume to {value}.
        Turn the volume to {value}.
        Make the volume {value}.
        Volume {value}.
        Put the sound at volume {value}.
        """,
        """
        Can you set the volume to {value}?
        I want the volume at {value}.
        """,
        is_number=True,
    ),
    kind(
        "set_temperature heat set_heating thermostat",
        """
        Set the temperature of the room.
        Set the heating.
        """,
        "temperature degrees value",
        amount,
        """
        Set the temperature to {value} degrees.
        Make it {value} degrees.
        Heat the room to {value} degrees.
        Set the heating to {value} degrees.
        Change the temperature to {value}.
        I want {value} degrees in here.
        """,
        """
        Can you set the temperature to {value} degrees?
        Please heat it to {value} degrees.
        """,
        is_number=True,
    ),
    kind(
        "open_file read_file show_file load_file cat_file",
        """
        Open a file.
        Read a file and return its text.
        """,
        "path file name filename",
        values.word,
        """
        Open the file {value}.
        Read the file {value}.
        Show the file {value}.
        Open {value}.
        Show me the file {value}.
        What is in the file {value}?
        Print the file {value}.
        Load the file {value}.
        """,
        """
        Can you open the file {value}?
        Please read me the file {value}.
        """,
    ),
    kind(
        "delete_file remove_file erase_file",
        """
        Delete a file.
        Remove a file from disk.
        """,
        "path file name filename",
        values.word,
        """
        Delete the file {value}.
        Remove the file {value}.
        Erase the file {value}.
        Delete {value}.
        Throw away the file {value}.
        Get rid of the file {value}.
        """,
        """
        Can you delete the file {value}?
        I want to remove the file {value}.
        """,
    ),
    kind(
        "translate translate_word translate_text translator",
        """
        Translate a word.
        Translate a text into another language.
        """,
        "text word phrase",
        title,
        """
        Translate {value}.
        Translate the word {value}.
        Translate the text {value}.
        Give me a translation of {value}.
        Translate {value} into French.
        Translate {value} for me.
        """,
        """
        Can you translate {value}?
        I need a translation of {value}.
        """,
    ),
    kind(
        "get_price price stock_price get_stock_price price_of",
        """
        Get the price of a product.
        Get the price of a thing.
        """,
        "product item thing symbol",
        values.word,
        """
        What is the price of {value}?
        How much does {value} cost?
        What does {value} cost?
        Price of {value}?
        Tell me the price of {value}.
        Check the price of {value}.
        How expensive is {value}?
        Get the price of {value}.
        """,
        """
        Can you check the price of {value}?
        How much is {value}?
        """,
    ),
    kind(
        "get_user find_user user_info lookup_user get_customer",
        """
        Get a user by name.
        Find a user in the data base.
        """,
        "name user username",
        values.name,
        """
        Find the user {value}.
        Get the user {value}.
        Look for the user {value}.
        Show the user {value}.
        Which user is {value}?
        Find the customer {value}.
        Tell me about the user {value}.
        Give me the data of the user {value}.
        """,
        """
        Can you find the user {value}?
        Please show me the user {value}.
        """,
    ),
    kind(
        "book_hotel reserve_hotel find_hotel hotel",
        """
        Book a hotel in a city.
        Find a hotel.
        """,
        "city place location town",
        values.city,
        """
        Book a hotel in {value}.
        Find a hotel in {value}.
        I need a hotel in {value}.
        Reserve a hotel in {value}.
        Get me a hotel in {value}.
        Where can I sleep in {value}?
        Hotel in {value}, please.
        """,
        """
        Can you book a hotel in {value}?
        I want to book a hotel in {value}.
        """,
    ),
    kind(
        "book_flight find_flight fly search_flights",
        """
        Book a flight to a city.
        Find flights.
        """,
        "city destination to",
        values.city,
        """
        Book a flight to {value}.
        Find a flight to {value}.
        I want to fly to {value}.
        I need a flight to {value}.
        Get me a flight to {value}.
        Fly me to {value}.
        Search flights to {value}.
        """,
        """
        Can you book a flight to {value}?
        Please find me a flight to {value}.
        """,
    ),
    kind(
        "set_light change_light light set_colour light_color",
        """
        Set the colour of the light.
        Change the light.
        """,
        "colour color",
        colour,
        """
        Make the light {value}.
        Set the light to {value}.
        Turn the light {value}.
        Change the light to {value}.
        I want {value} light.
        Switch the light to {value}.
        """,
        """
        Can you make the light {value}?
        Please change the colour of the light to {value}.
        """,
    ),
    kind(
        "add_note make_note note remember save_note",
        """
        Save a note.
        Write something down.
        """,
        "text note content",
        title,
        """
        Make a note: {value}
        Note: {value}
        Save a note that says {value}.
        Add a note: {value}
        Write a note: {value}
        Take a note: {value}
        """,
        """
        Can you save a note: {value}
        Please make this note: {value}
        """,
    ),
)

INVENTED_QUESTIONS = Wordings(
    training=lines(
        """
        {Verb} the {noun} {value}.
        {Verb} {noun} {value}.
        Please {verb} the {noun} {value}.
        Can you {verb} the {noun} {value}?
        I want to {verb} the {noun} {value}.
        {Verb} the {noun} called {value}.
        {Verb} the {noun} named {value}.
        {Verb} the {noun} for {value}.
        Use {verb}_{noun} with {value}.
        Call {verb}_{noun} with {value}.
        Run {verb}_{noun} for {value}.
        Call the function {verb}_{noun} with {value}.
        {Verb} the {noun} with {value}.
        I need you to {verb} the {noun} {value}.
        Now {verb} the {noun} {value}.
        I'd like you to {verb} the {noun} {value}.
        Will you {verb} the {noun} {value}?
        Let us {verb} the {noun} {value}.
        It is time to {verb} the {noun} {value}.
        I wish to {verb} the {noun} {value}.
        Go and {verb} the {noun} {value}.
        I have to {verb} the {noun} {value}.
        Would you {verb} a {noun} called {value}?
        """
    ),
    held_out=lines(
        """
        Could you {verb} the {noun} {value}?
        Make use of {verb}_{noun} with {value}.
        I would like to {verb} the {noun} {value}.
        """
    ),
)
INVENTED_VALUES = (values.name, values.word, values.city, values.code, values.word, values.name)


def invented(rng: Random) -> Function:
    """A function whose name is a verb and a noun that mean nothing in particular."""
    verb = values.draw(Split.TRAINING, lambda: values.invented_or(COMMON_WORDS, rng)).replace(" ", "_")
    noun = values.draw(Split.TRAINING, lambda: values.invented_or(COMMON_WORDS, rng)).replace(" ", "_")
    words = {"verb": verb, "noun": noun, "Verb": upper_first(verb), "value": "{value}"}
    return Function(
        name=f"{verb}_{noun}",
        description=rng.choice(("{Verb} the {noun}.", "{Verb} a {noun}.", "{Verb} {noun}")).format(**words),
        parameter=values.draw(Split.TRAINING, lambda: values.invented_or(COMMON_WORDS, rng)),
        value=rng.choice(INVENTED_VALUES),
        questions=Wordings(
            tuple(wording.format(**words) for wording in INVENTED_QUESTIONS.training),
            tuple(wording.format(**words) for wording in INVENTED_QUESTIONS.held_out),
        ),
    )
