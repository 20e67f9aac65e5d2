-- Corrections after the sale, what they changed in pieces and value: one row for each account, month, customer,
-- initiator and currency.
--
-- A correction request counts in the month of the latest delivery of its order, in Amsterdam; requests for orders that
-- are not in the warehouse, or without that time, are in rows without a month, unless from_date or to_date is given.
-- Deleted requests do not count. The status of the order does not matter.
--
-- The differences are those of the requests: the order's changes that name a request, new value minus old value. A
-- cancellation removes all pieces. Changes without a request are not in this report. The old and the new value of a
-- change are each rounded to cents, as the amount of an order is. Sums leave out what is unknown, and are NULL if all is.
--
-- The answer to a request is its last change, if it is accepted or declined. A reason is the text of whoever requested
-- the correction, a decision what was agreed about the goods.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account                   name of the account in the settings
--   month                     month of the order's latest delivery, as its first day
--   customer_organization_id  buyer (organizations.organizations)
--   customer_name             its registered name; NULL if the organization is not in the warehouse
--   initiated_by              side that requested the correction
--   currency                  currency of the orders, as ISO 4217; NULL if an order is not in the warehouse
--   requests                  correction requests
--   accepted                  of these, accepted ones
--   pieces_delta              added pieces, below 0 for removed pieces; NULL if unknown
--   value_delta               change of the orders' value, in the currency, below 0 for less; NULL if unknown
--   declined                  requests that were declined
--   reason                    the most frequent reason; of equally frequent ones, the first in the alphabet
--   reclamations              requests with a decision about the goods
--   reclamation_decision      the most frequent decision; of equally frequent ones, the first in the alphabet
--   median_answer_hours       median of the hours from request to answer; NULL without an answer
--
-- tables:
--   orders.sales_order_correction_requests
--   orders.sales_order_mutations
--   orders.sales_orders
--   organizations.organizations

WITH
{correction_requests},
detail AS (
    SELECT r.*
    FROM correction_requests r
    WHERE (from_date IS NULL OR r.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR r.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR r.money = upper(currency))
        AND (customer IS NULL OR r.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR r.trade_item_id = CAST(trade_item AS UUID))
),
corrected AS (
    SELECT
        d.account,
        d.month,
        d.customer_organization_id,
        d.initiated_by,
        d.money,
        count(*) AS requests,
        count(*) FILTER (d.status = 'ACCEPTED') AS accepted,
        CAST(sum(d.pieces_delta) AS BIGINT) AS pieces_delta,
        sum(d.value_delta) AS value_delta,
        count(*) FILTER (d.status = 'DECLINED') AS declined,
        -- Counted below: DuckDB computes a histogram apart from the other sums, and joins it to them.
        list(d.reason) FILTER (d.reason IS NOT NULL) AS reasons,
        count(d.reclamation_action_decision) AS reclamations,
        list(d.reclamation_action_decision) FILTER (d.reclamation_action_decision IS NOT NULL) AS decisions,
        median(d.answer_hours) AS hours
    FROM detail d
    GROUP BY ALL
)
SELECT
    c.account,
    c.month,
    c.customer_organization_id,
    n.name AS customer_name,
    c.initiated_by,
    c.money AS currency,
    c.requests,
    c.accepted,
    c.pieces_delta,
    c.value_delta,
    c.declined,
    -- Most groups have one, and counting in many short lists is slow.
    CASE
        WHEN len(c.reasons) = 1 THEN c.reasons[1]
        ELSE list_min(
            [struct_pack(place := -CAST(e.value AS BIGINT), text := e.key) FOR e IN map_entries(list_histogram(c.reasons))]
        ).text
    END AS reason,
    c.reclamations,
    -- Most groups have one, and counting in many short lists is slow.
    CASE
        WHEN len(c.decisions) = 1 THEN c.decisions[1]
        ELSE list_min(
            [struct_pack(place := -CAST(e.value AS BIGINT), text := e.key) FOR e IN map_entries(list_histogram(c.decisions))]
        ).text
    END AS reclamation_decision,
    CAST(c.hours AS DECIMAL(38, 6)) AS median_answer_hours
FROM corrected c
LEFT JOIN organizations.organizations n
    ON n.account = c.account AND n.organization_id = c.customer_organization_id
ORDER BY c.account, c.month DESC NULLS LAST, c.money, c.requests DESC, c.customer_organization_id, c.initiated_by
