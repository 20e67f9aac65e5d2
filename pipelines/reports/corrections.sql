-- Corrections after the sale, what they changed in pieces and value: one row for each account, month, customer,
-- initiator and currency.
--
-- A correction request counts in the month of the latest delivery of its order, in Amsterdam; requests for orders that
-- are not in the warehouse, or without that time, are in rows without a month, unless from_date or to_date is given.
-- Deleted requests do not count. The status of the order does not matter.
--
-- The differences are those of the requests: the order's changes that name a request, new value minus old value. A
-- cancellation removes all pieces. Changes without a request are not in this report. The old and the new value of a
-- change are each rounded to cents, as the amount of an order is.
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
--   pieces_delta              added pieces, below 0 for removed pieces
--   value_delta               change of the orders' value, in the currency, below 0 for less
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

WITH changes AS (
    SELECT
        m.account,
        m.sales_order_correction_request_id,
        m.old_values_number_of_pieces AS old_pieces,
        CAST(m.old_values_total_price_per_piece AS DECIMAL(38, 6)) AS old_price,
        if(m.correction_type = 'CANCELLATION', 0, m.new_values_number_of_pieces) AS new_pieces,
        CAST(m.new_values_total_price_per_piece AS DECIMAL(38, 6)) AS new_price
    FROM orders.sales_order_mutations m
    WHERE m.sales_order_correction_request_id IS NOT NULL
),
effects AS (
    SELECT
        c.account,
        c.sales_order_correction_request_id,
        sum(CAST(c.new_pieces AS BIGINT) - c.old_pieces) AS pieces_delta,
        sum(
            if(c.new_pieces = 0, 0, round(c.new_price * c.new_pieces, 2)) - round(c.old_price * c.old_pieces, 2)
        ) AS value_delta
    FROM changes c
    GROUP BY ALL
),
asked AS (
    SELECT
        r.*,
        o.delivery_latest_delivery_date_time AS moment,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS seller_organization_id,
        o.supplier_organization_id,
        o.trade_item_id,
        o.calculated_fields_order_amount_currency AS money
    FROM orders.sales_order_correction_requests r
    LEFT JOIN orders.sales_orders o ON o.account = r.account AND o.sales_order_id = r.sales_order_id
    WHERE NOT r.is_deleted
        AND (currency IS NULL OR o.calculated_fields_order_amount_currency = upper(currency))
        AND (customer IS NULL OR r.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
days AS (
    -- Converting to Amsterdam's time zone is slow, and there are fewer distinct times than requests.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT DISTINCT a.moment FROM asked a) m
),
detail AS (
    -- One row for each request that counts.
    SELECT
        a.account,
        y.day,
        a.sales_order_correction_request_id,
        a.sales_order_id,
        a.customer_organization_id,
        a.seller_organization_id,
        a.supplier_organization_id,
        a.trade_item_id,
        a.initiated_by,
        a.status,
        a.is_cancel_request,
        a.reason,
        a.reclamation_action_decision,
        a.money,
        CASE
            WHEN a.status IN ('ACCEPTED', 'DECLINED')
                THEN (epoch_us(a.last_modified_date_time) - epoch_us(a.creation_date_time)) / 3600000000
        END AS answer_hours,
        CAST(coalesce(e.pieces_delta, 0) AS BIGINT) AS pieces_delta,
        coalesce(e.value_delta, 0) AS value_delta
    FROM asked a
    LEFT JOIN days y ON y.moment = a.moment
    LEFT JOIN effects e
        ON e.account = a.account AND e.sales_order_correction_request_id = a.sales_order_correction_request_id
    WHERE (from_date IS NULL OR y.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR y.day <= CAST(to_date AS DATE))
),
corrected AS (
    SELECT
        d.account,
        CAST(date_trunc('month', d.day) AS DATE) AS month,
        d.customer_organization_id,
        d.initiated_by,
        d.money,
        count(*) AS requests,
        count(*) FILTER (d.status = 'ACCEPTED') AS accepted,
        CAST(sum(d.pieces_delta) AS BIGINT) AS pieces_delta,
        sum(d.value_delta) AS value_delta,
        count(*) FILTER (d.status = 'DECLINED') AS declined,
        map_entries(histogram(d.reason)) AS reasons,
        count(d.reclamation_action_decision) AS reclamations,
        map_entries(histogram(d.reclamation_action_decision)) AS decisions,
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
    list_min([struct_pack(place := -CAST(e.value AS BIGINT), text := e.key) FOR e IN c.reasons]).text AS reason,
    c.reclamations,
    list_min(
        [struct_pack(place := -CAST(e.value AS BIGINT), text := e.key) FOR e IN c.decisions]
    ).text AS reclamation_decision,
    CAST(c.hours AS DECIMAL(38, 6)) AS median_answer_hours
FROM corrected c
LEFT JOIN organizations.organizations n
    ON n.account = c.account AND n.organization_id = c.customer_organization_id
ORDER BY c.account, c.month DESC NULLS LAST, c.money, c.requests DESC, c.customer_organization_id, c.initiated_by
