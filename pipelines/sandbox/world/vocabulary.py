"""Names and texts in the records. All names are invented; the towns are real."""

from __future__ import annotations

GROWERS = (
    "Kwekerij Zonneglans",
    "Orchideeënkwekerij Van der Lugt",
    "Gebroeders Hofstede Potplanten",
    "Rozenkwekerij De Blauwe Poort",
    "Kwekerij Morgenrood",
    "Potplanten Oosterveld",
)

FIRST_WORDS = (
    "Bloemenhal", "Florana", "Groenhof", "Petalia", "Tulipana", "Verdura", "Fleurette", "Orchidea", "Kasgroen",
    "Bloesem", "Rosalia", "Jardin", "Blumenhaus", "Flowerline", "Plantopia", "Stengel", "Zomerbloei", "Botanica",
    "Groenrijk", "Fiorella",
)  # fmt: skip
SECOND_WORDS = ("Export", "Trading", "Retail", "Import", "Groothandel", "Cash & Carry", "Bloemisten", "Garden")
LEGAL_FORMS = ("B.V.", "V.O.F.", "GmbH", "Ltd.", "S.r.l.", "Sp. z o.o.", "")
CARRIERS = ("Transport Wiersma", "Bloemenexpres Westland", "Koeltransport De Haas", "Greenport Logistiek")
AUCTIONS = ("Veiling Noordland", "Veiling Rijnmonde")

TOWNS = (
    ("NL", "Honselersdijk", "2675 AB"),
    ("NL", "Aalsmeer", "1431 KD"),
    ("NL", "Naaldwijk", "2671 PL"),
    ("NL", "Rijnsburg", "2231 TZ"),
    ("NL", "Kwintsheul", "2295 MC"),
    ("NL", "Bleiswijk", "2665 NV"),
    ("DE", "Straelen", "47638"),
    ("DE", "Hamburg", "20097"),
    ("GB", "Spalding", "PE11 2AA"),
    ("FR", "Rungis", "94150"),
    ("IT", "Pescia", "51017"),
    ("PL", "Poznań", "60-101"),
    ("CH", "Zürich", "8005"),
    ("US", "Miami", "33122"),
)
STREETS = ("Hofzichtlaan", "Middel Broekweg", "Venus", "Turfschipper", "Noordlierweg", "Industriestraße", "Quai")

BUYERS = ("P. de Wit", "Anouk Visser", "M. Schröder", "Łukasz Nowak", "inkoop", "S. Bianchi", "T. O'Neill")
REMARKS = ("a.u.b. hoezen", "graag stevige takken", "aan dock 7 lossen", "no stickers please", "vóór 6 uur")
EARLY_REASONS = ("minder nodig", "verkeerd besteld", "te laat leverbaar", "andere maat", "prijsafspraak")
"""Of corrections before the delivery; as many as the others, so that a seed gives the same world."""
CORRECTION_REASONS = ("beschadigd bij transport", "te kort geleverd", "te rijp", "verkeerde maat", "prijsafspraak")
WASTE_REASONS = ("uitval", "telverschil", "botrytis")
SERVICE_TYPES = ("Hoezen", "Stickeren", "Etiketten", "Verpakken", "Keuren", "Transport", "Inrichten", None)
WISHES = ("graag in oranje", "iets kleinere pot", "met eigen label", "mag ook in wit", "voor de weekactie")
