"""Requests with an answer that helps and one that does not.

The latter is wrong, beside the point, unclear, or not in the form that was asked for.
"""

from pipelines.sample_data.general_template import GeneralTemplate

HELPFULNESS: tuple[GeneralTemplate, ...] = (
    GeneralTemplate(
        input="How do I convert $given $unit to $target?",
        chosen="Multiply by $factor: $given $unit are about $answer $target.",
        rejected="Unit conversion has a long history. Many systems of units exist, and which one you use "
        "depends on "
        "where you live and what you do. There are also websites for this.",
        fills=(
            {"given": "12", "unit": "miles", "target": "kilometres", "factor": "1.609", "answer": "19.3"},
            {"given": "5", "unit": "pounds", "target": "kilograms", "factor": "0.4536", "answer": "2.27"},
            {"given": "8", "unit": "inches", "target": "centimetres", "factor": "2.54", "answer": "20.3"},
        ),
    ),
    GeneralTemplate(
        input="Give me exactly three names for $thing. One per line, no explanations.",
        chosen="$one\n$two\n$three",
        rejected="Sure! Here are some ideas for $thing that I think are really great:\n\n1. $one - because "
        "it sounds "
        "friendly\n2. $two - simple and short\n3. $three\n4. Sunshine\n5. Lucky\n\nLet me know if you want "
        "more!",
        fills=(
            {"thing": "a grey kitten", "one": "Pebble", "two": "Misty", "three": "Slate"},
            {"thing": "a small rowing boat", "one": "Dabchick", "two": "Nutshell", "three": "Willow"},
            {
                "thing": "a bakery by a river",
                "one": "The Mill Loaf",
                "two": "Bankside Bread",
                "three": "Ferry Oven",
            },
        ),
    ),
    GeneralTemplate(
        input="My $device $symptom. What should I check first?",
        chosen="Start with what is cheap to rule out:\n1. $first\n2. $second\n3. $third\n\nIf none of "
        "these helps, tell "
        "me what you see at step 2 and we can narrow it down.",
        rejected="That sounds annoying. You should buy a new $device, they are not that expensive any more.",
        fills=(
            {
                "device": "bicycle",
                "symptom": "makes a clicking noise when I pedal",
                "first": "Tighten the pedals and the crank bolts.",
                "second": "Turn the crank by hand and watch for a stiff chain link.",
                "third": "Check that the saddle and seat post are not the ones that click, by standing up.",
            },
            {
                "device": "printer",
                "symptom": "prints pale stripes",
                "first": "Run the head cleaning from its menu once.",
                "second": "Print a test page and see which colour is missing.",
                "third": "Check that the paper setting matches the paper.",
            },
            {
                "device": "fridge",
                "symptom": "has water on its floor",
                "first": "Look for a blocked drain hole at the back wall and clear it with a pipe cleaner.",
                "second": "Press the door seal all round and see where it gives.",
                "third": "Empty the tray below the compressor.",
            },
        ),
    ),
    GeneralTemplate(
        input="Summarise in one sentence: $passage",
        chosen="$summary",
        rejected="$passage In other words, this is about what was said above, and there are several sides "
        "to it.",
        fills=(
            {
                "passage": "The bridge was closed in May after engineers found cracks. Repairs began in "
                "June, were "
                "stopped by floods in July, and ended in October, two months late.",
                "summary": "Flooding delayed the repair of the cracked bridge, which was closed from May "
                "to October.",
            },
            {
                "passage": "The choir sang for sixty people on Friday and for two hundred on Saturday. The "
                "difference, "
                "the director says, was a notice in the paper on Saturday morning.",
                "summary": "A newspaper notice is thought to have more than tripled the choir's audience "
                "overnight.",
            },
            {
                "passage": "Bees were kept on the roof of the school for four years. Last winter all hives "
                "died, and "
                "the pupils now plan to plant flowers before they try again.",
                "summary": "After losing all its hives last winter, the school will plant flowers before "
                "keeping bees again.",
            },
        ),
    ),
    GeneralTemplate(
        input="What is the difference between $left and $right?",
        chosen="$leftcap: $leftdef\n$rightcap: $rightdef\n\nRule of thumb: $rule",
        rejected="They are more or less the same thing, people just use different words for them. $leftcap "
        "is perhaps "
        "a bit older.",
        fills=(
            {
                "left": "weather",
                "right": "climate",
                "leftcap": "Weather",
                "rightcap": "Climate",
                "leftdef": "what the air does here today.",
                "rightdef": "what it does on average over decades.",
                "rule": "climate tells you which clothes to own, weather which to wear.",
            },
            {
                "left": "baking soda",
                "right": "baking powder",
                "leftcap": "Baking soda",
                "rightcap": "Baking powder",
                "leftdef": "a base that needs an acid in the dough, such as buttermilk.",
                "rightdef": "the same base with an acid already mixed in.",
                "rule": "one teaspoon of soda does the work of about three of powder, if the dough is sour.",
            },
            {
                "left": "a simile",
                "right": "a metaphor",
                "leftcap": "Simile",
                "rightcap": "Metaphor",
                "leftdef": "says that one thing is like another ('brave as a lion').",
                "rightdef": "says that it is the other ('he was a lion').",
                "rule": "if you see 'like' or 'as', it is a simile.",
            },
        ),
    ),
    GeneralTemplate(
        input="Translate into $tongue: '$phrase'",
        chosen="$translation",
        rejected="I think in $tongue one would say something like '$wrong', but word order is different "
        "there and I "
        "would not rely on it.",
        fills=(
            {
                "tongue": "German",
                "phrase": "The train leaves at seven.",
                "translation": "Der Zug faehrt um sieben Uhr ab.",
                "wrong": "Der Bus kommt sieben.",
            },
            {
                "tongue": "French",
                "phrase": "Where is the library?",
                "translation": "Ou est la bibliotheque ?",
                "wrong": "La librairie ou ?",
            },
            {
                "tongue": "Spanish",
                "phrase": "We need two tickets.",
                "translation": "Necesitamos dos entradas.",
                "wrong": "Tener dos papel.",
            },
        ),
    ),
    GeneralTemplate(
        input="A shop sells $item for $price euros and gives $percent % off. What do I pay?",
        chosen="$percent % of $price is $off, so you pay $price - $off = $result euros.",
        rejected="You pay $wrong euros.",
        fills=(
            {"item": "a lamp", "price": "40", "percent": "15", "off": "6", "result": "34", "wrong": "25"},
            {"item": "a coat", "price": "120", "percent": "25", "off": "30", "result": "90", "wrong": "95"},
            {"item": "a kettle", "price": "30", "percent": "10", "off": "3", "result": "27", "wrong": "20"},
        ),
    ),
    GeneralTemplate(
        input="Write a short, polite message to my $person: $matter.",
        chosen="Hello $name,\n\n$body\n\nThank you, and best regards",
        rejected="hey, $matter. sort it out asap please because this has been going on for far too long "
        "and honestly "
        "I do not know what you are doing all day",
        fills=(
            {
                "person": "landlord",
                "matter": "the heating has been off since Monday",
                "name": "Ms Adler",
                "body": "the heating in my flat has been off since Monday. Could you tell me when someone "
                "can have a look at it?",
            },
            {
                "person": "neighbour",
                "matter": "the drums at night keep me awake",
                "name": "Tom",
                "body": "I can hear the drums after eleven and find it hard to sleep. Could we agree on an "
                "hour after "
                "which it stays quiet?",
            },
            {
                "person": "teacher",
                "matter": "my son will miss the trip because he is ill",
                "name": "Mr Okoro",
                "body": "my son is ill and cannot come on Thursday's trip. Is there anything he should "
                "catch up on at home?",
            },
        ),
    ),
    GeneralTemplate(
        input="Is it true that $claim?",
        chosen="No. $truth",
        rejected="Yes, that is well known. $claimcap, as many people can confirm.",
        fills=(
            {
                "claim": "we use only ten percent of our brain",
                "claimcap": "We use only ten percent of our brain",
                "truth": "Imaging shows activity in nearly all of it over a day, and damage to almost any "
                "part has effects.",
            },
            {
                "claim": "lightning never strikes the same place twice",
                "claimcap": "Lightning never strikes the same place twice",
                "truth": "Tall buildings are hit many times a year; a strike does nothing to protect a "
                "place from the next.",
            },
            {
                "claim": "goldfish forget everything after three seconds",
                "claimcap": "Goldfish forget everything after three seconds",
                "truth": "In experiments they remember what a signal means for weeks and months.",
            },
        ),
    ),
    GeneralTemplate(
        input="I have $ingredients. What can I cook in half an hour?",
        chosen="$dish.\n\n- $step1\n- $step2\n- $step3",
        rejected="With a well stocked kitchen you could make a beef stew: brown two pounds of beef, add "
        "red wine and stock, "
        "and let it simmer for about three hours. Serve with fresh bread and a salad of the season.",
        fills=(
            {
                "ingredients": "eggs, potatoes and an onion",
                "dish": "A Spanish omelette",
                "step1": "Slice potatoes and onion, fry them soft for 15 minutes.",
                "step2": "Pour four beaten eggs over them, cover, low heat for 6 minutes.",
                "step3": "Turn it over with a plate and give it 3 more minutes.",
            },
            {
                "ingredients": "rice, canned beans and a tomato",
                "dish": "Beans and rice",
                "step1": "Boil the rice, about 15 minutes.",
                "step2": "Meanwhile warm the drained beans with the chopped tomato and salt.",
                "step3": "Mix, and finish with pepper and a little oil.",
            },
            {
                "ingredients": "pasta, garlic and oil",
                "dish": "Spaghetti aglio e olio",
                "step1": "Boil the pasta in salted water and keep a cup of the water.",
                "step2": "Let sliced garlic turn golden in oil over low heat.",
                "step3": "Toss both with a splash of the water until it looks creamy.",
            },
        ),
    ),
    GeneralTemplate(
        input="Explain $concept to a ten-year-old.",
        chosen="$simple",
        rejected="$hard",
        fills=(
            {
                "concept": "inflation",
                "simple": "Last year your pocket money bought ten sweets. This year it buys nine, because "
                "each costs a little "
                "more. When nearly everything gets dearer like that, we call it inflation.",
                "hard": "Inflation denotes a sustained rise of the aggregate price level, commonly "
                "measured by a Laspeyres index "
                "over a representative basket, and is related to monetary aggregates through the quantity "
                "equation.",
            },
            {
                "concept": "why the moon changes its shape",
                "simple": "The moon is a ball, and the sun always lights one half of it. As the moon goes "
                "round us, we see that "
                "bright half from different sides: all of it, a piece, or nothing.",
                "hard": "The phase angle between the heliocentric and the geocentric direction determines "
                "the illuminated "
                "fraction, which follows from elementary spherical geometry as (1 + cos i) / 2.",
            },
            {
                "concept": "a vaccine",
                "simple": "It shows your body a wanted poster of a germ. If the real germ comes later, "
                "your body knows its face "
                "and can stop it fast.",
                "hard": "Vaccination induces antigen-specific memory in B and T lymphocytes by "
                "presentation of attenuated or "
                "recombinant immunogens, often with an adjuvant.",
            },
        ),
    ),
    GeneralTemplate(
        input="Sort these by $order and give only the sorted list: $items",
        chosen="$sorted",
        rejected="There are several ways of sorting such a list. A common one compares neighbours and "
        "swaps them until nothing "
        "is out of place. Applied here one gets: $items.",
        fills=(
            {"order": "length", "items": "pear, fig, banana, apple", "sorted": "fig, pear, apple, banana"},
            {"order": "the alphabet", "items": "Oslo, Bern, Riga, Kyiv", "sorted": "Bern, Kyiv, Oslo, Riga"},
            {"order": "size, smallest first", "items": "2.5, 0.3, 11, 4", "sorted": "0.3, 2.5, 4, 11"},
        ),
    ),
    GeneralTemplate(
        input="Which $kind would you pick for $purpose, and why? Two sentences at most.",
        chosen="$pick",
        rejected="It depends. There is no best $kind. Everyone has to decide on their own, since needs "
        "differ, and so do "
        "budgets. You could ask friends. You could also read reviews. In the end both good and bad ones "
        "exist.",
        fills=(
            {
                "kind": "chart",
                "purpose": "sales per month over two years",
                "pick": "A line chart with one line per year over the twelve months. It shows the trend "
                "and lets both years be "
                "compared month by month.",
            },
            {
                "kind": "knot",
                "purpose": "tying a rope to a post",
                "pick": "A round turn and two half hitches. It holds under load and still comes undone by "
                "hand.",
            },
            {
                "kind": "houseplant",
                "purpose": "a dark hallway",
                "pick": "A cast-iron plant. It lives with little light and forgives weeks without water.",
            },
        ),
    ),
    GeneralTemplate(
        input="How long should I $action?",
        chosen="$answer",
        rejected="For as long as it takes.",
        fills=(
            {
                "action": "boil an egg so that the yolk stays soft",
                "answer": "About six minutes in boiling water for a medium egg from the fridge, then cold "
                "water at once. "
                "Add a minute if it is large.",
            },
            {
                "action": "rest between two heavy sets of squats",
                "answer": "Two to four minutes. Shorter breaks cost you repetitions in the next set "
                "without making you stronger.",
            },
            {
                "action": "let a wall dry before the second coat of paint",
                "answer": "Usually four to six hours for water-based paint; the tin says it exactly. It is "
                "ready when it feels dry "
                "and no longer cool.",
            },
        ),
    ),
    GeneralTemplate(
        input="Correct the grammar, change nothing else: '$wrong'",
        chosen="$right",
        rejected="$rewritten I also made the style a little livelier and left out what seemed unimportant.",
        fills=(
            {
                "wrong": "She don't know where is the keys.",
                "right": "She doesn't know where the keys are.",
                "rewritten": "Alas, nobody can tell where those famous keys may be!",
            },
            {
                "wrong": "Me and him has went to the market.",
                "right": "He and I have gone to the market.",
                "rewritten": "The market was our destination today!",
            },
            {
                "wrong": "There is less people then yesterday.",
                "right": "There are fewer people than yesterday.",
                "rewritten": "Attendance fell sharply compared with the day before!",
            },
        ),
    ),
)
