"""The vocabulary of the sample projects, and how one instance of a template gets its words from it.

A project is a made-up program with its own nouns. Words are lower-case and single, are no keyword or
built-in type of any of the eight languages, and no word of a project has two roles, so that every template
stays plausible and compiles whatever is drawn.
"""

import random
from dataclasses import dataclass

SYNONYMS: dict[str, tuple[str, ...]] = {
    "item": ("item", "entry", "row", "element"),
    "result": ("result", "found", "collected", "kept"),
    "fetch": ("fetch", "load", "lookup", "retrieve"),
    "keep": ("keep", "save", "store", "put"),
    "small": ("3", "4", "5", "6", "8"),
    "page": ("10", "20", "25", "40", "50"),
    "limit": ("100", "200", "250", "500", "1000"),
    "size": ("32", "48", "64", "96", "128"),
}
"""Placeholders that any project fills: names of local variables, verbs, and constants (items or bytes)."""


@dataclass(frozen=True)
class Project:
    """A made-up program: what its entities, their text and number fields and the parties around them are called."""

    name: str
    summary: str
    entities: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]
    amounts: tuple[str, ...]
    owners: tuple[str, ...]


def _project(name: str, summary: str, entities: str, texts: str, amounts: str, owners: str) -> Project:
    pairs = [pair.split("/") for pair in entities.split()]
    return Project(
        name=name,
        summary=summary,
        entities=tuple((one, many) for one, many in pairs),
        texts=tuple(texts.split()),
        amounts=tuple(amounts.split()),
        owners=tuple(owners.split()),
    )


MINED_PROJECTS: dict[str, Project] = {
    project.name: project
    for project in (
        _project(
            "harbourlog",
            "Berth and cargo bookkeeping for small harbours",
            "berth/berths vessel/vessels cargo/cargoes pilot/pilots mooring/moorings crane/cranes "
            "voyage/voyages container/containers",
            "callsign remark cable",
            "tonnage draught demurrage",
            "skipper agent stevedore",
        ),
        _project(
            "seedbank",
            "Inventory of seed samples and germination trials",
            "seed/seeds sample/samples trial/trials batch/batches kernel/kernels drawer/drawers "
            "harvest/harvests packet/packets",
            "origin latin remark",
            "moisture weight vigour",
            "grower curator botanist",
        ),
        _project(
            "tramline",
            "Timetables and fare calculation for tramways",
            "halt/halts trip/trips route/routes ticket/tickets fare/fares depot/depots tram/trams transfer/transfers",
            "headsign platform notice",
            "headway distance surcharge",
            "driver passenger conductor",
        ),
        _project(
            "inkpress",
            "A small publishing system for newsletters",
            "article/articles issue/issues draft/drafts author/authors comment/comments banner/banners "
            "letter/letters caption/captions",
            "title slug teaser",
            "circulation edition reach",
            "editor reader reviewer",
        ),
        _project(
            "wardbook",
            "Shift planning and bed occupancy for clinics",
            "shift/shifts patient/patients bed/beds visit/visits dose/doses referral/referrals ward/wards "
            "handover/handovers",
            "symptom room remark",
            "pulse dosage stay",
            "nurse surgeon relative",
        ),
        _project(
            "stallmarket",
            "Orders and stock for weekly markets",
            "parcel/parcels product/products basket/baskets invoice/invoices coupon/coupons shipment/shipments "
            "refund/refunds supplier/suppliers",
            "label barcode street",
            "worth discount weight",
            "customer vendor courier",
        ),
        _project(
            "stargazer",
            "Observation plans for small telescopes",
            "comet/comets star/stars exposure/exposures mount/mounts lens/lenses survey/surveys target/targets "
            "plate/plates",
            "designation catalogue site",
            "magnitude azimuth altitude",
            "observer technician analyst",
        ),
        _project(
            "choirdesk",
            "Rehearsals, scores and voices of a choir",
            "singer/singers concert/concerts rehearsal/rehearsals song/songs voice/voices booking/bookings "
            "hall/halls programme/programmes",
            "composer venue lyric",
            "tempo pitch span",
            "soloist pianist patron",
        ),
        _project(
            "gridmeter",
            "Meter readings and tariffs for power grids",
            "meter/meters reading/readings tariff/tariffs outage/outages feeder/feeders contract/contracts "
            "panel/panels bill/bills",
            "serial region remark",
            "voltage demand peak",
            "consumer engineer dispatcher",
        ),
        _project(
            "trailmap",
            "Routes, huts and weather notes for hikers",
            "trail/trails hut/huts summit/summits marker/markers hike/hikes ridge/ridges ferry/ferries "
            "warning/warnings",
            "valley terrain notice",
            "ascent slope duration",
            "hiker ranger warden",
        ),
    )
}

BENCHMARK_PROJECTS: tuple[Project, ...] = (
    _project(
        "bookloan",
        "Loans and reservations of a village library",
        "loan/loans member/members shelf/shelves volume/volumes reservation/reservations fine/fines "
        "lending/lendings magazine/magazines",
        "isbn subject remark",
        "overdraft rating deposit",
        "borrower librarian donor",
    ),
    _project(
        "kennelhub",
        "Stays and feeding plans of a kennel",
        "dog/dogs pen/pens walk/walks meal/meals vaccine/vaccines stay/stays breed/breeds adoption/adoptions",
        "chip nickname colour",
        "weight age allowance",
        "keeper handler breeder",
    ),
    _project(
        "courtside",
        "Fixtures and scores of amateur leagues",
        "fixture/fixtures player/players team/teams season/seasons court/courts referee/referees trophy/trophies "
        "league/leagues",
        "jersey venue motto",
        "score ranking attendance",
        "coach captain scout",
    ),
)


def draw_words(project: Project, entity_index: int, random: random.Random) -> dict[str, str]:
    """The placeholders of one instance: the project's `entity_index`-th entity, the rest drawn from `random`.

    Every noun is given in three spellings: `$entity`, `$Entity`, `$ENTITY`. `$other` is another entity.
    """
    entity, entities = project.entities[entity_index % len(project.entities)]
    other, others = random.choice([pair for pair in project.entities if pair[0] != entity])
    nouns = {
        "entity": entity,
        "entities": entities,
        "other": other,
        "others": others,
        "text": random.choice(project.texts),
        "amount": random.choice(project.amounts),
        "owner": random.choice(project.owners),
        "project": project.name,
        "fetch": random.choice(SYNONYMS["fetch"]),
        "keep": random.choice(SYNONYMS["keep"]),
    }
    plain = {
        name: random.choice(SYNONYMS[name]) for name in ("item", "result", "small", "page", "limit", "size")
    }
    words = dict(plain)
    for name, word in nouns.items():
        words[name] = word
        words[name.capitalize()] = word[0].upper() + word[1:]
        words[name.upper()] = word.upper()
    return words
