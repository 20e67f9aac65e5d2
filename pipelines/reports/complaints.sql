-- Complaints and failed orders, how often by customer, trade item and reason: one row for each account, month,
-- customer, trade item, kind, reason and currency.
--
-- A complaint is a correction that someone else than the grower requested after the latest delivery of the order, or
-- that led to a decision about the goods. The kinds are COMPLAINT; CORRECTION for other such requests, before the
-- delivery; and REJECTED, UNFULFILLABLE and CANCELLED for orders of that status. The kinds are not to be added: an
-- order that is cancelled by a request is in two. Requests of the grower and deleted requests are left out.
--
-- The rate is the number of complaints divided by the orders of the same month, customer, trade item and currency:
-- those that were accepted, committed, rejected, cancelled or unfulfillable, without deleted ones. It is above 1 if
-- orders have several complaints. The trade may count only complaints that were accepted: see that column.
--
-- The month is that of the latest delivery of the order, in Amsterdam; requests for orders that are not in the
-- warehouse, or without that time, are in rows without a month, unless from_date or to_date is given. The answer to a
-- request is its last change, if it is accepted or declined. Sums leave out what is unknown, and are NULL if all is.
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
--   trade_item_id             ordered trade item (catalog.trade_items)
--   trade_item_name           its name; NULL if the trade item is not in the warehouse
--   kind                      COMPLAINT, CORRECTION, REJECTED, UNFULFILLABLE or CANCELLED
--   reason                    reason in the words of whoever complained; NULL if none was given, as for orders
--   currency                  currency of the values, as ISO 4217
--   orders                    sales orders of the month, customer, trade item and currency, of all kinds and reasons
--   complaints                complaints, or failed orders, of this kind and reason
--   rate                      complaints divided by orders; NULL without orders
--   pieces                    pieces that complaints took off, or of failed orders before all corrections; NULL if unknown
--   value                     value that complaints took off, or value of failed orders, in the currency; NULL if unknown
--   accepted                  complaints that were accepted
--   declined                  complaints that were declined
--   median_answer_hours       median of the hours from complaint to answer; NULL without an answer
--   reclamation_decision      the most frequent decision; of equally frequent ones, the first in the alphabet
--
-- tables:
--   catalog.trade_items
--   orders.sales_order_correction_requests
--   orders.sales_order_mutations
--   orders.sales_orders
--   organizations.organizations

