"""The prompts: questions that a nursery or a buyer asks each week, with the reports that answer them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from pydantic import Field

Period = Annotated[str, Field(description="the period, such as last week, November 2026, or since 1 October")]

_BOTH, _BUYER = ("suppliers", "customers"), ("customers",)
_DAYS = "Give each report the first and the last day of the period: without them it chooses days of its own."
_RULES = (
    "Answer in the language of the question, shortly, with the numbers. Never add amounts of different currencies."
    " Name the period that you used. Days and weeks are those of Amsterdam. Call freshness first, and say until when"
    " the data are complete if that is before the end of the period."
)


@dataclass(frozen=True)
class Question:
    """A question with its way to the answer.

    Args:
        name: name of the prompt, as programs write it.
        title: name of the prompt, as people read it.
        text: the question; ``{period}`` stands for the argument of the prompt.
        reports: the reports that answer it, in the order of their use.
        hint: what else an answer needs, in whole sentences.
        apis: APIs whose users ask it: a grower's, a buyer's, or both.
        default_period: the period, if the prompt is used without one.
    """

    name: str
    title: str
    text: str
    reports: tuple[str, ...]
    hint: str
    apis: tuple[str, ...] = ("suppliers",)
    default_period: str = "the last four complete weeks"

    @property
    def has_period(self) -> bool:
        """Whether the question is about a period."""
        return "{period}" in self.text

    def message(self, period: str = "") -> str:
        """The text for the assistant."""
        reports = ", ".join(self.reports)
        days = f" {_DAYS}" if self.has_period else ""
        return f"{self.text.format(period=period)}\n\nUse run_report with {reports}.{days} {self.hint} {_RULES}"


QUESTIONS = (
    Question(
        "revenue",
        "How was our revenue?",
        "How was our revenue in {period}, compared with the same weeks of last year?",
        ("revenue_by_week",),
        "Sum it by currency, and name the trade items that explain most of the difference.",
    ),
    Question(
        "customers",
        "Which customers buy more or less?",
        "Which customers buy more in {period} than in the same weeks a year earlier, which buy less, and who stopped?",
        ("customer_changes", "customer_ranking"),
        "customer_changes compares only ended weeks that both years have: name their number, weeks_compared. Name the"
        " largest changes in money, and the share of the five largest customers.",
        default_period="the last 13 complete weeks",
    ),
    Question(
        "to_deliver",
        "What do we have to deliver?",
        "Which orders do we still have to pick, despatch or deliver, and when?",
        ("open_orders",),
        "Group them by day of departure and by customer. Name first what is late or departs today.",
    ),
    Question(
        "deliveries",
        "Did we deliver in full and on time?",
        "Did we deliver what was ordered in {period}, and on time?",
        ("fill_rate", "on_time_delivery"),
        "Distinguish shortages that we caused from those that customers caused.",
    ),
    Question(
        "stock",
        "Which stock is at risk?",
        "Which stock grows old without being sold, and what should we offer?",
        ("stock_at_risk", "sell_through"),
        "Name the pieces, the age in days and what is already offered.",
    ),
    Question(
        "prices",
        "How do our prices develop?",
        "How do our prices develop in {period}, also compared with the clock?",
        ("price_development", "clock_versus_direct", "price_alerts"),
        "Name the trade items with unusual prices. Compare like with like.",
    ),
    Question(
        "complaints",
        "What do customers complain about?",
        "What did customers complain about or correct in {period}, and what did it cost?",
        ("complaints", "corrections"),
        "Group it by reason and trade item, and name customers with many complaints.",
    ),
    Question(
        "invoices",
        "What is not settled?",
        "Which orders are not invoiced or settled as they were ordered?",
        ("invoice_reconciliation", "daily_statement"),
        "Name the amounts by currency, the oldest ones first.",
        _BOTH,
    ),
    Question(
        "contracts",
        "Do our contracts run as agreed?",
        "Are our contracts called off as agreed, and which will not be used up?",
        ("contract_forecast", "contract_drawdown"),
        "Compare the contract price with the average price of the same trade items.",
        _BOTH,
    ),
    Question(
        "offers",
        "What happens with our offers?",
        "Which of our offers of {period} led to orders, and through which channels do we sell?",
        ("offer_conversion", "channel_mix"),
        "Name what was offered and not sold.",
    ),
    Question(
        "spend",
        "What do we buy, and from whom?",
        "What did we spend in {period}, by grower?",
        ("spend_by_grower",),
        "Run it for the same period a year earlier too, and name the growers from whom we buy much more or less.",
        _BUYER,
    ),
    Question(
        "best_offers",
        "Where do we buy cheapest?",
        "Which of the present offers is the cheapest for each trade item, and which orders need action?",
        ("cheapest_offer", "purchase_order_exceptions"),
        "Compare prices with levies and packing.",
        _BUYER,
    ),
)


def questions_for(api: str | None) -> tuple[Question, ...]:
    """The questions that the reports of an API answer; all questions if the API is None."""
    return tuple(each for each in QUESTIONS if api is None or api in each.apis)


def add_prompts(server: MCPServer, api: str | None) -> None:
    """Add a prompt for each question of an API's users; for all users if the API is None."""
    for each in questions_for(api):
        server.prompt(name=each.name, title=each.title, description=each.title)(_prompt(each))


def _prompt(question: Question) -> Callable[..., str]:
    def about(period: Period = question.default_period) -> str:
        return question.message(period)

    def now() -> str:
        return question.message()

    return about if question.has_period else now
