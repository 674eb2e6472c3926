"""The words by which queries are understood: data, so that another language is another table."""

from __future__ import annotations


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


AT_MOST = _listed(
    "under | below | less than | at most | cheaper than | up to | no more than | maximum | max | < | ≤ | not over | "
    "not more than | within | before | until | older than | unter | höchstens | bis | vor | 低于 | 不超过 | 少于"
)
AT_LEAST = _listed(
    "over | above | more than | at least | minimum | min | from | since | after | > | ≥ | newer than | no less than | "
    "starting at | über | mindestens | ab | nach | 高于 | 至少 | 超过"
)
ABOUT = _listed("around | about | roughly | approximately | circa | ~ | ca | etwa")
BETWEEN = _listed("between | zwischen")
TO = _listed("and | to | - | – | — | bis | und")
YEARS_ONLY = _listed("before | until | after | since | older than | newer than | vor | nach")
EXACTLY = _listed("in | from | of | aus")  # a year
NOT = _listed(
    "not | not for | no | without | except | never | nothing | hate | hates | dislike | avoid | excluding | "
    "dont like | do not like | dont want | do not want | anything but | but not | isnt | less | nicht | kein | keine | "
    "keinen | ohne | ausser | 不要 | 不喜欢 | 不是"
)
GOES_ON = _listed("or | and | , | / | nor | any | a | an | the | too | oder | und | ones | more")
LIKE = _listed(
    "like | similar to | as good as | in the style of | reminds me of | reminiscent of | liked | loved | enjoyed | "
    "love | fan of | fans of | same as | wie | ähnlich wie | 类似 | 像"
)
ORDINALS = {
    **{word: at for at, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split())},
    **{word: at for at, word in enumerate("one two three four five six seven eight nine ten".split())},
    **{f"{at + 1}{end}": at for at, end in enumerate(("st", "nd", "rd", *["th"] * 7))},
}
DECADES = {
    "twenties": 1920, "thirties": 1930, "forties": 1940, "fifties": 1950, "sixties": 1960, "seventies": 1970,
    "eighties": 1980, "nineties": 1990, "noughties": 2000, "zweitausender": 2000, "neunziger": 1990, "achtziger": 1980,
}  # fmt: skip
CHEAPER = _listed("cheaper | less expensive | lower price | billiger | günstiger | 便宜")
DEARER = _listed("more expensive | pricier | teurer")
NEWER = _listed("newer | more recent | neuer")
OLDER = _listed("older | earlier | älter")
ELSE = _listed(
    "something else | others | other ones | anything else | show more | more please | next | "
    "different ones | etwas anderes | noch mehr | others please"
)
CHEAPEST = _listed(
    "cheapest | least expensive | least costly | most affordable | lowest priced | lowest price | billigste | "
    "billigsten | günstigste | günstigsten | 最便宜"
)
DEAREST = _listed("most expensive | priciest | dearest | highest priced | teuerste | teuersten | 最贵")
NEWEST = _listed("newest | latest | most recent | youngest | neueste | neuesten | neuste | 最新")
OLDEST = _listed("oldest | earliest | älteste | ältesten | 最早")
LOWEST = _listed("lowest | smallest | shortest | niedrigste | niedrigsten | kleinste | 最低")
HIGHEST = _listed("highest | largest | biggest | longest | greatest | höchste | höchsten | größte | 最高")
RECENT = _listed("recent | brand new | new release | new releases | this year")
CLASSIC = _listed("classic | classics | old fashioned | vintage | klassiker | 经典")
FREE = _listed("free | free of charge | for free | at no cost | kostenlos | kostenlose | kostenloses | gratis | 免费")
OLD, NEW = 25, 2  # years before the newest of the catalogue

# What people say → what catalogues call it. It counts only where the catalogue has the value.
SYNONYMS = {
    "funny": "comedy", "funnier": "comedy", "hilarious": "comedy", "comedies": "comedy", "laugh": "comedy",
    "humor": "comedy", "humour": "comedy", "lighthearted": "comedy",
    "scary": "horror", "scarier": "horror", "frightening": "horror", "creepy": "horror", "spooky": "horror",
    "romantic": "romance", "love story": "romance", "rom com": "romance", "romcom": "romance",
    "science fiction": "sci-fi", "scifi": "sci-fi", "sci fi": "sci-fi", "space": "sci-fi",
    "animated": "animation", "cartoon": "animation", "cartoons": "animation", "anime": "animation",
    "suspense": "thriller", "suspenseful": "thriller", "thrilling": "thriller", "tense": "thriller",
    "detective": "mystery", "whodunit": "mystery", "mysterious": "mystery",
    "biographical": "biography", "biopic": "biography", "historical": "history", "historic": "history",
    "musicals": "musical", "kids": "family", "children": "family", "childrens": "family", "for the family": "family",
    "superhero": "action", "gangster": "crime", "criminal": "crime", "documentaries": "documentary",
    "westerns": "western", "cowboy": "western", "fights": "action", "dramatic": "drama", "adventurous": "adventure",
    "mens": "m", "for men": "m", "for him": "m", "womens": "f", "for women": "f", "for her": "f",
    "for my wife": "f", "for my girlfriend": "f", "for my mother": "f", "for my mum": "f", "for my mom": "f",
    "for my daughter": "f", "for my sister": "f", "for my grandmother": "f",
    "for my husband": "m", "for my boyfriend": "m", "for my father": "m", "for my dad": "m",
    "for my son": "m", "for my brother": "m", "for my grandfather": "m",
    "tv": "television", "tvs": "television", "laptop": "computer", "couch": "sofas",
    "lamp": "lighting", "lamps": "lighting",
    "jewellery": "jewelry", "jewels": "jewelry", "shoes": "footwear", "clothes": "apparel", "clothing": "apparel",
    "without risk": "no risk", "without any risk": "no risk", "risk free": "no risk",
    "risky": "high risk", "pension": "pension plan", "pensions": "pension plan",
}  # fmt: skip
# Words that ask without saying for what.
ASKING = frozenset(
    """
    i im am me my we us you can could would please want wanted need looking look searching search for find show give get
    recommend recommendation recommendations suggest suggestion suggestions something anything some any a an the to of
    is are be was it that this which what with in on at and or but so just really very more most less much lot good nice
    great best movie movies film films item items product products book books thing things one ones watch buy see hi
    hello hey thanks thank tonight today now again also maybe like similar kind sort type do have there out up by from
    than as
    ich suche möchte bitte einen eine ein der die das etwas filme mir zeig einige ? ! . , ; : ( ) - –
    """.split()
)
# Words of a query that say little by themselves, though they join others that do.
LITTLE = frozenset(
    """
    about into onto over under between before after through during without within where when who whose whom how why
    they them their he him his she her hers its there here if then because while as has had having does did not no nor
    been being were will shall may might must own my your our all every each both few other others such only same once
    lets go going get getting make makes made take takes let set set said says story stories called named name title
    und oder mit ohne für über wo wer wie von vom zum zur den dem des nicht auch
    """.split()
)
EMPTY = "What would you like? Say a kind, a title you liked, a price or a year."
UNKNOWN_NUMBER = "I showed {count} last: which of them do you mean?"
NOTHING_SHOWN = "I have not shown you anything yet: what would you like?"
CONTRADICTION = "I cannot find {first} and {second} at once: which should hold?"