WITH
{correction_requests},
failed AS (
    -- The orders that came to nothing.
    SELECT
        o.account,
        y.day,
        y.month,
        o.sales_order_id,
        o.customer_organization_id,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS seller_organization_id,
        o.supplier_organization_id,
        o.trade_item_id,
        o.status AS kind,
        o.calculated_fields_order_amount_currency AS money,
        o.number_of_pieces AS pieces,
        o.calculated_fields_order_amount_value AS value
    FROM orders.sales_orders o
    LEFT JOIN days y ON y.moment = o.delivery_latest_delivery_date_time
    WHERE o.status IN ('REJECTED', 'UNFULFILLABLE', 'CANCELLED') AND NOT o.is_deleted
),
original AS (
    -- Only of these orders: to find the oldest of all mutations takes longer.
    SELECT
        m.account,
        m.sales_order_id,
        min_by(
            struct_pack(
                pieces := m.old_values_number_of_pieces,
                price := CAST(m.old_values_total_price_per_piece AS DECIMAL(38, 6))
            ),
            (m.created_date_time, m.based_on_sales_order_version)
        ) FILTER (m.old_values_number_of_pieces IS NOT NULL) AS was
    FROM orders.sales_order_mutations m
    SEMI JOIN failed f ON f.account = m.account AND f.sales_order_id = m.sales_order_id
    GROUP BY ALL
),
complaints AS (
    SELECT
        r.account,
        r.day,
        r.month,
        r.sales_order_id,
        r.customer_organization_id,
        r.seller_organization_id,
        r.supplier_organization_id,
        r.trade_item_id,
        r.kind,
        r.money,
        -r.pieces_delta AS pieces,
        -CAST(r.value_delta AS DECIMAL(38, 6)) AS value,
        r.sales_order_correction_request_id,
        r.reason,
        r.status,
        r.reclamation_action_decision,
        r.answer_hours
    FROM correction_requests r
    WHERE coalesce(r.initiated_by, '') <> 'SUPPLIER'
    UNION ALL BY NAME
    SELECT
        d.account,
        d.day,
        d.month,
        d.sales_order_id,
        d.customer_organization_id,
        d.seller_organization_id,
        d.supplier_organization_id,
        d.trade_item_id,
        d.kind,
        d.money,
        CAST(coalesce(m.was.pieces, d.pieces) AS BIGINT) AS pieces,
        coalesce(CAST(round(m.was.price * m.was.pieces, 2) AS DECIMAL(38, 6)), d.value) AS value
    FROM failed d
    LEFT JOIN original m ON m.account = d.account AND m.sales_order_id = d.sales_order_id
),
detail AS (
    -- One row for each complaint and each failed order that counts.
    SELECT c.*
    FROM complaints c
    WHERE (from_date IS NULL OR c.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR c.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR c.money = upper(currency))
        AND (customer IS NULL OR c.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR c.trade_item_id = CAST(trade_item AS UUID))
),
months AS (
    SELECT
        d.account,
        d.month,
        d.customer_organization_id,
        d.trade_item_id,
        d.kind,
        d.reason,
        d.money,
        count(*) AS complaints,
        CAST(sum(d.pieces) AS BIGINT) AS pieces,
        sum(d.value) AS value,
        count(*) FILTER (d.status = 'ACCEPTED') AS accepted,
        count(*) FILTER (d.status = 'DECLINED') AS declined,
        median(d.answer_hours) AS hours,
        -- Counted below: DuckDB computes a histogram apart from the other sums, and joins it to them.
        list(d.reclamation_action_decision) FILTER (d.reclamation_action_decision IS NOT NULL) AS decisions
    FROM detail d
    GROUP BY ALL
),
totals AS (
    -- Orders of what somebody complained about: a fraction of all, which is faster to group. DuckDB expects that one row in
    -- five passes a condition. With two conditions of the months, and none of the orders, it hashes the months for this join
    -- and not all orders; which orders count is looked at afterwards.
    SELECT
        o.account,
        y.month,
        o.customer_organization_id,
        o.trade_item_id,
        o.calculated_fields_order_amount_currency AS money,
        count(*) FILTER (
            o.status IN ('ACCEPTED', 'COMMITTED', 'REJECTED', 'UNFULFILLABLE', 'CANCELLED') AND NOT o.is_deleted
        ) AS orders
    FROM orders.sales_orders o
    LEFT JOIN days y ON y.moment = o.delivery_latest_delivery_date_time
    SEMI JOIN (SELECT * FROM months WHERE complaints > 0 AND kind <> '') m
        ON m.account = o.account
        AND m.month IS NOT DISTINCT FROM y.month
        AND m.customer_organization_id IS NOT DISTINCT FROM o.customer_organization_id
        AND m.trade_item_id IS NOT DISTINCT FROM o.trade_item_id
        AND m.money IS NOT DISTINCT FROM o.calculated_fields_order_amount_currency
    WHERE (from_date IS NULL OR y.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR y.day <= CAST(to_date AS DATE))
    GROUP BY ALL
),
{items}
SELECT
    m.account,
    m.month,
    m.customer_organization_id,
    n.name AS customer_name,
    m.trade_item_id,
    i.trade_item_name,
    m.kind,
    m.reason,
    m.money AS currency,
    coalesce(t.orders, 0) AS orders,
    m.complaints,
    CAST(m.complaints / nullif(t.orders, 0) AS DECIMAL(38, 6)) AS rate,
    m.pieces,
    m.value,
    m.accepted,
    m.declined,
    CAST(m.hours AS DECIMAL(38, 6)) AS median_answer_hours,
    -- Most groups have one, and counting in many short lists is slow.
    CASE
        WHEN len(m.decisions) = 1 THEN m.decisions[1]
        ELSE list_min(
            [struct_pack(place := -CAST(e.value AS BIGINT), text := e.key) FOR e IN map_entries(list_histogram(m.decisions))]
        ).text
    END AS reclamation_decision
FROM months m
LEFT JOIN totals t
    ON t.account = m.account
    AND t.month IS NOT DISTINCT FROM m.month
    AND t.customer_organization_id IS NOT DISTINCT FROM m.customer_organization_id
    AND t.trade_item_id IS NOT DISTINCT FROM m.trade_item_id
    AND t.money IS NOT DISTINCT FROM m.money
LEFT JOIN organizations.organizations n
    ON n.account = m.account AND n.organization_id = m.customer_organization_id
LEFT JOIN items i ON i.account = m.account AND i.trade_item_id = m.trade_item_id
ORDER BY m.account, m.month DESC NULLS LAST, m.money, m.complaints DESC, m.customer_organization_id, m.trade_item_id,
    m.kind, m.reason
