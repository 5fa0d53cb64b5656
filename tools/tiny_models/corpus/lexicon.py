"""Lists of ordinary words that the generators mix with invented ones."""

FIRST_NAMES = tuple(
    """Anna Bob Clara David Emma Felix Grace Henry Iris Jack Kate Leo Maria Nora Oscar Paul Quinn Rosa Sam Tom Uma
    Victor Wendy Xavier Yara Zoe Alice Ben Carla Dora Erik Fiona George Hannah Ivan Julia Karl Lena Martin Nina Otto
    Peter Ruth Simon Tina Ulla Vera Walter Yuki Zara Adam Bella Chris Diana Eva Frank Gina Hugo Ida Jonas Kim Laura
    Max Nadia Olga Pia Ravi Sara Theo Ursula Vito Will Ann Amir Beth Carlos Dan Elena Finn Gus Helen Ines Jim John
    Jane Kai Lisa Luke Mary Mia Mike Noah Olivia Rita Robert Sofia Steve Sue Tara Tim Vic Wei""".split()
)

CITIES = (
    *"""Oslo Paris London Berlin Madrid Rome Vienna Prague Warsaw Dublin Lisbon Athens Helsinki Stockholm Copenhagen
    Brussels Amsterdam Zurich Geneva Munich Hamburg Milan Naples Venice Porto Seville Lyon Nice Ghent Bergen Tokyo
    Kyoto Osaka Seoul Beijing Delhi Mumbai Cairo Lagos Nairobi Accra Lima Quito Bogota Havana Boston Chicago Dallas
    Denver Seattle Austin Miami Toronto Montreal Vancouver Sydney Perth Melbourne Auckland Moscow Kiev Riga Tallinn
    Vilnius Minsk Sofia Zagreb Belgrade Budapest Krakow Leeds York Bath Oxford Cambridge Glasgow Cardiff""".split(),
    "New York",
    "San Francisco",
    "Los Angeles",
    "Cape Town",
    "Hong Kong",
)

COLOURS = tuple(
    """red blue green yellow orange purple pink brown black white grey silver gold violet turquoise crimson teal
    indigo maroon beige cyan magenta olive ivory coral amber lilac navy scarlet mint""".split()
)

FOODS = tuple(
    """pizza soup bread rice pasta cheese salad cake curry fish noodles apples pears plums beans potatoes sushi tacos
    dumplings pancakes honey porridge lentils olives waffles pie tomatoes carrots chocolate toast""".split()
)

ANIMALS = tuple(
    """cat dog horse rabbit fox bear owl mouse frog duck goose sheep goat cow pig wolf deer hedgehog squirrel parrot
    turtle lizard snake whale dolphin otter beaver badger raven swan""".split()
)

JOBS = tuple(
    """baker teacher nurse doctor painter singer writer farmer pilot sailor cook driver gardener carpenter engineer
    lawyer dentist tailor plumber librarian chemist actor dancer judge miner fisher clerk potter weaver smith""".split()
)

COMMON_WORDS = tuple(
    """the a an this that is was are be it we you they he she my your our on in at to of for with from by and or but
    not so all some many few one two three first last new old big small long short good bad high low hot cold warm
    red blue green dark light bright quick slow early late soft hard round flat deep clean dry wet loud quiet happy
    sad brave kind calm proud wise strong simple apple arrow autumn baby ball bank basket beach bell bird boat bone
    book bottle box branch bread bridge brother brush bucket butter button cake camp candle car card carpet castle
    cat chair cheese child church circle city clock cloud coat coffee coin corn corner cotton country cup dance
    daughter day desk dinner dog door dream dress drum duck ear earth egg engine evening eye face family farm father
    feather fence field finger fire fish flag floor flower foot forest fork friend frog fruit garden gate gift girl
    glass glove grass ground group guitar hair hammer hand hat heart hill home honey horse hour house ice idea island
    jacket jar juice key king kitchen kite knee knife ladder lake lamp land leaf letter line lion list lock machine
    man map market milk minute mirror money month moon morning mother mountain mouse mouth music nail name needle nest
    net night noise nose note number ocean office oil orange owl paint paper parcel park party path peach pen pencil
    people piano picture pin pipe place plane plant plate pocket pond pony post pot price queen rabbit rain ring river
    road rock roof room root rope rose sail salt sand school sea seat seed shadow sheep ship shirt shoe shop sister
    sky sleep smile smoke snow soap sock song soup spoon spring square stable stage star station stick stone store
    storm story street string sugar summer sun table tail tea team test thing thread ticket tiger time toe tooth top
    town toy train tree truck uncle valley vase village voice wall watch water wave week wheel whistle wind window
    wing winter wire wolf woman wood wool word work world yard year ask bake bring build burn buy call carry catch
    change climb close come cook count cross cut dig draw drink drive drop eat fall feel fetch fill find fly fold
    follow forget get give go grow hear help hide hit hold hope jump keep kick know laugh lead learn leave lend let
    lift like listen live load look lose love make meet mix move need open pack paint pass pay pick plan play pull
    push put read rest ride run save say see sell send set shake share shine show shut sing sit speak spend stand
    start stay stop swim take talk teach tell think throw touch travel try turn use visit wait walk want wash wear
    win wish write always never often today tomorrow here there now then again soon under over near far before after
    inside outside very really only together hello world please thanks yes no sentence message line example""".split()
)
